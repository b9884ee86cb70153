package shape

import (
	"strings"

	"berth.dev/berth/spec/near"
)

// Nearest returns the candidate that s was probably meant to be, or "" where none is close: at most two edits away, and at most a
// third of its letters. Case does not count.
func Nearest(s string, candidates []string) string {
	best, least := "", 3
	for _, c := range candidates {
		if d := near.Distance(strings.ToLower(s), strings.ToLower(c)); d < least && d*3 <= max(len(c), 3) {
			best, least = c, d
		}
	}
	return best
}
