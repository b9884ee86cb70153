package main

import (
	"time"

	"github.com/spf13/cobra"

	"berth.dev/berth/reconciler/engine"
)

func rootCommand() *cobra.Command {
	g := &global{}
	root := &cobra.Command{
		Use:           "berth",
		Short:         "Run containers on a Docker host from files",
		Long:          "berth makes a Docker host match the manifests in a directory, and keeps it so.",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetFlagErrorFunc(suggestFlag)
	g.flags(root)
	return group(root, agentCommand(g), planCommand(g), applyCommand(g), validateCommand(), getCommand(g), deleteCommand(g),
		pruneCommand(g), schemaCommand(), versionCommand(g), rolloutCommand(g), holdCommand(g), releaseCommand(g), stopCommand(g),
		startCommand(g), restartCommand(g), createCommand(g))
}

// global are the flags of all commands: how the engine is reached, and where the agent answers.
type global struct {
	docker engine.Config
	socket string
}

func (g *global) flags(cmd *cobra.Command) {
	f := cmd.PersistentFlags()
	f.StringVarP(&g.docker.Host, "host", "H", "", "the engine's address, as in unix:///var/run/docker.sock, tcp:// or ssh:// (DOCKER_HOST)")
	f.StringVar(&g.docker.Version, "api-version", "", "the engine's API version; negotiated where it is left out (DOCKER_API_VERSION)")
	f.DurationVar(&g.docker.Timeout, "timeout-call", 0, "how long the engine may take to answer a short call (DOCKER_CLIENT_TIMEOUT, in seconds; default 1m)")
	f.BoolVar(&g.docker.TLSVerify, "tlsverify", false, "use TLS and verify the engine (DOCKER_TLS_VERIFY)")
	f.StringVar(&g.docker.CertPath, "cert-path", "", "the folder of ca.pem, cert.pem and key.pem (DOCKER_CERT_PATH)")
	f.StringVar(&g.docker.Context, "context", "", "the Docker context (DOCKER_CONTEXT)")
	f.StringVar(&g.socket, "socket", "", "where the agent answers (default: berth.sock in the runtime directory)")
}

// callTimeout is how long a command waits for the engine to answer at all.
const callTimeout = 10 * time.Second
