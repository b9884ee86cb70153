package enginetest

import (
	"context"
	"slices"
	"time"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// networkCases are about networks and who is on them.
var networkCases = []contractCase{
	{"networks by themselves", testNetworks},
	{"a container on two networks", testTwoNetworks},
	{"connect and disconnect while running", testConnectRunning},
	{"connect and disconnect while stopped", testConnectStopped},
	{"addresses", testAddresses},
	{"MAC addresses", testMAC},
	{"a network that went while its container was stopped", testNetworkGone},
	{"a network that never was", testNetworkNever},
}

func testNetworks(b *bench) {
	e, ctx := b.Engine, b.Context()
	r := b.follow()
	n := b.network("own", spec.NetworkSpec{Internal: true, Labels: map[string]string{"a": "b"}, IPAM: b.pool()})
	b.want(r, plan.Event{Type: "network", Action: "create", ID: n.ID})
	equal(b, "driver", n.Spec.Driver, "bridge")
	equal(b, "internal", n.Spec.Internal, true)
	b.same("labels", n.Labels, map[string]string{"a": "b"})
	b.same("pools", n.Spec.IPAM.Pools, b.pool().Pools)
	list, err := e.Networks(ctx)
	b.ok(err)
	for _, name := range []string{n.Name, "bridge", "host", "none"} {
		if !slices.ContainsFunc(list, func(n plan.Network) bool { return n.Name == name }) {
			b.Errorf("network %s is not in the list", name)
		}
	}
	_, err = e.CreateNetwork(ctx, plan.NetworkCreate{Name: n.Name})
	b.wantFault(err, fault.RuntimeNetwork, fault.Conflict, "already exists")
	_, err = e.CreateNetwork(ctx, plan.NetworkCreate{Name: b.named("overlap"), Spec: n.Spec})
	b.wantFault(err, fault.ResourceAllocation, fault.Conflict, "overlap")
	b.wantFault(e.RemoveNetwork(ctx, "bridge"), fault.RuntimeNetwork, fault.Terminal, "pre-defined")
	b.ok(e.RemoveNetwork(ctx, n.Name))
	b.want(r, plan.Event{Type: "network", Action: "destroy", ID: n.ID})
}

// on is a container on networks, in this order.
func (b *bench) on(networks ...spec.NetworkAttachment) spec.ContainerSpec {
	s := b.app()
	s.Networks = networks
	return s
}

func testTwoNetworks(b *bench) {
	e, ctx := b.Engine, b.Context()
	first, second := b.network("first", spec.NetworkSpec{}), b.subnet("second")
	id := b.create(plan.Create{Name: "both", Spec: b.on(
		spec.NetworkAttachment{Name: first.Name, Aliases: []string{"web", "www"}},
		spec.NetworkAttachment{Name: second.Name, IPv4Address: b.address(7)},
	)})
	b.ok(e.Start(ctx, id))
	c := b.inspect(id)
	equal(b, "network mode", c.Spec.NetworkMode, "")
	equal(b, "number of networks in the spec", len(c.Spec.Networks), 0)
	b.same("networks", c.Networks, map[string]string{first.Name: first.ID, second.Name: second.ID})
	b.same("aliases", c.Endpoints[first.Name].Aliases, []string{"web", "www"})
	equal(b, "asked for and given", c.Endpoints[second.Name].IPv4Address == b.address(7) && c.Endpoints[second.Name].Address == b.address(7), true)
	equal(b, "asked for none and given one", c.Endpoints[first.Name].IPv4Address == "" && c.Endpoints[first.Name].Address != "", true)
	for _, n := range []plan.Network{first, second} {
		seen, err := e.InspectNetwork(ctx, n.Name)
		b.ok(err)
		b.same("attached", seen.Attached, map[string]string{id: b.named("both")})
		b.wantFault(e.RemoveNetwork(ctx, n.Name), fault.ResourceUsage, fault.Conflict, "has active endpoints")
	}
	b.ok(e.Stop(ctx, id))
	c = b.inspect(id)
	b.same("networks after the stop", c.Networks, map[string]string{first.Name: first.ID, second.Name: second.ID})
	equal(b, "address after the stop", c.Endpoints[first.Name].Address, "")
	seen, err := e.InspectNetwork(ctx, first.Name)
	b.ok(err)
	equal(b, "number attached after the stop", len(seen.Attached), 0)
}

func testConnectRunning(b *bench) {
	e, ctx := b.Engine, b.Context()
	first, second := b.network("first", spec.NetworkSpec{}), b.subnet("second")
	id := b.start("roamer", b.on(spec.NetworkAttachment{Name: first.Name}))
	r := b.follow()
	b.ok(e.Connect(ctx, second.Name, id, spec.NetworkAttachment{Aliases: []string{"other"}, IPv4Address: b.address(9)}))
	b.want(r, plan.Event{Type: "network", Action: "connect", ID: second.ID, Container: id})
	got := b.inspect(id).Endpoints[second.Name]
	b.same("aliases", got.Aliases, []string{"other"})
	equal(b, "address", got.Address, b.address(9))
	equal(b, "network", got.NetworkID, second.ID)
	b.wantFault(e.Connect(ctx, second.Name, id, spec.NetworkAttachment{}), fault.RuntimeNetwork, fault.Conflict, "already exists in network")
	b.ok(e.Disconnect(ctx, first.Name, id))
	b.want(r, plan.Event{Type: "network", Action: "disconnect", ID: first.ID, Container: id})
	b.wantFault(e.Disconnect(ctx, first.Name, id), fault.RuntimeNetwork, fault.NotFound, "is not connected to")
	b.same("networks", b.inspect(id).Networks, map[string]string{second.Name: second.ID})

	b.ok(e.Disconnect(ctx, second.Name, id))
	equal(b, "number of endpoints", len(b.inspect(id).Endpoints), 0)
	b.ok(e.Stop(ctx, id))
	b.ok(e.Start(ctx, id))
	equal(b, "number of endpoints after a start", len(b.inspect(id).Endpoints), 0)
}

func testConnectStopped(b *bench) {
	e, ctx := b.Engine, b.Context()
	first, second := b.network("first", spec.NetworkSpec{}), b.subnet("second")
	id := b.create(plan.Create{Name: "sleeper", Spec: b.on(spec.NetworkAttachment{Name: first.Name})})
	equal(b, "network ID before the first start", b.inspect(id).Networks[first.Name], "")
	b.ok(e.Connect(ctx, second.Name, id, spec.NetworkAttachment{Aliases: []string{"other"}, IPv4Address: b.address(9)}))
	got := b.inspect(id).Endpoints[second.Name]
	equal(b, "address asked for", got.IPv4Address, b.address(9))
	equal(b, "address", got.Address, "")
	b.ok(e.Disconnect(ctx, first.Name, id))
	b.ok(e.Start(ctx, id))
	c := b.inspect(id)
	b.same("networks", c.Networks, map[string]string{second.Name: second.ID})
	equal(b, "address", c.Endpoints[second.Name].Address, b.address(9))
	b.same("aliases", c.Endpoints[second.Name].Aliases, []string{"other"})
	b.ok(e.Stop(ctx, id))
	b.wantFault(e.Disconnect(ctx, first.Name, id), fault.RuntimeNetwork, fault.NotFound, "is not connected to")
}

func testAddresses(b *bench) {
	e, ctx := b.Engine, b.Context()
	free, chosen := b.subnet("asked"), b.network("given", spec.NetworkSpec{})
	fixed := spec.NetworkAttachment{Name: free.Name, IPv4Address: b.address(5)}
	b.start("first", b.on(fixed))
	second := b.create(plan.Create{Name: "second", Spec: b.on(fixed)})
	b.wantFault(e.Start(ctx, second), fault.ResourceAllocation, fault.Conflict, "Address already in use")
	b.wantState(second, plan.StateCreated)
	third := b.start("third", b.app())
	b.wantFault(e.Connect(ctx, free.Name, third, fixed), fault.ResourceAllocation, fault.Conflict, "Address already in use")
	nowhere := spec.NetworkAttachment{Name: chosen.Name, IPv4Address: b.address(6)}
	b.wantFault(e.Connect(ctx, chosen.Name, third, nowhere), fault.RuntimeNetwork, fault.Terminal, "user configured subnets")
	b.wantFault(e.Connect(ctx, "bridge", second, spec.NetworkAttachment{Aliases: []string{"x"}}), fault.RuntimeNetwork, fault.Terminal, "user defined networks")

	_, _, err := e.Create(ctx, plan.Create{Name: b.named("half"), Spec: b.on(spec.NetworkAttachment{Name: free.Name}, nowhere)})
	b.wantFault(err, fault.RuntimeContainer, fault.Terminal, "user configured subnets")
	b.wantFault(failed(e.Inspect(ctx, b.named("half"))), fault.RuntimeContainer, fault.NotFound, "")
}

func testMAC(b *bench) {
	e, ctx := b.Engine, b.Context()
	info, err := e.Info(ctx)
	b.ok(err)
	first, second := b.network("first", spec.NetworkSpec{}), b.network("second", spec.NetworkSpec{})
	const mac = "02:42:0a:00:00:99"
	own := spec.NetworkAttachment{Name: first.Name, MACAddress: mac}
	id := b.start("addressed", b.on(own))
	equal(b, "MAC address", b.inspect(id).Endpoints[first.Name].MACAddress, mac)
	b.ok(e.Disconnect(ctx, first.Name, id))
	b.ok(e.Connect(ctx, first.Name, id, own))
	if !plan.APIAtLeast(info.APIVersion, "1.44") { // from there on a connection takes an address, and 26.1 gives another one
		equal(b, "MAC address after another connection", b.inspect(id).Endpoints[first.Name].MACAddress, mac)
	}
	err = e.Connect(ctx, second.Name, id, spec.NetworkAttachment{Name: second.Name, MACAddress: "02:42:0a:00:00:98"})
	if plan.APIAtLeast(info.APIVersion, "1.44") {
		b.ok(err)
		return
	}
	b.wantFault(err, fault.DockerConfiguration, fault.Terminal, "1.44")
}

func testNetworkGone(b *bench) {
	e, ctx := b.Engine, b.Context()
	n, other := b.network("gone", spec.NetworkSpec{}), b.network("other", spec.NetworkSpec{})
	program := b.Program(Behaviour{HealthyAfter: 100 * time.Millisecond})
	program.Networks = []spec.NetworkAttachment{{Name: n.Name}, {Name: other.Name}}
	id := b.start("left", program)
	b.awaitListening(id)
	b.ok(e.Stop(ctx, id))
	b.ok(e.RemoveNetwork(ctx, n.Name))
	equal(b, "it keeps the name and the ID", b.inspect(id).Networks[n.Name], n.ID)
	b.wantFault(e.Start(ctx, id), fault.RuntimeNetwork, fault.NotFound, "not found")
	c := b.wantState(id, plan.StateExited)
	equal(b, "exit code", c.ExitCode, 128)

	again, err := e.CreateNetwork(ctx, plan.NetworkCreate{Name: n.Name})
	b.ok(err)
	b.Cleanup(func() {
		b.discard(id) // it would hold the network
		if err := e.RemoveNetwork(context.WithoutCancel(ctx), again); err != nil {
			b.Errorf("left behind: %v", err)
		}
	})
	b.wantFault(e.Start(ctx, id), fault.RuntimeNetwork, fault.NotFound, "not found") // one of the same name is another
	b.ok(e.Disconnect(ctx, n.Name, id))
	b.ok(e.Connect(ctx, n.Name, id, spec.NetworkAttachment{}))
	b.ok(e.Start(ctx, id))
	b.same("networks", b.inspect(id).Networks, map[string]string{n.Name: again, other.Name: other.ID})
}

func testNetworkNever(b *bench) {
	e, ctx, none := b.Engine, b.Context(), b.named("never")
	id := b.create(plan.Create{Name: "hopeful", Spec: b.on(spec.NetworkAttachment{Name: none})})
	b.wantFault(e.Start(ctx, id), fault.RuntimeNetwork, fault.NotFound, "not found")
	b.wantState(id, plan.StateCreated)
	b.ok(e.Disconnect(ctx, none, id))
	equal(b, "number of endpoints", len(b.inspect(id).Endpoints), 0)
}
