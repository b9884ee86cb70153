package spec_test

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"berth.dev/berth/spec"
)

// TestReferences has the same container in each of the kinds that run one.
func TestReferences(t *testing.T) {
	var c spec.ContainerSpec
	unmarshal(t, `{networks: [{name: net}], volumes: [{volume: {name: v}}, {volume: {}}], initContainers: [{volumes: [{volume: {name: w}}]}],
		pidMode: container:p, ipcMode: container:other/p, dependsOn: [{name: d}, {name: j, kind: Job, namespace: other}, {name: p}]}`, &c)
	meta := spec.Metadata{Name: "me", Namespace: "own"}
	job := spec.JobSpec{Template: spec.ContainerTemplate{Spec: c}}
	for at, o := range map[string]spec.Object{
		"spec":                                &spec.Container{Metadata: meta, Spec: c},
		"spec.template.spec":                  &spec.Job{Metadata: meta, Spec: job},
		"spec.jobTemplate.spec.template.spec": &spec.CronJob{Metadata: meta, Spec: spec.CronJobSpec{JobTemplate: spec.JobTemplate{Spec: job}}},
	} {
		got := map[string]any{"references": text(spec.References(o)), "peers": text(spec.Peers(o)), "dependencies": text(spec.Dependencies(o)), "links": links(o)}
		want := map[string]any{
			"references": []string{"Container other/p", "Container own/d", "Container own/p", "Job other/j", "Network own/net", "Volume own/v", "Volume own/w"},
			"peers":      []string{"Container other/p", "Container own/p"}, "dependencies": []string{"Container own/d", "Container own/p", "Job other/j"},
			"links": map[string]string{
				at + ".pidMode": "Container own/p", at + ".ipcMode": "Container other/p",
				at + ".dependsOn[0]": "Container own/d", at + ".dependsOn[1]": "Job other/j", at + ".dependsOn[2]": "Container own/p",
			},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", o.Key(), diff)
		}
		if spec.Template(o).PidMode != "container:p" {
			t.Errorf("%s: the template is another", o.Key())
		}
	}
	volume := &spec.Volume{Metadata: meta}
	if spec.Template(volume) != nil || spec.References(volume) != nil || spec.Links(volume) != nil || spec.TemplatePath(spec.KindVolume) != "" {
		t.Error("a volume refers to something")
	}
}

func unmarshal(t *testing.T, text string, into any) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(text), into); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
}

func text(keys []spec.Key) (out []string) {
	for _, k := range keys {
		out = append(out, k.String())
	}
	return out
}

func links(o spec.Object) map[string]string {
	out := map[string]string{}
	for _, l := range spec.Links(o) {
		out[l.Field] = l.To.String()
	}
	return out
}

