package plan

import (
	"encoding/json"
	"testing"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	"pgregory.net/rapid"

	"berth.dev/berth/spec"
)

func optional[T any](t *rapid.T, label string, g *rapid.Generator[T]) *T {
	if rapid.Bool().Draw(t, label+" set") {
		return new(g.Draw(t, label))
	}
	return nil
}

func anyOf[T any](t *rapid.T, label string, values ...T) T {
	return rapid.SampledFrom(values).Draw(t, label)
}

func quantity(text string) *resource.Quantity { return new(resource.MustParse(text)) }

// anySpec draws a specification out of fields that go together.
func anySpec(t *rapid.T) spec.ContainerSpec {
	s := spec.ContainerSpec{
		Image:         "web:1",
		Command:       anyOf(t, "command", nil, []string{"/a"}, []string{"/a", "b"}),
		Args:          anyOf(t, "args", nil, []string{"-a"}),
		WorkingDir:    anyOf(t, "workingDir", "", "/a"),
		User:          anyOf(t, "user", "", "1000:7"),
		Groups:        anyOf(t, "groups", nil, []string{"b", "a"}),
		Hostname:      anyOf(t, "hostname", "", "box"),
		Labels:        anyOf(t, "labels", nil, map[string]string{"a": "", "maker": "us"}),
		Sysctls:       anyOf(t, "sysctls", nil, map[string]string{"net.a": "1"}),
		StopSignal:    anyOf(t, "stopSignal", "", "SIGINT", "term"),
		Init:          optional(t, "init", rapid.Bool()),
		TTY:           rapid.Bool().Draw(t, "tty"),
		PidMode:       anyOf(t, "pidMode", "", "host"),
		IpcMode:       anyOf(t, "ipcMode", "", "private", "none"),
		Logging:       anyOf(t, "logging", nil, &spec.Logging{Driver: "local"}),
		RestartPolicy: anyOf(t, "restartPolicy", spec.RestartAlways, spec.RestartNever, spec.RestartOnFailure, spec.RestartUnlessStopped),
		NetworkMode:   anyOf(t, "networkMode", "", "host", "none", "bridge"),
		Replicas:      new(int32(rapid.IntRange(1, 3).Draw(t, "replicas"))),
	}
	for _, name := range rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"PATH", "MODE", "A"}), 0, 3, rapid.ID).Draw(t, "env") {
		s.Env = append(s.Env, spec.EnvVar{Name: name, Value: anyOf(t, "value", "", "x=y", "z")})
	}
	if rapid.Bool().Draw(t, "ports") {
		s.Ports = []spec.Port{{ContainerPort: spec.PortRange{First: 80, Last: 80}}, {ContainerPort: spec.PortRange{First: 90, Last: 90}, Protocol: anyOf(t, "protocol", spec.ProtocolUDP, spec.ProtocolTCP), HostPort: &spec.PortRange{First: 8000, Last: 8009}, HostIP: anyOf(t, "hostIP", "", "0.0.0.0", "127.0.0.1")}}
	}
	s.Volumes = anyVolumes(t)
	s.Resources = anyResources(t)
	s.Healthcheck = anyOf(t, "healthcheck", nil, &spec.Healthcheck{Disable: true}, &spec.Healthcheck{Shell: "exit 0", Retries: 2}, &spec.Healthcheck{Interval: spec.Duration(time.Minute)})
	s.SecurityContext = spec.SecurityContext{
		Privileged:      rapid.Bool().Draw(t, "privileged"),
		Capabilities:    spec.Capabilities{Add: anyOf(t, "add", nil, []string{"CAP_SYS_TIME", "net_admin"})},
		NoNewPrivileges: optional(t, "noNewPrivileges", rapid.Bool()),
		MaskedPaths:     anyOf(t, "masked", nil, &[]string{}, &[]string{"/b", "/a"}),
	}
	return s
}

func anyVolumes(t *rapid.T) (out []spec.VolumeMount) {
	for _, m := range []spec.VolumeMount{
		{MountPath: "/data", Volume: &spec.VolumeSource{}},
		{MountPath: "/anonymous", Volume: &spec.VolumeSource{}},
		{MountPath: "/named", Volume: &spec.VolumeSource{Name: "data", NoCopy: true}, ReadOnly: true},
		{MountPath: "/host", HostPath: &spec.HostPathSource{Path: "/srv", Propagation: "rshared"}, SubPath: "a"},
		{MountPath: "/tmp", Tmpfs: &spec.TmpfsSource{Size: quantity("64Mi"), Mode: "0700"}},
	} {
		if rapid.Bool().Draw(t, m.MountPath) {
			out = append(out, m)
		}
	}
	return out
}

func anyResources(t *rapid.T) spec.Resources {
	return spec.Resources{
		Requests: spec.ResourceRequests{CPU: anyOf(t, "requests.cpu", nil, quantity("250m"), quantity("1")), Memory: anyOf(t, "requests.memory", nil, quantity("16Mi"), quantity("0"))},
		Limits: spec.ResourceLimits{
			CPU:    anyOf(t, "cpu", nil, quantity("0.5"), quantity("1500m"), quantity("0")),
			Memory: anyOf(t, "memory", nil, quantity("64Mi"), quantity("0.125Gi")),
			Swap:   anyOf(t, "swap", nil, quantity("0"), quantity("-1"), quantity("32Mi")),
			Pids:   anyOf(t, "pids", nil, new(int64(-1)), new(int64(50))),
		},
		CPUSetCPUs:       anyOf(t, "cpuset", "", "0-1"),
		OOMScoreAdj:      anyOf(t, "oom", nil, new(0), new(500)),
		MemorySwappiness: anyOf(t, "swappiness", nil, new(int64(0))),
		ShmSize:          anyOf(t, "shm", nil, quantity("1Mi")),
		Ulimits:          anyOf(t, "ulimits", nil, []spec.Ulimit{{Name: "core", Soft: -1, Hard: -1}}),
		Devices:          anyOf(t, "devices", nil, []spec.Device{{HostPath: "/dev/null"}}),
	}
}

