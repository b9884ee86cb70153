package main

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"berth.dev/berth/controller"
	"berth.dev/berth/controller/server"
	"berth.dev/berth/reconciler/engine"
)

func agentCommand(g *global) *cobra.Command {
	var flags agentFlags
	cmd := &cobra.Command{
		Use:   "agent --manifests DIR",
		Short: "Keep the engine as the manifests in a directory say",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			cfg, err := flags.configuration(cmd, g)
			if err != nil {
				return err
			}
			return runAgent(cmd.Context(), cfg)
		},
	}
	flags.register(cmd)
	return cmd
}

// runAgent runs until ctx ends. Containers run on after it.
func runAgent(ctx context.Context, cfg *AgentConfiguration) error {
	log, flush := newLogger(cfg.Log)
	defer flush()
	client, err := engine.New(cfg.Docker.engine())
	if err != nil {
		return err
	}
	defer client.Close()
	me := holder(cfg.Socket)
	a := &agent{cfg: cfg, log: log, me: me, client: client, lock: controller.NewLock(controller.RunDir(), me)}
	defer a.lock.Release()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	a.controller = controller.New(client, controller.Options{
		StateDir: cfg.StateDir, Resync: time.Duration(cfg.ResyncPeriod), Prune: true, Workers: cfg.Workers, InFlight: cfg.InFlight,
		SameClock: client.Local(), Hold: a.hold, Identity: me, Deliver: http.DefaultTransport, Registry: registry, Log: log,
	})
	log.Info("berth agent", "version", version, "manifests", cfg.Manifests, "engine", client.Host())
	return a.run(ctx, registry)
}

// agent is the parts of a running agent.
type agent struct {
	cfg        *AgentConfiguration
	log        logr.Logger
	me         controller.Holder
	client     *engine.Client
	lock       *controller.Lock
	controller *controller.Controller

	once   sync.Once
	socket chan net.Listener // gets the socket once the engine is held
}

func (a *agent) run(ctx context.Context, registry *prometheus.Registry) error {
	a.socket = make(chan net.Listener, 1)
	metrics, err := a.listen() // before anything is begun that would have to be ended in good order
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return a.controller.Run(ctx) })
	g.Go(func() error { return a.controller.Follow(ctx, a.cfg.Manifests) })
	g.Go(func() error { return a.serveAPI(ctx) })
	if metrics != nil {
		g.Go(func() error { return server.Serve(ctx, metrics, server.Metrics(a.controller, registry)) })
	}
	err = g.Wait()
	a.log.Info("berth agent ends; containers run on")
	return err
}

// listen opens the address of metrics and health; nil where there is to be none.
func (a *agent) listen() (net.Listener, error) {
	if a.cfg.Listen == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", a.cfg.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for metrics: %w", err)
	}
	a.log.Info("metrics and health", "address", "http://"+l.Addr().String())
	return l, nil
}

// hold takes the engine, and opens the socket when it is first held: an agent that waits for another leaves that one's alone.
func (a *agent) hold(ctx context.Context, engineKey string) error {
	if a.lock.Holds(engineKey) && a.client.Local() {
		return nil // it was away for all, and nobody else can have taken it
	}
	if err := a.lock.Hold(engineKey); err != nil {
		return err
	}
	if err := controller.Knock(ctx, a.client, engineKey, a.me); err != nil {
		a.lock.Release() // whoever holds the engine may have to use the lock
		return err
	}
	a.once.Do(func() {
		l, err := server.ListenUnix(a.cfg.Socket)
		if err != nil {
			a.log.Error(err, "cannot open the socket; `berth get` reads labels instead, and `berth prune --confirm` does not reach the agent")
			close(a.socket)
			return
		}
		a.socket <- l
	})
	return nil
}

func (a *agent) serveAPI(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case l, ok := <-a.socket:
		if !ok {
			return nil
		}
		return server.Serve(ctx, l, server.API(a.controller))
	}
}

// loopback says whether an address is reached from this host only.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(strings.Trim(host, "[]"))
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}
