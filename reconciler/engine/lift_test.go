package engine

import (
	"testing"

	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/api/types/network"
	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

func TestLiftStatus(t *testing.T) {
	for status, want := range map[string]plan.Health{
		"Up 2 minutes":                             plan.HealthNone,
		"Up 2 minutes (healthy)":                   plan.HealthHealthy,
		"Up 3 days (unhealthy)":                    plan.HealthUnhealthy,
		"Up Less than a second (health: starting)": plan.HealthStarting,
		"Up 2 minutes (Paused)":                    plan.HealthNone,
		"Restarting (1) 3 seconds ago":             plan.HealthNone,
		"Exited (0) About an hour ago":             plan.HealthNone,
		"Created":                                  plan.HealthNone,
	} {
		if got := liftStatus(status); got != want {
			t.Errorf("%q is %q, want %q", status, got, want)
		}
	}
}

func TestLiftName(t *testing.T) {
	if got := liftName([]string{"/other/db", "/web"}); got != "web" {
		t.Errorf("got %q, want the name that is no link", got)
	}
}

func TestOwnAliases(t *testing.T) {
	i := container.InspectResponse{ContainerJSONBase: &container.ContainerJSONBase{ID: "0123456789abcdef", Name: "/shop.web.0"}}
	got := ownAliases([]string{"web", "0123456789ab", "shop.web.0", "web", "www"}, i)
	if diff := cmp.Diff([]string{"web", "www"}, got); diff != "" {
		t.Error(diff)
	}
}

// TestLiftWhatOthersMade: containers that are taken over were made with what Docker's command line has and berth has not.
func TestLiftWhatOthersMade(t *testing.T) {
	h := &container.HostConfig{
		Binds:       []string{"/a:/b:rw,rshared,z", "data:/c:ro,nocopy", "/d:/e"},
		Tmpfs:       map[string]string{"/f": "size=64m,mode=755,ro"},
		SecurityOpt: []string{"no-new-privileges", "seccomp:unconfined", "label:type:t"},
		NetworkMode: "default",
	}
	h.CPUQuota, h.CPUPeriod = 50_000, 100_000
	got := liftSpec(container.InspectResponse{ContainerJSONBase: &container.ContainerJSONBase{HostConfig: h}, Config: &container.Config{}},
		liftMounts(container.InspectResponse{ContainerJSONBase: &container.ContainerJSONBase{HostConfig: h}}))
	var want spec.ContainerSpec
	err := yaml.UnmarshalStrict([]byte(`
networkMode: bridge
restartPolicy: Never
volumes:
- {mountPath: /b, hostPath: {path: /a, propagation: rshared, createHostPath: true}}
- {mountPath: /c, readOnly: true, volume: {name: data, noCopy: true}}
- {mountPath: /e, hostPath: {path: /d, createHostPath: true}}
- {mountPath: /f, readOnly: true, tmpfs: {size: 64Mi, mode: "755"}}
resources: {limits: {cpu: 500m}, oomScoreAdj: 0}
securityContext: {noNewPrivileges: true, seccompProfile: {type: Unconfined}, seLinuxOptions: {type: t}}
`), &want)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLiftMAC(t *testing.T) {
	//lint:ignore SA1019 below API 1.44
	config := &container.Config{MacAddress: "02:00:00:00:00:01"}
	i := container.InspectResponse{
		ContainerJSONBase: &container.ContainerJSONBase{HostConfig: &container.HostConfig{NetworkMode: "a"}},
		Config:            config,
		NetworkSettings:   &container.NetworkSettings{Networks: map[string]*network.EndpointSettings{"a": {}, "b": nil}},
	}
	e := liftEndpoints(i)
	if e["a"].MACAddress != "02:00:00:00:00:01" || e["b"].MACAddress != "" {
		t.Errorf("%+v", e)
	}
}
