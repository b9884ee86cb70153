package watcher

import (
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"
)

func (r *reader) once(path string, stale ...string) *content {
	named := map[string]bool{}
	for _, s := range stale {
		named[s] = true
	}
	r.begin(named)
	defer r.end()
	return r.get(path)
}

// What is remembered is falsified here, which shows what is taken from memory and what is read.
func TestReaderReadsWhatMayHaveChanged(t *testing.T) {
	tests := map[string]struct {
		prepare func(r *reader, path string)
		stale   bool
		reads   bool
	}{
		"the same identity":         {},
		"named in an event":         {stale: true, reads: true},
		"events were lost":          {prepare: func(r *reader, _ string) { r.forget() }, reads: true},
		"another time":              {prepare: func(_ *reader, p string) { must(t, os.Chtimes(p, time.Time{}, time.Now())) }, reads: true},
		"read soon after its write": {prepare: func(r *reader, p string) { r.known[p].reusable = false }, reads: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "a.yaml")
			write(t, path, "true")
			r := newReader(0, true)
			r.once(path)
			r.known[path].data, r.known[path].reusable = []byte("false"), true
			if tt.prepare != nil {
				tt.prepare(r, path)
			}
			var stale []string
			if tt.stale {
				stale = append(stale, path)
			}
			if got := string(r.once(path, stale...).data); (got == "true") != tt.reads {
				t.Errorf("got %q", got)
			}
		})
	}
}

func TestSettledAt(t *testing.T) {
	second := time.Unix(1000, 0)
	tests := []struct {
		changed time.Time
		after   time.Duration
		want    bool
	}{
		{second.Add(time.Millisecond), 10 * time.Millisecond, false},
		{second.Add(time.Millisecond), 100 * time.Millisecond, true},
		{second, 100 * time.Millisecond, false}, // perhaps a clock of whole seconds
		{second, 3 * time.Second, true},
		{second, -time.Hour, false}, // a time that was set
	}
	for _, tt := range tests {
		for _, id := range []identity{{mtime: tt.changed.UnixNano()}, {ctime: tt.changed.UnixNano()}} {
			if got := id.settledAt(tt.changed.Add(tt.after)); got != tt.want {
				t.Errorf("changed at %v, read %v later: got %v", tt.changed, tt.after, got)
			}
		}
	}
}

// A program that never closes its file delays it, but cannot keep it out.
func TestHoldIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, err := os.Create(filepath.Join(t.TempDir(), "a.yaml"))
		must(t, err)
		defer f.Close()
		r := newReader(0, true)
		if c := r.once(f.Name()); !c.held || c.err == nil {
			t.Errorf("an open file is not held back: %+v", c)
		}
		time.Sleep(holdOpen)
		if c := r.once(f.Name()); c.held || c.err != nil {
			t.Errorf("after %v it still is: %+v", holdOpen, c)
		}
	})
}

func TestLostEventsMakeAPassReadAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.yaml")
	write(t, path, "true")
	r := newRun(NewDir(DirOptions{Roots: []string{filepath.Dir(path)}}))
	defer r.close()
	r.scan()
	for _, lost := range []bool{false, true} {
		for _, c := range r.read.known {
			c.data, c.reusable = []byte("false"), true
		}
		r.notify.note("", lost)
		snap, _ := r.scan()
		if got := string(snap.Files[0].Data); (got == "true") != lost {
			t.Errorf("events lost %v: got %q", lost, got)
		}
	}
}
