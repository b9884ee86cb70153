package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"

	"berth.dev/berth/spec"
)

// configure gives the configuration that `berth agent ARGS` would run with.
func configure(t *testing.T, args ...string) (*AgentConfiguration, error) {
	t.Helper()
	g, f := &global{}, &agentFlags{}
	var cfg *AgentConfiguration
	agent := &cobra.Command{Use: "agent", RunE: func(cmd *cobra.Command, _ []string) (err error) {
		cfg, err = f.configuration(cmd, g)
		return err
	}}
	f.register(agent)
	root := &cobra.Command{Use: "berth", SilenceErrors: true, SilenceUsage: true}
	g.flags(root)
	root.AddCommand(agent)
	root.SetArgs(append([]string{"agent"}, args...))
	return cfg, root.ExecuteContext(context.Background())
}

func write(t *testing.T, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const header = "apiVersion: berth.dev/v1\nkind: AgentConfiguration\n"

const full = header + `manifests: [/etc/a]
stateDir: /srv/state
listen: 127.0.0.1:1
socket: /srv/sock
resyncPeriod: 1m
workers: 3
inFlight: 4
docker: {host: "tcp://h:1", version: "1.42", timeout: 3s, certPath: /certs, context: c, tlsVerify: true}
log: {format: json, verbosity: 1}
`

func TestConfigurationFile(t *testing.T) {
	got, err := configure(t, "--config", write(t, "berth.yaml", full))
	if err != nil {
		t.Fatal(err)
	}
	want := &AgentConfiguration{
		TypeMeta:  spec.TypeMeta{APIVersion: spec.APIVersion, Kind: "AgentConfiguration"},
		Manifests: []string{"/etc/a"}, StateDir: "/srv/state", Listen: "127.0.0.1:1", Socket: "/srv/sock", ResyncPeriod: spec.Duration(time.Minute),
		Workers: 3, InFlight: 4, Log: LogConfiguration{"json", 1},
		Docker: DockerConfiguration{Host: "tcp://h:1", Version: "1.42", Timeout: spec.Duration(3 * time.Second), CertPath: "/certs", Context: "c", TLSVerify: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestConfigurationDefaults(t *testing.T) {
	got, err := configure(t, "--manifests", "a", "--manifests", "b")
	if err != nil {
		t.Fatal(err)
	}
	want := &AgentConfiguration{
		Manifests: []string{"a", "b"}, StateDir: "/var/lib/berth", Listen: "127.0.0.1:9780", Socket: (&global{}).socketPath(),
		ResyncPeriod: spec.Duration(5 * time.Minute), Log: LogConfiguration{Format: "text"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// A flag that is given wins over the file, also where it says what is the default.
func TestFlagsWinOverTheFile(t *testing.T) {
	for _, tt := range []struct {
		flag, value string
		get         func(*AgentConfiguration) any
		want        any
	}{
		{"--manifests", "m", func(c *AgentConfiguration) any { return strings.Join(c.Manifests, " ") }, "m"},
		{"--state", "/var/lib/berth", func(c *AgentConfiguration) any { return c.StateDir }, "/var/lib/berth"},
		{"--listen", "none", func(c *AgentConfiguration) any { return c.Listen }, ""},
		{"--socket", "/s", func(c *AgentConfiguration) any { return c.Socket }, "/s"},
		{"--resync", "5m", func(c *AgentConfiguration) any { return c.ResyncPeriod }, spec.Duration(5 * time.Minute)},
		{"--workers", "7", func(c *AgentConfiguration) any { return c.Workers }, 7},
		{"--in-flight", "9", func(c *AgentConfiguration) any { return c.InFlight }, 9},
		{"--log-format", "text", func(c *AgentConfiguration) any { return c.Log.Format }, "text"},
		{"--verbosity", "0", func(c *AgentConfiguration) any { return c.Log.Verbosity }, 0},
		{"--host", "unix:///x", func(c *AgentConfiguration) any { return c.Docker.Host }, "unix:///x"},
		{"--api-version", "1.50", func(c *AgentConfiguration) any { return c.Docker.Version }, "1.50"},
		{"--timeout-call", "9s", func(c *AgentConfiguration) any { return c.Docker.Timeout }, spec.Duration(9 * time.Second)},
		{"--cert-path", "/other", func(c *AgentConfiguration) any { return c.Docker.CertPath }, "/other"},
		{"--context", "other", func(c *AgentConfiguration) any { return c.Docker.Context }, "other"},
		{"--tlsverify", "false", func(c *AgentConfiguration) any { return c.Docker.TLSVerify }, false},
	} {
		t.Run(tt.flag, func(t *testing.T) {
			cfg, err := configure(t, "--config", write(t, "berth.yaml", full), tt.flag+"="+tt.value)
			if err != nil {
				t.Fatal(err)
			}
			if got := tt.get(cfg); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

func TestWrongConfigurations(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		args       []string
		want       []string
	}{
		{name: "no manifests", want: []string{"--manifests"}},
		{name: "not loopback", args: []string{"--manifests=m", "--listen=0.0.0.0:1"}, want: []string{"--listen 0.0.0.0:1", "loopback"}},
		{name: "log format", args: []string{"--manifests=m", "--log-format=xml"}, want: []string{`"xml"`, "text or json"}},
		{name: "resync", args: []string{"--manifests=m", "--resync=1ms"}, want: []string{"1ms", "at least 1s"}},
		{name: "workers", args: []string{"--manifests=m", "--workers=-1"}, want: []string{"--workers -1", "0 or more"}},
		{name: "in flight", file: header + "manifests: [a]\ninFlight: -1\n", want: []string{"--in-flight -1"}},
		{name: "no file", args: []string{"--config=/no/such"}, want: []string{"cannot read the configuration", "/no/such"}},
		{name: "unknown field", file: header + "manifest: [a]\n", want: []string{"berth.yaml:3: manifest: unknown field", `"manifests"`}},
		{name: "unknown field inside", file: header + "manifests: [a]\ndocker:\n  hots: x\n", want: []string{"berth.yaml:5: docker.hots: unknown field", `"host"`}},
		{name: "all problems", file: header + "workers: many\nresyncPeriod: soon\n", want: []string{"berth.yaml:3: workers: ", "berth.yaml:4: resyncPeriod: ", "30s or 1m30s"}},
		{name: "doubled", file: header + "workers: 1\nworkers: 2\n", want: []string{"berth.yaml:4: workers: found a second time"}},
		{name: "number for a string", file: header + "docker: {version: 1.41}\n", want: []string{"berth.yaml:3: docker.version: ", `"1.41"`}},
		{name: "kind", file: "apiVersion: berth.dev/v1\nkind: Container\n", want: []string{`kind "Container"`, "AgentConfiguration"}},
		{name: "no kind", file: "apiVersion: berth.dev/v1\n", want: []string{"AgentConfiguration"}},
		{name: "no version", file: "kind: AgentConfiguration\n", want: []string{"apiVersion: is missing; want berth.dev/v1"}},
		{name: "empty", file: "# nothing\n", want: []string{"found nothing"}},
		{name: "two", file: header + "---\n" + header, want: []string{"more than one document"}},
		{name: "alias", file: header + "stateDir: *x\n", want: []string{"berth.yaml:3: ", "alias"}},
		{name: "not YAML", file: header + "listen: [\n", want: []string{"is not YAML"}},
		{name: "a list", file: "- a\n", want: []string{"found a list", "mapping"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			args := tt.args
			if tt.file != "" {
				args = append(args, "--config", write(t, "berth.yaml", tt.file))
			}
			_, err := configure(t, args...)
			if err == nil {
				t.Fatal("no error")
			}
			for _, want := range tt.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("%q does not say %q", err, want)
				}
			}
		})
	}
}

func TestLoopback(t *testing.T) {
	for address, want := range map[string]bool{
		"127.0.0.1:9780": true, "127.8.9.1:1": true, "localhost:0": true, "[::1]:80": true,
		"0.0.0.0:80": false, ":80": false, "[::]:80": false, "192.168.1.1:80": false, "example.com:80": false, "127.0.0.1": false, "": false,
	} {
		if got := loopback(address); got != want {
			t.Errorf("loopback(%q) is %v", address, got)
		}
	}
}

// TestHostAndContext: a flag puts aside what the file says of the same in another way.
func TestHostAndContext(t *testing.T) {
	for flag, want := range map[string]DockerConfiguration{"--host=unix:///x": {Host: "unix:///x"}, "--context=other": {Context: "other"}} {
		cfg, err := configure(t, "--config", write(t, "berth.yaml", full), flag)
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Docker.Host != want.Host || cfg.Docker.Context != want.Context {
			t.Errorf("%s: host %q, context %q", flag, cfg.Docker.Host, cfg.Docker.Context)
		}
	}
}
