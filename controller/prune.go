package controller

import (
	"fmt"
	"slices"
	"sync"

	"berth.dev/berth/spec"
)

// guard decides which objects that are on the engine and not in the manifests may be removed. A mistake in the directory (an
// unmounted disk, a wrong path, a bad checkout) looks just like a wish to remove everything, so that one waits for a person.
type guard struct {
	mu        sync.Mutex
	approved  map[spec.Key]bool
	held      map[spec.Key]bool
	confirmed map[spec.Key]bool
	why       string // why held ones are held
}

func newGuard() *guard {
	return &guard{approved: map[spec.Key]bool{}, held: map[spec.Key]bool{}, confirmed: map[spec.Key]bool{}}
}

// survey judges anew: owned is what is berth's on the engine, orphans those of them that no manifest wants, and unknown says why
// manifests may be missing. It returns what changed from free to held.
func (g *guard) survey(owned, orphans []spec.Key, unknown []string) (newlyHeld []spec.Key, why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	before := g.held
	g.keepOnly(orphans)
	var fresh []spec.Key
	for _, k := range orphans {
		if !g.approved[k] && !g.confirmed[k] {
			fresh = append(fresh, k)
		}
	}
	total := len(owned) - len(orphans) + len(fresh)
	g.held, g.why = map[spec.Key]bool{}, reasonToHold(len(fresh), total, unknown)
	for _, k := range fresh {
		if g.why == "" {
			g.approved[k] = true
			continue
		}
		g.held[k] = true
		if !before[k] {
			newlyHeld = append(newlyHeld, k)
		}
	}
	return newlyHeld, g.why
}

// keepOnly forgets what was said of objects that are orphans no longer.
func (g *guard) keepOnly(orphans []spec.Key) {
	for _, set := range []map[spec.Key]bool{g.approved, g.confirmed} {
		for k := range set {
			if !slices.Contains(orphans, k) {
				delete(set, k)
			}
		}
	}
}

func reasonToHold(fresh, total int, unknown []string) string {
	switch {
	case fresh == 0:
		return ""
	case len(unknown) > 0:
		return "what is wanted is not fully known: " + unknown[0]
	case fresh == total:
		return fmt.Sprintf("it would remove everything, %d of %d objects", fresh, total)
	case 2*fresh > total:
		return fmt.Sprintf("it would remove more than half, %d of %d objects", fresh, total)
	}
	return ""
}

// allows reports whether an object may be removed, and else why not; the reason is empty for one that nobody has judged yet.
func (g *guard) allows(k spec.Key) (ok bool, why string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.approved[k] || g.confirmed[k] {
		return true, ""
	}
	if g.held[k] {
		return false, g.why
	}
	return false, ""
}

// pending lists what is held, and why.
func (g *guard) pending() ([]spec.Key, string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return sortedKeys(g.held), g.why
}

// confirm lets go of what is held now, and nothing that comes later. It returns what it let go.
func (g *guard) confirm() []spec.Key {
	g.mu.Lock()
	defer g.mu.Unlock()
	keys := sortedKeys(g.held)
	for _, k := range keys {
		g.confirmed[k] = true
	}
	g.held, g.why = map[spec.Key]bool{}, ""
	return keys
}
