package plan

import (
	"testing"

	"berth.dev/berth/spec"
	"berth.dev/berth/spec/native"
)

const benched = `
apiVersion: berth.dev/v1
kind: Container
metadata: {name: web, namespace: shop}
spec:
  image: web:1
  env: [{name: MODE, value: production}, {name: A, value: a}, {name: B, value: b}]
  ports: [{containerPort: 8080, hostPort: 80}]
  volumes:
  - {mountPath: /logs, hostPath: {path: /var/log/web}}
  - {mountPath: /tmp, tmpfs: {size: 64Mi}}
  resources: {requests: {cpu: 250m, memory: 64Mi}, limits: {cpu: "1", memory: 256Mi, pids: 200}}
  securityContext: {readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
`

// BenchmarkMakeNothing is a pass over one object with nothing to do, which every event and every resync pays.
func BenchmarkMakeNothing(b *testing.B) {
	w := newWorld()
	o := native.Parse([]byte(benched))[0].Object
	spec.Default(o)
	w.objects[o.Key()] = o
	w.addImage("web:1", spec.ContainerSpec{Command: []string{"/web"}, Env: []spec.EnvVar{{Name: "PATH", Value: "/bin"}}})
	if err := w.settle(); err != nil {
		b.Fatal(err)
	}
	seen := w.observe(o.Key())
	b.ReportAllocs()
	for b.Loop() {
		if p := Make(o.Key(), o, w.objects, seen, w.now); !p.Empty() {
			b.Fatal(p)
		}
	}
}
