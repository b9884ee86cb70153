package watcher

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/fsnotify/fsnotify"
	"github.com/go-logr/logr"
)

// goneFactor is how many times longer than Debounce it must be quiet before an absent file counts as gone: an
// editor that saves by rename leaves a moment without one, and removing a container has no such hurry.
const goneFactor = 3

// errUnmounted keeps an empty mount point from looking like a directory whose files were all deleted.
var errUnmounted = errors.New("it was a mount point and nothing is mounted there now")

// DirOptions says what a Dir watches. Zero values stand for the defaults.
type DirOptions struct {
	Roots        []string      // directories, or single files; they need not exist yet
	Debounce     time.Duration // how long it must be quiet after a change; 20ms
	MaxDelay     time.Duration // how long a flood of changes can put off a snapshot; 500ms
	PollInterval time.Duration // where inotify does not serve, or a root is missing; 2s
	MaxFileSize  int64         // bytes; DefaultMaxFileSize
	Log          logr.Logger
}

// Dir watches directory trees.
type Dir struct {
	opts       DirOptions
	newWatcher func() (*fsnotify.Watcher, error)
	add        func(*fsnotify.Watcher, string) error
	isMount    func(string) bool
	remote     func(string) string
}

// NewDir returns a source over the given roots. It touches nothing before Run.
func NewDir(opts DirOptions) *Dir {
	opts.Debounce = cmp.Or(opts.Debounce, 20*time.Millisecond)
	opts.MaxDelay = cmp.Or(opts.MaxDelay, 500*time.Millisecond)
	opts.PollInterval = cmp.Or(opts.PollInterval, 2*time.Second)
	return &Dir{
		opts:       opts,
		newWatcher: fsnotify.NewWatcher,
		add:        (*fsnotify.Watcher).Add,
		isMount:    isMount,
		remote:     remote,
	}
}

// Run sends a snapshot at once and then one for every change of content, until ctx ends; then it returns nil. The reader
// of out may be slow: a snapshot that it has not taken yet is replaced by a newer one, or withdrawn where the
// content is again what it took last. A file may be replaced or removed for up to MaxDelay before that shows.
func (d *Dir) Run(ctx context.Context, out chan<- Snapshot) error {
	r := newRun(d)
	defer r.close()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-r.wake():
			r.schedule()
		case <-r.timer.C:
			r.pass()
		case r.offer(out) <- r.pending:
			r.taken, r.offered = r.pending, false
		}
	}
}

// run is the state of one Run. Only its own goroutine touches it.
type run struct {
	*Dir
	read   *reader
	notify *notifier // nil where the kernel gives none
	timer  *time.Timer
	mounts map[string]string // root -> real path where something was seen mounted
	polled map[string]string // root -> why it was polled last; for the log

	since   time.Time // when the first change not yet published was noticed; zero where there is none
	last    time.Time // when the latest was
	retries int       // passes since the latest change that could not publish all

	taken   Snapshot // what the consumer has; no Roots at all where it has none yet
	pending Snapshot // what it should have
	offered bool     // they differ
}

func newRun(d *Dir) *run {
	now := time.Now()
	return &run{
		Dir:    d,
		read:   newReader(d.opts.MaxFileSize, true),
		timer:  time.NewTimer(0), // the first pass
		mounts: map[string]string{},
		polled: map[string]string{},
		since:  now,
	}
}

func (r *run) close() {
	r.timer.Stop()
	if r.notify != nil {
		if err := r.notify.close(); err != nil {
			r.opts.Log.Error(err, "cannot close the file watcher")
		}
	}
}

func (r *run) wake() <-chan struct{} {
	if r.notify == nil {
		return nil
	}
	return r.notify.wake
}

// offer is the channel to send on: none where there is nothing to send.
func (r *run) offer(out chan<- Snapshot) chan<- Snapshot {
	if !r.offered {
		return nil
	}
	return out
}

// schedule puts the next pass where the changes that came so far want it: after a quiet time, or where it is
// not quiet, MaxDelay after the first of them.
func (r *run) schedule() {
	first, last := r.notify.peek()
	if first.IsZero() {
		return
	}
	if r.since.IsZero() {
		r.since = first
	}
	r.last, r.retries = last, 0
	r.timer.Reset(max(0, time.Until(r.due())))
}

func (r *run) due() time.Time {
	quiet, limit := r.last.Add(r.opts.Debounce), r.since.Add(r.opts.MaxDelay)
	if quiet.After(limit) {
		return limit
	}
	return quiet
}

