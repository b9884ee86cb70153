package controller

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"berth.dev/berth/spec"
)

// keysNamed are the keys of containers by their names, one letter each.
func keysNamed(names string) (keys []spec.Key) {
	for _, r := range names {
		keys = append(keys, key(spec.KindContainer, string(r)))
	}
	return keys
}

func namesOf(keys []spec.Key) (names string) {
	for _, k := range keys {
		names += k.Name
	}
	return names
}

// TestGuard goes through surveys and confirmations. A step is "OWNED ORPHANS", "OWNED ORPHANS unknown" or "confirm"; what may be
// removed and what is held after it follows.
func TestGuard(t *testing.T) {
	for _, tt := range []struct {
		name  string
		steps [][3]string // step, allowed, held
	}{
		{"none", [][3]string{{"abcd -", "", ""}}},
		{"less than half", [][3]string{{"abcd a", "a", ""}}},
		{"half", [][3]string{{"abcd ab", "ab", ""}}},
		{"more than half", [][3]string{{"abcd abc", "", "abc"}}},
		{"everything", [][3]string{{"abcd abcd", "", "abcd"}}},
		{"the only one", [][3]string{{"a a", "", "a"}}},
		{"wanted is not known", [][3]string{{"abcd a unknown", "", "a"}}},
		{"wanted is known again", [][3]string{{"abcd a unknown", "", "a"}, {"abcd a", "a", ""}}},
		{"what was let go stays so", [][3]string{{"abcd a", "a", ""}, {"abcd a unknown", "a", ""}}},
		{"one after the other", [][3]string{{"abcd a", "a", ""}, {"abcd ab", "ab", ""}, {"bcd bc", "bc", ""}, {"cd cd", "c", "d"}}},
		{"confirmed", [][3]string{{"abcd abc", "", "abc"}, {"confirm", "abc", ""}, {"abcd abc", "abc", ""}}},
		{"only what waits is confirmed", [][3]string{{"abcd abc", "", "abc"}, {"confirm", "abc", ""}, {"abcd abcd", "abc", "d"}}},
		{"files come back", [][3]string{{"abcd abc", "", "abc"}, {"abcd -", "", ""}, {"confirm", "", ""}, {"abcd abc", "", "abc"}}},
		{"a confirmation is good once", [][3]string{{"abcd abc", "", "abc"}, {"confirm", "abc", ""}, {"abcd -", "", ""}, {"abcd abc", "", "abc"}}},
		{"gone from the engine", [][3]string{{"abcd abc", "", "abc"}, {"d -", "", ""}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g := newGuard()
			for i, s := range tt.steps {
				f := strings.Fields(s[0])
				if f[0] == "confirm" {
					g.confirm()
				} else {
					g.survey(keysNamed(f[0]), keysNamed(strings.Trim(f[1], "-")), f[2:])
				}
				var allowed string
				for _, k := range keysNamed("abcd") {
					if ok, _ := g.allows(k); ok {
						allowed += k.Name
					}
				}
				held, why := g.pending()
				if diff := cmp.Diff(s, [3]string{s[0], allowed, namesOf(held)}); diff != "" || (len(held) > 0) != (why != "") {
					t.Errorf("step %d (why %q): -want +got\n%s", i, why, diff)
				}
			}
		})
	}
}

func TestGuardTellsOnce(t *testing.T) {
	g := newGuard()
	for i, want := range []string{"abc", "", "d"} {
		newly, why := g.survey(keysNamed("abcd"), keysNamed([]string{"abc", "abc", "abcd"}[i]), nil)
		if namesOf(newly) != want || why == "" {
			t.Errorf("survey %d: newly held %q (%s), want %q", i, namesOf(newly), why, want)
		}
	}
}

func TestPrune(t *testing.T) {
	all := containers(4, "")
	for _, tt := range []struct {
		name string
		do   func(*agent)
		runs string // ordinals of those that run in the end
		held int
	}{
		{"one of four", func(a *agent) { a.replace(all[:3]...) }, "012", 0},
		{"all", func(a *agent) { a.replace() }, "0123", 4},
		{"most", func(a *agent) { a.replace(all[0]) }, "0123", 3},
		{"most, confirmed", func(a *agent) { a.replace(all[0]); a.settle(soon); a.ConfirmPrune() }, "0", 0},
		{"all, and they come back", func(a *agent) { a.replace(); a.settle(soon); a.replace(all...) }, "0123", 0},
		{"all, and then some come back", func(a *agent) { a.replace(); a.settle(soon); a.replace(all[:2]...) }, "01", 0},
		{"one, and what is wanted is not known", func(a *agent) {
			d := desire(a, all[:3]...)
			d.Unknown = []string{"manifests are missing"}
			a.Replace(t.Context(), d)
		}, "0123", 1},
		{"all at once, renamed", func(a *agent) { a.replace(container("other", "")) }, "0123x", 4},
		{"by turns", func(a *agent) {
			for i := range 4 {
				a.replace(all[i+1:]...)
				a.settle(soon)
			}
		}, "3", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(a *agent) {
				a.replace(all...)
				a.settle(soon)
				tt.do(a)
				a.settle(soon)
				var want []string
				for _, r := range tt.runs {
					want = append(want, map[bool]string{true: "shop.other.0", false: fmt.Sprintf("shop.web0%c.0", r)}[r == 'x'])
				}
				a.expectRunning(strings.Join(want, " "))
				held, why := a.PendingPrune()
				if len(held) != tt.held || (why != "") != (tt.held > 0) {
					t.Errorf("held: %v %q, want %d", held, why, tt.held)
				}
				for _, k := range held {
					a.expect(k, "!PrunePending")
				}
				a.metric(fmt.Sprintf("# HELP berth_prune_held_objects Objects whose removal waits for a confirmation.\n# TYPE berth_prune_held_objects gauge\nberth_prune_held_objects %d\n", tt.held), "berth_prune_held_objects")
				if got, _ := a.Objects(); len(got) != len(tt.runs) {
					t.Errorf("%d objects are known, want %d", len(got), len(tt.runs))
				}
			})
		})
	}
}

func TestNoPruneWithoutLeave(t *testing.T) {
	inTime(t, func(a *agent) {
		all := containers(4, "")
		a.replace(all...)
		a.settle(soon)
		a.replace(all[1:]...)
		a.settle(resync + soon)
		a.expectRunning("shop.web00.0 shop.web01.0 shop.web02.0 shop.web03.0")
		if got, _ := a.Objects(); len(got) != 3 {
			t.Errorf("%d objects are known, want those of the manifests", len(got))
		}
	}, func(o *Options) { o.Prune = false })
}

// A new agent knows nothing, and finds the same.
func TestRestartedAgent(t *testing.T) {
	inTime(t, func(a *agent) {
		all := append(containers(4, "networks: [{name: net}]"), object(spec.KindNetwork, "net", ""))
		a.replace(all...)
		a.settle(soon)
		a.stop()
		b := startAgent(t, a.engine)
		defer b.stop()
		b.replace(all...)
		if n := changes(b.calls(func() { b.settle(soon) })); n > 0 {
			t.Errorf("a new agent changed %d things", n)
		}
		b.replace(append(containers(3, "networks: [{name: net}]"), object(spec.KindNetwork, "net", ""))...)
		b.settle(soon)
		b.expectRunning("shop.web00.0 shop.web01.0 shop.web02.0")
	})
}
