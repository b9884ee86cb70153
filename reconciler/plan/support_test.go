package plan

import (
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"berth.dev/berth/spec"
)

// able is an engine that can do everything.
var able = Engine{
	Version: "29.0.0", APIVersion: "1.52", CgroupVersion: "1", CgroupDriver: "cgroupfs", Runtimes: []string{"runc"},
	SecurityOptions: []string{"name=apparmor", "name=seccomp,profile=builtin", "name=selinux"},
	MemoryLimit:     true, SwapLimit: true, CPUCfs: true, CPUShares: true, CPUSet: true, PidsLimit: true, OOMKillDisable: true,
}

func TestUnsupported(t *testing.T) {
	const kernelless = "the engine's kernel has no"
	for _, test := range []struct {
		name, spec string
		lacks      func(*Engine)
		want       string // the start of the one line; empty for none
	}{
		{"annotations", `{annotations: {a: b}}`, api("1.42"), "annotations needs engine API 1.43; the engine has 1.42 (Docker 29.0.0): upgrade the engine or remove the field"},
		{"start interval", `{healthcheck: {startInterval: 1s}}`, api("1.43"), "healthcheck.startInterval needs engine API 1.44"},
		{"no start interval", `{healthcheck: {interval: 1s}}`, api("1.43"), ""},
		{"volume folder", `{volumes: [{mountPath: /a, volume: {name: a}}, {mountPath: /b, volume: {name: b}, subPath: c}]}`, api("1.44"), "volumes[1].subPath needs engine API 1.45"},
		{"host path folder", `{volumes: [{mountPath: /b, hostPath: {path: /b}, subPath: c}]}`, api("1.41"), ""},
		{"made and not recursive", `{volumes: [{mountPath: /b, hostPath: {path: /b, createHostPath: true, nonRecursive: true}}]}`, api("1.41"), "volumes[0].hostPath.nonRecursive (with createHostPath) needs engine API 1.42"},
		{"made with a colon", `{volumes: [{mountPath: /b, hostPath: {path: "/a:b", createHostPath: true}}]}`, api("1.41"), "volumes[0].hostPath.createHostPath (with a colon in a path) needs engine API 1.42"},
		{"made", `{volumes: [{mountPath: /b, hostPath: {path: /b, createHostPath: true}}]}`, api("1.41"), ""},
		{"MAC of the first", `{networks: [{name: a, macAddress: "02:00:00:00:00:01"}, {name: b}]}`, api("1.41"), ""},
		{"MAC of the second", `{networks: [{name: a}, {name: b, macAddress: "02:00:00:00:00:01"}]}`, api("1.43"), "networks[1].macAddress (of a network that is not the first) needs engine API 1.44"},
		{"MAC of the preferred", `{networks: [{name: a}, {name: b, priority: 1, macAddress: "02:00:00:00:00:01"}]}`, api("1.43"), ""},
		{"gateway", `{networks: [{name: a, gatewayPriority: 1}]}`, api("1.47"), "networks[0].gatewayPriority needs engine API 1.48"},

		{"cpu", `{resources: {limits: {cpu: 1}}}`, func(e *Engine) { e.CPUCfs = false }, "resources.limits.cpu: " + kernelless},
		{"memory", `{resources: {limits: {memory: 1Gi}}}`, func(e *Engine) { e.MemoryLimit = false }, "resources.limits.memory: " + kernelless},
		{"swap", `{resources: {limits: {memory: 1Gi, swap: 0}}}`, func(e *Engine) { e.SwapLimit = false }, "resources.limits.swap: " + kernelless},
		{"memory without swap", `{resources: {limits: {memory: 1Gi}}}`, func(e *Engine) { e.SwapLimit = false }, ""},
		{"pids", `{resources: {limits: {pids: 10}}}`, func(e *Engine) { e.PidsLimit = false }, "resources.limits.pids: " + kernelless},
		{"cpu request", `{resources: {requests: {cpu: 1}}}`, func(e *Engine) { e.CPUShares = false }, "resources.requests.cpu: " + kernelless},
		{"memory request", `{resources: {requests: {memory: 1Gi}}}`, func(e *Engine) { e.MemoryLimit = false }, "resources.requests.memory: " + kernelless},
		{"shares", `{resources: {cpuShares: 10}}`, func(e *Engine) { e.CPUShares = false }, "resources.cpuShares: " + kernelless},
		{"cpuset", `{resources: {cpusetCpus: "0"}}`, func(e *Engine) { e.CPUSet = false }, "resources.cpusetCpus: " + kernelless},
		{"mems", `{resources: {cpusetMems: "0"}}`, func(e *Engine) { e.CPUSet = false }, "resources.cpusetMems: " + kernelless},
		{"oom", `{resources: {oomKillDisable: true}}`, func(e *Engine) { e.OOMKillDisable = false }, "resources.oomKillDisable: " + kernelless},
		{"oom left on", `{resources: {oomKillDisable: false}}`, func(e *Engine) { e.OOMKillDisable = false }, ""},
		{"swappiness", `{resources: {memorySwappiness: 0}}`, cgroup2, "resources.memorySwappiness: needs cgroup v1; the engine's host has v2"},
		{"realtime period", `{resources: {cpuRealtimePeriod: 1}}`, cgroup2, "resources.cpuRealtimePeriod: needs cgroup v1"},
		{"realtime runtime", `{resources: {cpuRealtimeRuntime: 1}}`, cgroup2, "resources.cpuRealtimeRuntime: needs cgroup v1"},
		{"cgroup parent", `{resources: {cgroupParent: /a}}`, func(e *Engine) { e.CgroupDriver = "systemd" }, "resources.cgroupParent: the engine's cgroups are systemd's, where a parent is a slice such as berth.slice; found \"/a\""},
		{"slice", `{resources: {cgroupParent: a.slice}}`, func(e *Engine) { e.CgroupDriver = "systemd" }, ""},

		{"runtime", `{runtime: kata}`, nil, `runtime: the engine has no runtime "kata"; it has runc`},
		{"runtime there", `{runtime: runc}`, nil, ""},
		{"runtime shim", `{runtime: io.containerd.kata.v2}`, nil, ""},
		{"seccomp", `{securityContext: {seccompProfile: {type: Localhost, localhostProfile: /p}}}`, insecure, "securityContext.seccompProfile: the engine runs without seccomp"},
		{"seccomp off", `{securityContext: {seccompProfile: {type: Unconfined}}}`, insecure, ""},
		{"apparmor", `{securityContext: {appArmorProfile: {type: Localhost, localhostProfile: p}}}`, insecure, "securityContext.appArmorProfile: the engine runs without apparmor"},
		{"selinux", `{securityContext: {seLinuxOptions: {type: t}}}`, insecure, "securityContext.seLinuxOptions: the engine runs without selinux"},
		{"selinux off", `{securityContext: {seLinuxOptions: {disable: true}}}`, insecure, ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			var s spec.ContainerSpec
			if err := yaml.UnmarshalStrict([]byte(test.spec), &s); err != nil {
				t.Fatal(err)
			}
			e := able
			if test.lacks != nil {
				if got := Unsupported(&s, e); got != nil {
					t.Errorf("an engine that can do it: %q", got)
				}
				test.lacks(&e)
			}
			got := Unsupported(&s, e)
			if test.want == "" && got != nil || test.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], test.want)) {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func api(version string) func(*Engine) { return func(e *Engine) { e.APIVersion = version } }

func cgroup2(e *Engine) { e.CgroupVersion = "2" }

func insecure(e *Engine) { e.SecurityOptions = nil }

func TestAPIAtLeast(t *testing.T) {
	for _, test := range []struct {
		version, least string
		want           bool
	}{{"1.41", "1.41", true}, {"1.100", "1.41", true}, {"1.9", "1.41", false}, {"2.0", "1.41", true}, {"", "1.41", false}} {
		if got := APIAtLeast(test.version, test.least); got != test.want {
			t.Errorf("%q at least %q: %t", test.version, test.least, got)
		}
	}
}

func TestFirst(t *testing.T) {
	networks := []spec.NetworkAttachment{{Name: "a"}, {Name: "b", Priority: 2}, {Name: "c", Priority: 2}}
	sorted := slices.Clone(networks)
	slices.SortStableFunc(sorted, func(a, b spec.NetworkAttachment) int { return b.Priority - a.Priority })
	if got := networks[First(networks)].Name; got != sorted[0].Name {
		t.Errorf("first is %s, want %s, the first to be connected", got, sorted[0].Name)
	}
}
