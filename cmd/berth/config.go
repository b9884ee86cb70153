package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"berth.dev/berth/reconciler/engine"
	"berth.dev/berth/spec"
	"berth.dev/berth/spec/load"
	"berth.dev/berth/spec/native"
)

// AgentConfiguration is the agent's configuration file. Each field is also a flag, and a flag that is given wins.
type AgentConfiguration struct {
	spec.TypeMeta `json:",inline"`
	// Directories (or files) of manifests.
	Manifests []string `json:"manifests,omitempty"`
	// Where the agent keeps what it may lose; /var/lib/berth by default.
	StateDir string `json:"stateDir,omitempty"`
	// Where /metrics and /healthz answer: a loopback address, 127.0.0.1:9780 by default; "none" for nowhere.
	Listen string `json:"listen,omitempty"`
	// Where the agent answers the command line.
	Socket string `json:"socket,omitempty"`
	// How often everything is read afresh; 5m by default.
	ResyncPeriod spec.Duration `json:"resyncPeriod,omitempty"`
	// How many objects are worked on at once; 32 by default.
	Workers int `json:"workers,omitempty"`
	// How many containers are created and started at once; 8 by default.
	InFlight int `json:"inFlight,omitempty"`
	// How the engine is reached.
	Docker DockerConfiguration `json:"docker,omitzero"`
	// What is logged, and how.
	Log LogConfiguration `json:"log,omitzero"`
}

// DockerConfiguration says how the engine is reached. What is left out comes from the DOCKER_ environment, then from the current
// Docker context.
type DockerConfiguration struct {
	Host      string        `json:"host,omitempty"`
	Version   string        `json:"version,omitempty"`
	Timeout   spec.Duration `json:"timeout,omitempty"`
	TLSVerify bool          `json:"tlsVerify,omitempty"`
	CertPath  string        `json:"certPath,omitempty"`
	Context   string        `json:"context,omitempty"`
}

func (d DockerConfiguration) engine() engine.Config {
	return engine.Config{Host: d.Host, Version: d.Version, Timeout: time.Duration(d.Timeout), TLSVerify: d.TLSVerify, CertPath: d.CertPath, Context: d.Context}
}

// LogConfiguration says what is logged, and how.
type LogConfiguration struct {
	// text for people, json for machines.
	Format string `json:"format,omitempty"`
	// 0 for what an operator acts on, 1 for more.
	Verbosity int `json:"verbosity,omitempty"`
}

// The defaults of an AgentConfiguration.
const (
	defaultStateDir = "/var/lib/berth"
	defaultListen   = "127.0.0.1:9780"
	listenNowhere   = "none"
)

// agentFlags are the flags of `berth agent`.
type agentFlags struct {
	config string
	set    AgentConfiguration
	resync time.Duration
}

func (f *agentFlags) register(cmd *cobra.Command) {
	p := cmd.Flags()
	p.StringVar(&f.config, "config", "", "a configuration file (kind: AgentConfiguration)")
	p.StringArrayVar(&f.set.Manifests, "manifests", nil, "a directory of manifests; may be repeated")
	p.StringVar(&f.set.StateDir, "state", defaultStateDir, "where the agent keeps what it may lose")
	p.StringVar(&f.set.Listen, "listen", defaultListen, "the loopback address of /metrics and /healthz; none for nowhere")
	p.DurationVar(&f.resync, "resync", 5*time.Minute, "how often everything is read afresh")
	p.IntVar(&f.set.Workers, "workers", 0, "how many objects are worked on at once (default 32)")
	p.IntVar(&f.set.InFlight, "in-flight", 0, "how many containers are created and started at once (default 8)")
	p.StringVar(&f.set.Log.Format, "log-format", "text", "text or json")
	p.IntVarP(&f.set.Log.Verbosity, "verbosity", "v", 0, "0 for what an operator acts on, 1 for more")
}