// anyWorld has a Container of any kind, and what it refers to.
func anyWorld(t *rapid.T) (*world, *spec.Container) {
	w := newWorld()
	image := spec.ContainerSpec{}
	if rapid.Bool().Draw(t, "image sets something") {
		image = spec.ContainerSpec{
			Command: []string{"/web"}, Args: []string{"-v"}, Env: []spec.EnvVar{{Name: "PATH", Value: "/bin"}}, Labels: map[string]string{"maker": "me"}, User: "www",
			WorkingDir: "/srv", StopSignal: "SIGQUIT", Ports: []spec.Port{{ContainerPort: spec.PortRange{First: 80, Last: 80}, Protocol: spec.ProtocolTCP}},
			Volumes:     []spec.VolumeMount{{MountPath: "/data", Volume: &spec.VolumeSource{}}},
			Healthcheck: &spec.Healthcheck{Command: []string{"/web", "check"}, Interval: spec.Duration(time.Second), Retries: 4},
		}
	}
	w.addImage("web:1", image)
	meta := func(name string) spec.Metadata { return spec.Metadata{Name: name, Namespace: "shop"} }
	c := &spec.Container{Metadata: meta("web"), Spec: anySpec(t)}
	if c.Spec.NetworkMode == "" && rapid.Bool().Draw(t, "networks") {
		c.Spec.Networks = []spec.NetworkAttachment{{Name: "front", Aliases: []string{"www", "www", "shop.web.0"}, IPv4Address: "172.18.0.9"}}
	}
	for _, o := range []spec.Object{c, &spec.Volume{Metadata: meta("data")}, &spec.Network{Metadata: meta("front")}} {
		spec.Default(o)
		w.objects[o.Key()] = o
	}
	return w, c
}

// TestNothingAfterCreation: what the engine reports of a container that was created is as wanted, by the record, by inspect
// alone, and when the image's tag has moved on.
func TestNothingAfterCreation(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, c := anyWorld(t)
		if err := w.settle(); err != nil {
			t.Fatal(err)
		}
		empty := func(when string) {
			if p := w.plan(c.Key()); p.String() != "" {
				t.Fatalf("%s:\n%s", when, p)
			}
		}
		empty("after the creation")
		for _, have := range w.containers {
			have.Labels[spec.LabelApplied] = "v0 logging=0000000000 ipcMode=0000000000 env=0000000000"
		}
		empty("by inspect alone")
		w.addImage("web:1", spec.ContainerSpec{Env: []spec.EnvVar{{Name: "NEW"}}})
		empty("with another image under the tag")
		for ref := range w.images {
			delete(w.images, ref)
		}
		empty("with no image at all")
	})
}

// TestChangeConverges: from any specification to any other, with any record, and then there is nothing to do.
func TestChangeConverges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, c := anyWorld(t)
		if err := w.settle(); err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "record of another version") {
			for _, have := range w.containers {
				have.Labels[spec.LabelApplied] = "v0"
			}
		}
		next := &spec.Container{Metadata: c.Metadata, Spec: anySpec(t)}
		spec.Default(next)
		w.objects[c.Key()] = next
		if err := w.settle(); err != nil {
			t.Fatal(err)
		}
		if p := w.plan(c.Key()); p.String() != "" || len(w.containers) != int(*next.Spec.Replicas) {
			t.Fatalf("%d containers in the end, and still to do:\n%s", len(w.containers), p)
		}
	})
}

// TestMakeIsPure: the same input gives the same plan, and is left as it was.
func TestMakeIsPure(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w, c := anyWorld(t)
		if rapid.Bool().Draw(t, "created") {
			if err := w.settle(); err != nil {
				t.Fatal(err)
			}
			next := &spec.Container{Metadata: c.Metadata, Spec: anySpec(t)}
			spec.Default(next)
			w.objects[c.Key()], c = next, next
		}
		seen := w.observe(c.Key())
		before := dump(t, c, seen)
		first := Make(c.Key(), c, w.objects, seen, w.now)
		for range 3 {
			if again := Make(c.Key(), c, w.objects, seen, w.now); describe(again) != describe(first) {
				t.Fatalf("not the same plan:\n%s\nand\n%s", describe(first), describe(again))
			}
		}
		if after := dump(t, c, seen); after != before {
			t.Fatalf("the input was changed, from\n%s\nto\n%s", before, after)
		}
	})
}

// dump writes all that a plan is made of; JSON sorts maps.
func dump(t *rapid.T, c *spec.Container, seen Observed) string {
	b, err := json.Marshal([]any{c, seen.Engine, seen.Containers, seen.Names, seen.Peers, seen.Networks, seen.Volumes, seen.Images, seen.Memory,
		seen.Probes, seen.Intent, seen.Rollout, seen.Runs})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