// TestDefaults: what is left out is filled in, and what nobody asked for stays away.
func TestDefaults(t *testing.T) {
	for _, c := range []struct{ kind, in, want string }{
		{"Container", `{image: a}`, `{image: a, replicas: 1, imagePullPolicy: IfNotPresent, networkMode: bridge, restartPolicy: Always, terminationGracePeriodSeconds: 30,
			progressDeadlineSeconds: 600, revisionHistoryLimit: 10}`},
		{"Container", `{image: a, replicas: 0, imagePullPolicy: Always, networkMode: none, restartPolicy: Never, terminationGracePeriodSeconds: 0, progressDeadlineSeconds: 5, revisionHistoryLimit: 0,
			livenessProbe: {dockerHealth: {}}, readinessProbe: {httpGet: {port: 80}, failureThreshold: 7}, startupProbe: {exec: {command: [a]}},
			lifecycle: {preStop: {httpGet: {port: 80, path: /bye}}}, initContainers: [{name: i, resources: {devices: [{hostPath: /dev/a}]}}],
			dependsOn: [{name: b}], strategy: {rollingUpdate: {}}, updatePolicy: {}}`,
			`{image: a, replicas: 0, imagePullPolicy: Always, networkMode: none, restartPolicy: Never, terminationGracePeriodSeconds: 0, progressDeadlineSeconds: 5, revisionHistoryLimit: 0,
			livenessProbe: {dockerHealth: {}},
			readinessProbe: {httpGet: {port: 80, path: /, scheme: HTTP}, periodSeconds: 10, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 7},
			startupProbe: {exec: {command: [a]}, periodSeconds: 10, timeoutSeconds: 1, successThreshold: 1, failureThreshold: 3},
			lifecycle: {preStop: {httpGet: {port: 80, path: /bye, scheme: HTTP}}},
			initContainers: [{name: i, resources: {devices: [{hostPath: /dev/a, containerPath: /dev/a, permissions: rwm}]}}],
			dependsOn: [{name: b, namespace: default, kind: Container, condition: Ready}], strategy: {type: RollingUpdate, rollingUpdate: {}}, updatePolicy: {type: Digest, mode: Apply}}`},
		{"Job", `{template: {spec: {image: a}}}`, `{completions: 1, parallelism: 1, backoffLimit: 6, template: {spec: {image: a, imagePullPolicy: IfNotPresent, networkMode: bridge, restartPolicy: Never, terminationGracePeriodSeconds: 30}}}`},
		{"Job", `{parallelism: 3, backoffLimit: 0, template: {spec: {image: a, networks: [{name: net}], restartPolicy: OnFailure}}}`,
			`{parallelism: 3, backoffLimit: 0, template: {spec: {image: a, networks: [{name: net}], imagePullPolicy: IfNotPresent, restartPolicy: OnFailure, terminationGracePeriodSeconds: 30}}}`},
		{"CronJob", `{schedule: "@daily", jobTemplate: {spec: {completions: 4, template: {spec: {image: a, networkMode: host}}}}}`,
			`{schedule: "@daily", concurrencyPolicy: Allow, successfulJobsHistoryLimit: 3, failedJobsHistoryLimit: 1, jobTemplate: {spec: {completions: 4, parallelism: 1, backoffLimit: 6,
			template: {spec: {image: a, networkMode: host, imagePullPolicy: IfNotPresent, restartPolicy: Never, terminationGracePeriodSeconds: 30}}}}}`},
		{"Notification", `{webhook: {url: "http://a"}}`, `{webhook: {url: "http://a", format: JSON, timeout: 10s}, rateLimitPerMinute: 60, dedupeWindow: 5m0s}`},
		{"Notification", `{webhook: {url: "http://a", timeout: 1s}, rateLimitPerMinute: 1, dedupeWindow: 0s}`, `{webhook: {url: "http://a", format: JSON, timeout: 1s}, rateLimitPerMinute: 1, dedupeWindow: 0s}`},
	} {
		o, _ := spec.New(spec.Kind(c.kind))
		unmarshal(t, "{spec: "+c.in+"}", o)
		spec.Default(o)
		var want any
		unmarshal(t, c.want, &want)
		if diff := cmp.Diff(want, written(t, o)); diff != "" {
			t.Errorf("%s %s (-want +got):\n%s", c.kind, c.in, diff)
		}
		spec.Default(o)
		if diff := cmp.Diff(want, written(t, o)); diff != "" {
			t.Errorf("%s %s: a second time (-want +got):\n%s", c.kind, c.in, diff)
		}
	}
}

// written is the spec of an object as it is written.
func written(t *testing.T, o spec.Object) any {
	t.Helper()
	b, err := json.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	var root map[string]any
	if err := json.Unmarshal(b, &root); err != nil {
		t.Fatal(err)
	}
	return root["spec"]
}

func TestPortRef(t *testing.T) {
	for in, want := range map[string]spec.PortRef{`80`: {Number: 80}, `"8080"`: {Number: 8080}, `"http"`: {Name: "http"}, `"9p"`: {Name: "9p"}} {
		var got spec.PortRef
		if err := json.Unmarshal([]byte(in), &got); err != nil || got != want {
			t.Errorf("%s: %+v, %v", in, got, err)
		}
		var again spec.PortRef
		b, _ := json.Marshal(got)
		if err := json.Unmarshal(b, &again); err != nil || again != got {
			t.Errorf("%s: written as %s, read as %+v, %v", in, b, again, err)
		}
	}
	for _, in := range []string{`0`, `65536`, `-1`, `""`, `"HTTP"`, `"1-2"`, `"a_b"`, `"-a"`, `1.5`} {
		var got spec.PortRef
		if err := json.Unmarshal([]byte(in), &got); err == nil {
			t.Errorf("%s is read as %+v", in, got)
		}
	}
}

func TestCountOrPercent(t *testing.T) {
	for _, c := range []struct {
		in       string
		total    int
		down, up int
	}{{`2`, 10, 2, 2}, {`"2"`, 1, 2, 2}, {`"25%"`, 10, 2, 3}, {`"25%"`, 4, 1, 1}, {`"0%"`, 10, 0, 0}, {`"100%"`, 7, 7, 7}, {`"1%"`, 1, 0, 1}} {
		var got spec.CountOrPercent
		if err := json.Unmarshal([]byte(c.in), &got); err != nil {
			t.Error(err)
		}
		if down, up := got.Of(c.total, false), got.Of(c.total, true); down != c.down || up != c.up {
			t.Errorf("%s of %d: %d and %d, want %d and %d", c.in, c.total, down, up, c.down, c.up)
		}
		var again spec.CountOrPercent
		b, _ := json.Marshal(got)
		if err := json.Unmarshal(b, &again); err != nil || again != got {
			t.Errorf("%s: written as %s, read as %+v, %v", c.in, b, again, err)
		}
	}
	for _, in := range []string{`-1`, `"101%"`, `"%"`, `"a"`, `1.5`, `""`, `99999999999`} {
		var got spec.CountOrPercent
		if err := json.Unmarshal([]byte(in), &got); err == nil {
			t.Errorf("%s is read as %+v", in, got)
		}
	}
}
