package notify

import (
	"regexp"
	"time"

	"berth.dev/berth/spec"
)

// fingerprint is what makes two events the same.
type fingerprint struct {
	object  spec.Key
	kind    spec.EventType
	reason  string
	message string
	source  string
}

// varying is what differs between tellings of the same: when, and how often. Other numbers make another event: a limit that changed
// twice, another port that is taken.
var varying = regexp.MustCompile(`\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)|\b\d+ times\b`)

func fingerprintOf(e Event) fingerprint {
	return fingerprint{e.Object, e.Type, e.Reason, varying.ReplaceAllString(e.Message, "N"), e.Source}
}

// memory knows what was told within a window. It belongs to one sender, under its lock.
type memory map[fingerprint]*tally

type tally struct {
	told time.Time
	held int // how often it came since
}

// mostRemembered bounds the memory. Beyond it something is told again that need not be.
const mostRemembered = 4096

// holds reports whether the same event was told within the window, and counts it if so.
func (m memory) holds(f fingerprint, now time.Time, window time.Duration) bool {
	t, ok := m[f]
	if !ok || now.Sub(t.told) >= window {
		return false
	}
	t.held++
	return true
}

// note remembers that an event is told, and returns how often it was held back since the last time.
func (m memory) note(f fingerprint, now time.Time, window time.Duration) (held int) {
	if t, ok := m[f]; ok {
		held = t.held
	} else if len(m) >= mostRemembered {
		m.sweep(now, window)
	}
	m[f] = &tally{told: now}
	return held
}

// sweep makes room: of what the window is over for, and where that is too little, of anything, so much that it pays.
func (m memory) sweep(now time.Time, window time.Duration) {
	for f, t := range m {
		if now.Sub(t.told) >= window {
			delete(m, f)
		}
	}
	for f := range m {
		if len(m) <= mostRemembered/2 {
			return
		}
		delete(m, f)
	}
}