// pass reads the tree, publishes what it found where that is worth it, and sets the timer for the next pass
// where one is needed without an event.
func (r *run) pass() {
	if r.early() {
		return
	}
	now := time.Now()
	if r.since.IsZero() {
		r.since, r.last = now, now
	}
	snap, held := r.scan()
	snap.At = r.since
	overdue := !now.Before(r.since.Add(r.opts.MaxDelay))
	if !overdue && (held || r.vanished(snap) && now.Before(r.last.Add(goneFactor*r.opts.Debounce))) {
		r.retry()
		return
	}
	r.publish(snap)
	r.since = time.Time{}
	r.next(snap, held)
}

// early puts a pass off where changes came that the timer was not set for.
func (r *run) early() bool {
	if r.notify == nil {
		return false
	}
	if first, _ := r.notify.peek(); first.IsZero() {
		return false
	}
	r.schedule()
	return time.Now().Before(r.due())
}

// retry looks again at what may change without an event, as does a file that its writer closes.
func (r *run) retry() {
	r.timer.Reset(min(r.opts.Debounce<<min(r.retries, 10), r.opts.MaxDelay))
	r.retries++
}

func (r *run) next(snap Snapshot, held bool) {
	switch {
	case held:
		r.retry()
	case needsPolling(snap):
		r.timer.Reset(r.opts.PollInterval)
	default:
		r.timer.Stop()
	}
}

func needsPolling(snap Snapshot) bool {
	for _, root := range snap.Roots {
		// A missing root may come back by a mount, of which inotify says nothing.
		if root.Polling != "" || root.State != Present {
			return true
		}
	}
	return false
}

// vanished reports whether a file that was there is not.
func (r *run) vanished(snap Snapshot) bool {
	have := make(map[string]bool, len(snap.Files))
	for _, f := range snap.Files {
		have[f.Path] = true
	}
	for _, f := range r.pending.Files {
		if !have[f.Path] {
			return true
		}
	}
	return false
}

func (r *run) publish(snap Snapshot) {
	if r.offered {
		snap.At = r.pending.At // the change that the consumer has been waiting for the longest
	}
	r.pending = snap
	r.offered = r.taken.Roots == nil || !snap.equal(r.taken)
}

// scan reads the tree once, and lets the watches follow it.
func (r *run) scan() (Snapshot, bool) {
	roots := statuses(r.opts.Roots)
	watch := r.prepare(roots)
	s := scan{read: r.read, enter: r.enter}
	var current *RootStatus
	s.watch = func(dir, name string) {
		if err := watch(dir, name); err != nil {
			current.Polling = cmp.Or(current.Polling, err.Error())
		}
	}
	snap := s.walk(roots, func(root *RootStatus) { current = root })
	if r.notify != nil {
		r.notify.commit()
	}
	r.report(roots)
	return snap, r.read.end()
}

// prepare takes the changes that this pass answers, and returns how to watch. Where the kernel refused
// a watcher it is asked again: the pass is one of polling then, and rare.
func (r *run) prepare(roots []RootStatus) func(dir, name string) error {
	if r.notify == nil {
		n, err := newNotifier(r.newWatcher, r.add)
		if err != nil {
			for i := range roots {
				roots[i].Polling = explain(err).Error()
			}
			r.read.begin(nil)
			return func(string, string) error { return nil }
		}
		r.notify = n
	}
	change := r.notify.take()
	if change.lost {
		r.read.forget()
	}
	r.read.begin(change.stale)
	r.notify.begin()
	return r.notify.watch
}

// enter tells of a root what its file system means for watching it.
func (r *run) enter(root *RootStatus, real string) error {
	if name := r.remote(real); name != "" && root.Polling == "" {
		root.Polling = "it is on " + name + ", where other hosts' changes are not reported"
	}
	if r.isMount(real) {
		r.mounts[root.Path] = real
	} else if r.mounts[root.Path] == real {
		return errUnmounted
	}
	return nil
}

// report logs where polling begins and ends, once each.
func (r *run) report(roots []RootStatus) {
	for _, root := range roots {
		if (root.Polling == "") == (r.polled[root.Path] == "") {
			continue
		}
		r.polled[root.Path] = root.Polling
		if root.Polling == "" {
			r.opts.Log.Info("watching the directory again instead of polling it", "root", root.Path)
			continue
		}
		r.opts.Log.Info("polling the directory, since it cannot be watched",
			"root", root.Path, "reason", root.Polling, "interval", r.opts.PollInterval.String())
	}
}
