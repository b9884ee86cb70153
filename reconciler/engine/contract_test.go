package engine_test

import (
	"context"
	"fmt"
	"os"
	"testing"

	"github.com/docker/docker/client"

	"berth.dev/berth/reconciler/engine"
	"berth.dev/berth/reconciler/enginetest"
	"berth.dev/berth/spec"
)

// TestContract holds the real engine to what the one in memory does, and so the other way round.
func TestContract(t *testing.T) {
	aside := func(t *testing.T, test func(*testing.T)) {
		t.Parallel()
		test(t)
	}
	enginetest.Contract(t, aside, func(t *testing.T) enginetest.Harness {
		c := connect(t)
		hands := handsOn(t, c)
		return enginetest.Harness{
			Engine: c, App: appImage, Meta: metaImage, Prefix: fmt.Sprintf("berthtest-contract-%d-", os.Getpid()), Program: program,
			Kill: func(name string) {
				if err := hands.ContainerKill(context.Background(), name, "KILL"); err != nil {
					t.Fatal(err)
				}
			},
			Pause: func(name string) {
				if err := hands.ContainerPause(context.Background(), name); err != nil {
					t.Fatal(err)
				}
			},
		}
	})
}

// handsOn gives what the agent's own client has not: what people do with the engine.
func handsOn(t *testing.T, c *engine.Client) *client.Client {
	t.Helper()
	api, err := client.NewClientWithOpts(client.WithHost(c.Host()), client.WithAPIVersionNegotiation())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = api.Close() })
	return api
}

// program puts a behaviour into the test program's arguments.
func program(b enginetest.Behaviour) spec.ContainerSpec {
	s := spec.ContainerSpec{Image: appImage, Args: []string{"-http", ":8080"}}
	if b.ExitAfter > 0 {
		s.Args = append(s.Args, "-exit-after", b.ExitAfter.String(), "-exit-code", fmt.Sprint(b.ExitCode))
	}
	if b.IgnoreTerm {
		s.Args = append(s.Args, "-ignore-term")
	}
	if b.FailStart != nil {
		s.Command = []string{"/nothing"}
	}
	if b.HealthyAfter > 0 {
		s.Healthcheck = &spec.Healthcheck{Command: []string{"/testapp", "healthcheck"}, Interval: spec.Duration(b.HealthyAfter)}
	}
	return s
}