// configuration reads the file, and puts the flags that were given over it.
func (f *agentFlags) configuration(cmd *cobra.Command, g *global) (*AgentConfiguration, error) {
	cfg := &AgentConfiguration{}
	if f.config != "" {
		if err := readConfiguration(f.config, cfg); err != nil {
			return nil, err
		}
	}
	f.set.ResyncPeriod = spec.Duration(f.resync)
	f.set.Socket = g.socketPath()
	changed := func(name string) bool { return cmd.Flags().Changed(name) }
	over(&cfg.Manifests, f.set.Manifests, changed("manifests"), len(cfg.Manifests) == 0)
	over(&cfg.StateDir, f.set.StateDir, changed("state"), cfg.StateDir == "")
	over(&cfg.Listen, f.set.Listen, changed("listen"), cfg.Listen == "")
	over(&cfg.Socket, f.set.Socket, changed("socket"), cfg.Socket == "")
	over(&cfg.ResyncPeriod, f.set.ResyncPeriod, changed("resync"), cfg.ResyncPeriod == 0)
	over(&cfg.Workers, f.set.Workers, changed("workers"), cfg.Workers == 0)
	over(&cfg.InFlight, f.set.InFlight, changed("in-flight"), cfg.InFlight == 0)
	over(&cfg.Log.Format, f.set.Log.Format, changed("log-format"), cfg.Log.Format == "")
	over(&cfg.Log.Verbosity, f.set.Log.Verbosity, changed("verbosity"), cfg.Log.Verbosity == 0)
	over(&cfg.Docker.Host, g.docker.Host, changed("host"), false)
	over(&cfg.Docker.Version, g.docker.Version, changed("api-version"), false)
	over(&cfg.Docker.Timeout, spec.Duration(g.docker.Timeout), changed("timeout-call"), false)
	over(&cfg.Docker.TLSVerify, g.docker.TLSVerify, changed("tlsverify"), false)
	over(&cfg.Docker.CertPath, g.docker.CertPath, changed("cert-path"), false)
	over(&cfg.Docker.Context, g.docker.Context, changed("context"), false)
	if changed("host") && !changed("context") { // the two exclude each other, and what is given wins
		cfg.Docker.Context = ""
	}
	if changed("context") && !changed("host") {
		cfg.Docker.Host = ""
	}
	return cfg, cfg.check()
}

// over puts a flag's value over a field: where the flag was given, or where the field is to have the flag's default.
func over[T any](field *T, flag T, given, unset bool) {
	if given || unset {
		*field = flag
	}
}

func (c *AgentConfiguration) check() error {
	switch {
	case len(c.Manifests) == 0:
		return fmt.Errorf("no manifests to run: give --manifests DIR, or manifests in the configuration file")
	case c.Listen == listenNowhere:
		c.Listen = ""
	case !loopback(c.Listen):
		return fmt.Errorf("--listen %s: metrics are served without a login, so that only a loopback address such as %s will do", c.Listen, defaultListen)
	}
	if c.Log.Format != "text" && c.Log.Format != "json" {
		return fmt.Errorf("--log-format %q: want text or json", c.Log.Format)
	}
	if c.ResyncPeriod < spec.Duration(time.Second) {
		return fmt.Errorf("--resync %s: want at least 1s", c.ResyncPeriod)
	}
	return c.checkNumbers()
}

func (c *AgentConfiguration) checkNumbers() error {
	for _, f := range []struct {
		flag  string
		value int
	}{{"workers", c.Workers}, {"in-flight", c.InFlight}, {"verbosity", c.Log.Verbosity}} {
		if f.value < 0 {
			return fmt.Errorf("--%s %d: want 0 or more", f.flag, f.value)
		}
	}
	return nil
}

func readConfiguration(path string, cfg *AgentConfiguration) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return fmt.Errorf("cannot read the configuration: %w", err)
	}
	var problems []error
	for _, e := range native.Decode(data, cfg) {
		problems = append(problems, errors.New(load.Problem{File: path, Line: e.Line, Column: e.Column, Field: e.Field, Message: e.Message}.String()))
	}
	if len(problems) > 0 {
		return errors.Join(problems...)
	}
	if cfg.APIVersion != spec.APIVersion || cfg.Kind != "AgentConfiguration" {
		return fmt.Errorf("%s: found apiVersion %q and kind %q; want %s and AgentConfiguration", path, cfg.APIVersion, cfg.Kind, spec.APIVersion)
	}
	return nil
}
