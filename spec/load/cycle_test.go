package load_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"berth.dev/berth/spec/load"
)

// ring is n files of one container each that waits for the next, the last for the first where it is closed.
func ring(n int, closed bool) []load.File {
	var files []load.File
	for i := range n {
		next := i + 1
		if closed {
			next %= n
		}
		files = append(files, load.File{Path: fmt.Sprintf("%05d.yaml", i), Data: fmt.Appendf(nil,
			"apiVersion: berth.dev/v1\nkind: Container\nmetadata: {name: c%d}\nspec: {image: a, dependsOn: [{name: c%d}]}\n", i, next)})
	}
	return files
}

func TestLongCycle(t *testing.T) {
	const n = 3000
	r := load.Load(ring(n, true), load.Options{})
	if len(r.Problems) != n || len(r.Broken) != n || len(r.Objects) != 0 {
		t.Fatalf("%d problems, %d broken files, %d objects; want %d, %d, 0", len(r.Problems), len(r.Broken), len(r.Objects), n, n)
	}
	for _, p := range r.Problems {
		if s := p.String(); len(s) > 1000 || !strings.Contains(s, "2988 more -> ") {
			t.Fatal(s)
		}
	}
	if r := load.Load(ring(n, false), load.Options{}); len(r.Problems) != 0 || len(r.Objects) != n {
		t.Errorf("a chain is no cycle: %v", r.Problems[:min(3, len(r.Problems))])
	}
}

// TestCycleKeepsLastGood: what made a cycle of a file that was right does not take away what it said.
func TestCycleKeepsLastGood(t *testing.T) {
	good := load.Load(ring(3, false), load.Options{}).WithLastGood(nil)
	kept := load.Load(ring(3, true), load.Options{}).WithLastGood(good)
	if len(kept) != 3 || !slices.Equal(kept, good) {
		t.Errorf("%v, want %v", kept, good)
	}
}

func BenchmarkMergeChain(b *testing.B) {
	var results []load.FileResult
	for _, f := range ring(10_000, false) {
		results = append(results, load.LoadFile(f, load.Options{}))
	}
	for b.Loop() {
		load.Merge(results)
	}
}
