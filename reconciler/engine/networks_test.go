package engine_test

import (
	"context"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"sigs.k8s.io/yaml"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

func TestAliasesAreThoseAskedFor(t *testing.T) {
	c := connect(t)
	n := createNetwork(t, c, "aliases", spec.NetworkSpec{})
	name := named("aliased")
	id, _, err := create(t, c, plan.Create{Name: name, Spec: spec.ContainerSpec{Image: appImage, Networks: []spec.NetworkAttachment{{Name: n.Name, Aliases: []string{"web", "www"}}}}})
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string) {
		if got := inspect(t, c, id).Endpoints[n.Name]; !slices.Equal(got.Aliases, []string{"web", "www"}) {
			t.Errorf("%s: aliases %v", when, got.Aliases)
		}
	}
	check("created")
	for _, step := range []struct {
		when string
		do   func(context.Context, string) error
	}{{"running", c.Start}, {"stopped", c.Stop}, {"running again", c.Start}} {
		if err := step.do(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		check(step.when)
	}
}

func TestConnectAndDisconnect(t *testing.T) {
	c := connect(t)
	first := createNetwork(t, c, "first", spec.NetworkSpec{})
	second := createNetwork(t, c, "second", spec.NetworkSpec{IPAM: &spec.IPAM{Pools: []spec.IPAMPool{{Subnet: "10.213.79.0/24"}}}})
	id := run(t, c, "roamer", spec.ContainerSpec{Networks: []spec.NetworkAttachment{{Name: first.Name}}}).ID

	if err := c.Connect(t.Context(), second.Name, id, spec.NetworkAttachment{Name: second.Name, Aliases: []string{"x"}, IPv4Address: "10.213.79.7"}); err != nil {
		t.Fatal(err)
	}
	wantFault(t, c.Connect(t.Context(), second.Name, id, spec.NetworkAttachment{}), fault.RuntimeNetwork, fault.Conflict, "already exists in network")
	seen := inspect(t, c, id)
	if e := seen.Endpoints[second.Name]; e.IPv4Address != "10.213.79.7" || e.Address != "10.213.79.7" || e.NetworkID != second.ID {
		t.Errorf("endpoint %+v", e)
	}
	if err := c.Disconnect(t.Context(), first.Name, id); err != nil {
		t.Fatal(err)
	}
	wantFault(t, c.Disconnect(t.Context(), first.Name, id), fault.RuntimeNetwork, fault.NotFound, "is not connected to")
	seen = inspect(t, c, id)
	if _, on := seen.Endpoints[first.Name]; on || seen.Spec.NetworkMode != "" {
		t.Errorf("network mode %q, endpoints %v, want only the second network", seen.Spec.NetworkMode, seen.Endpoints)
	}
	n, err := c.InspectNetwork(t.Context(), second.Name)
	if err != nil || n.Attached[id] != named("roamer") {
		t.Errorf("attached %v, error %v", n.Attached, err)
	}
	wantFault(t, c.RemoveNetwork(t.Context(), second.Name), fault.ResourceUsage, fault.Conflict, "has active endpoints")
}

func TestANetworkThatIsGone(t *testing.T) {
	c := connect(t)
	n := createNetwork(t, c, "gone", spec.NetworkSpec{})
	id, _, err := create(t, c, plan.Create{Name: named("left"), Spec: spec.ContainerSpec{Image: appImage, Networks: []spec.NetworkAttachment{{Name: n.Name}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.RemoveNetwork(t.Context(), n.Name); err != nil {
		t.Fatalf("a container that does not run holds no network: %v", err)
	}
	if _, on := inspect(t, c, id).Endpoints[n.Name]; !on {
		t.Error("the container forgot its network, want it to keep the name")
	}
	wantFault(t, c.Start(t.Context(), id), fault.RuntimeNetwork, fault.NotFound, "not found")
	if err := c.Disconnect(t.Context(), n.Name, id); err != nil {
		t.Errorf("disconnect from a network that is gone: %v", err)
	}
	if e := inspect(t, c, id).Endpoints; len(e) != 0 {
		t.Errorf("endpoints %v, want none", e)
	}
}

// TestMACAddressSurvivesAReconnection: also below API 1.44, where a connection itself takes none.
func TestMACAddressSurvivesAReconnection(t *testing.T) {
	c := connect(t)
	info, err := c.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first, second := createNetwork(t, c, "mac", spec.NetworkSpec{}), createNetwork(t, c, "mac2", spec.NetworkSpec{})
	e := spec.NetworkAttachment{Name: first.Name, MACAddress: "02:42:0a:d5:4d:77"}
	id := run(t, c, "mac", spec.ContainerSpec{Networks: []spec.NetworkAttachment{e}}).ID
	if err := c.Disconnect(t.Context(), first.Name, id); err != nil {
		t.Fatal(err)
	}
	if err := c.Connect(t.Context(), first.Name, id, e); err != nil {
		t.Fatal(err)
	}
	// From API 1.44 on a connection takes an address, and 26.1 gives another one.
	if got := inspect(t, c, id).Endpoints[first.Name].MACAddress; got != e.MACAddress && !plan.APIAtLeast(info.APIVersion, "1.44") {
		t.Errorf("MAC address %s, want %s", got, e.MACAddress)
	}
	err = c.Connect(t.Context(), second.Name, id, spec.NetworkAttachment{Name: second.Name, MACAddress: "02:42:0a:d5:4d:78"})
	if plan.APIAtLeast(info.APIVersion, "1.44") {
		if err != nil {
			t.Error(err)
		}
		return
	}
	wantFault(t, err, fault.DockerConfiguration, fault.Terminal, "needs engine API 1.44")
}

func TestNetworks(t *testing.T) {
	c := connect(t)
	asked := parseNetwork(t, `{options: {com.docker.network.bridge.name: berthteng0}, internal: true, ipv6: true, labels: {a: b},
		ipam: {driver: default, pools: [{subnet: 10.213.81.0/24, ipRange: 10.213.81.128/25, gateway: 10.213.81.1, auxAddresses: {other: 10.213.81.2}}, {subnet: "fd00:be58::/64"}]}}`)
	n := createNetwork(t, c, "all", asked)
	want, got := networkLeaves(asked), networkLeaves(n.Spec)
	for path, values := range want {
		for _, v := range values {
			if !slices.Contains(got[path], v) {
				t.Errorf("%s is %v, want %s", path, got[path], v)
			}
		}
	}
	list, err := c.Networks(t.Context())
	if err != nil || !slices.ContainsFunc(list, func(o plan.Network) bool { return o.ID == n.ID && o.Labels["a"] == "b" && o.Spec.Driver == "bridge" }) {
		t.Errorf("not in the list of %d, or: %v", len(list), err)
	}

	for name, test := range map[string]struct {
		name, spec string
		class      fault.Class
		behaviour  fault.Behaviour
		says       string
	}{
		"name":    {named("all"), `{}`, fault.RuntimeNetwork, fault.Conflict, "already exists"},
		"overlap": {named("other"), `{ipam: {pools: [{subnet: 10.213.81.0/25}]}}`, fault.ResourceAllocation, fault.Conflict, "overlap"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := c.CreateNetwork(t.Context(), plan.NetworkCreate{Name: test.name, Spec: parseNetwork(t, test.spec)})
			wantFault(t, err, test.class, test.behaviour, test.says)
		})
	}
	if err := c.RemoveNetwork(t.Context(), named("other")); err != nil {
		t.Errorf("removing a network that is gone: %v", err)
	}
}

func TestVolumes(t *testing.T) {
	c := connect(t)
	options := map[string]string{"type": "tmpfs", "device": "tmpfs", "o": "size=1m"}
	name := createVolume(t, c, "vol-all", spec.VolumeSpec{Driver: "local", Options: options, Labels: map[string]string{"a": "b"}})
	list, err := c.Volumes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	i := slices.IndexFunc(list, func(v plan.Volume) bool { return v.Name == name })
	if i < 0 {
		t.Fatal("not in the list")
	}
	if v := list[i]; v.Spec.Driver != "local" || v.Spec.Options["o"] != "size=1m" || v.Labels["a"] != "b" || v.CreatedAt.IsZero() || !filepath.IsAbs(v.Mountpoint) {
		t.Errorf("volume %+v", v)
	}
	id, _, err := create(t, c, plan.Create{Name: named("user"), Spec: spec.ContainerSpec{Image: appImage, Volumes: []spec.VolumeMount{{MountPath: "/v", Volume: &spec.VolumeSource{Name: name}}}}})
	if err != nil {
		t.Fatal(err)
	}
	wantFault(t, c.RemoveVolume(t.Context(), name), fault.ResourceUsage, fault.Conflict, "volume is in use")
	if err := c.Remove(t.Context(), id); err != nil {
		t.Fatal(err)
	}
}

func parseNetwork(t *testing.T, manifest string) (s spec.NetworkSpec) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(manifest), &s); err != nil {
		t.Fatalf("%s: %v", manifest, err)
	}
	return s
}

func networkLeaves(s spec.NetworkSpec) map[string][]string {
	out := map[string][]string{}
	collect(reflect.ValueOf(s), "", out)
	return out
}
