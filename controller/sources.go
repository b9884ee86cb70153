package controller

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"berth.dev/berth/spec/load"
	"berth.dev/berth/watcher"
)

// Follow puts every state of the manifests under roots in force, until ctx ends.
func (c *Controller) Follow(ctx context.Context, roots []string) error {
	f := &follower{c: c, intake: newIntake(newHistory(c.opts.StateDir, c.log)), snapshots: make(chan watcher.Snapshot), env: make(chan watcher.Snapshot)}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		return watcher.NewDir(watcher.DirOptions{Roots: roots, Log: c.log}).Run(ctx, f.snapshots)
	})
	g.Go(func() error { return f.run(ctx) })
	return g.Wait()
}

// follower takes in snapshots of the manifests, and of the env files that they name.
type follower struct {
	c         *Controller
	intake    *intake
	snapshots chan watcher.Snapshot
	env       chan watcher.Snapshot
	last      watcher.Snapshot
	watched   []string // env files
	stopEnv   func()
	told      map[string]bool // problems that were logged
}

func (f *follower) run(ctx context.Context) error {
	f.stopEnv = func() {}
	defer func() { f.stopEnv() }()
	for {
		select {
		case <-ctx.Done():
			return nil
		case s := <-f.snapshots:
			f.last = s
			f.take(ctx)
		case s := <-f.env:
			if !f.last.At.IsZero() {
				f.last.At = s.At
				f.take(ctx)
			}
		}
	}
}

// take puts the last snapshot in force.
func (f *follower) take(ctx context.Context) {
	d := f.intake.take(f.last)
	news := f.tell(d)
	f.c.Replace(ctx, d)
	f.c.tellProblems(news) // to the notifications that are in force now
	f.watchEnv(ctx, d.EnvFiles)
}

// tell logs each problem once, and returns those that are new.
func (f *follower) tell(d Desired) (news []load.Problem) {
	now := map[string]bool{}
	for _, p := range d.Problems {
		text := p.String()
		now[text] = true
		if !f.told[text] {
			f.c.log.Info("manifest problem", "problem", text)
			news = append(news, p)
		}
	}
	f.told = now
	f.c.log.Info("manifests read", "objects", len(d.Catalog.objects), "problems", len(d.Problems))
	return news
}

// watchEnv watches another set of env files.
func (f *follower) watchEnv(ctx context.Context, files []string) {
	if slices.Equal(files, f.watched) {
		return
	}
	f.stopEnv()
	f.watched, f.stopEnv = files, func() {}
	if len(files) == 0 {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := watcher.NewDir(watcher.DirOptions{Roots: files, Log: f.c.log}).Run(ctx, f.env); err != nil {
			f.c.log.Error(err, "cannot watch env files")
		}
	}()
	f.stopEnv = func() { cancel(); <-done }
}
