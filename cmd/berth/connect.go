package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"berth.dev/berth/controller"
	"berth.dev/berth/reconciler/engine"
	"berth.dev/berth/spec"
	"berth.dev/berth/spec/load"
	"berth.dev/berth/watcher"
)

// connect opens a client of the engine, and makes sure that the engine answers.
func (g *global) connect(ctx context.Context) (*engine.Client, error) {
	c, err := engine.New(g.docker)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	if _, err := c.Info(ctx); err != nil {
		return nil, errors.Join(err, c.Close())
	}
	return c, nil
}

func (g *global) socketPath() string {
	if g.socket != "" {
		return g.socket
	}
	return filepath.Join(controller.RunDir(), "berth.sock")
}

// hold takes the engine for this command, or says which agent has it.
func hold(ctx context.Context, c *engine.Client, socket string) (*controller.Lock, error) {
	info, err := c.Info(ctx)
	if err != nil {
		return nil, err
	}
	me := holder(socket)
	lock := controller.NewLock(controller.RunDir(), me)
	if err := lock.Hold(info.Key()); err != nil {
		return nil, err
	}
	// An agent of another user, or in a container, has its locks elsewhere, although the engine is on this host.
	if err := controller.Knock(ctx, c, info.Key(), me); err != nil {
		lock.Release()
		return nil, err
	}
	return lock, nil
}

func holder(socket string) controller.Holder {
	host, err := os.Hostname()
	if err != nil {
		host = "an unnamed host"
	}
	return controller.Holder{Host: host, PID: os.Getpid(), Command: strings.Join(append([]string{"berth"}, os.Args[1:]...), " "), Socket: socket, Since: time.Now()}
}

// loaded is what files or directories say.
type loaded struct {
	objects  []spec.Object
	problems []load.Problem
}

// loadPaths reads files and directories once; "-" is standard input.
func loadPaths(paths []string, stdin io.Reader) (_ loaded, err error) {
	var results []load.FileResult
	var roots []string
	for _, p := range paths {
		if p != "-" {
			roots = append(roots, p)
			continue
		}
		data, err := io.ReadAll(io.LimitReader(stdin, watcher.DefaultMaxFileSize+1))
		if err != nil {
			return loaded{}, fmt.Errorf("cannot read standard input: %w", err)
		}
		results = append(results, load.LoadFile(load.File{Path: "-", Data: data}, load.Options{ReadFile: os.ReadFile}))
	}
	if len(roots) > 0 {
		var s watcher.Snapshot
		s, err = watcher.Read(roots, 0) // an error is of one root, and says nothing of the others
		for _, f := range s.Files {
			results = append(results, load.LoadFile(load.File{Path: f.Path, Data: f.Data, Err: f.Err}, load.Options{ReadFile: os.ReadFile}))
		}
	}
	merged := load.Merge(results)
	return loaded{merged.Objects, merged.Problems}, err
}

// onPaths makes a command that works on the manifests of its arguments and on the engine. It prints what is wrong with the
// manifests; what that means is for run to say.
func (g *global) onPaths(run func(cmd *cobra.Command, l loaded, c *engine.Client) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, paths []string) error {
		l, err := loadPaths(paths, cmd.InOrStdin())
		printProblems(cmd.ErrOrStderr(), l.problems)
		if err != nil {
			return err
		}
		c, err := g.connect(cmd.Context())
		if err != nil {
			return err
		}
		defer c.Close()
		return run(cmd, l, c)
	}
}

func printProblems(w io.Writer, problems []load.Problem) {
	for _, p := range problems {
		fmt.Fprintln(w, p)
	}
}
