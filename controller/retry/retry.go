// Package retry says when to try again what others have refused.
package retry

import (
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"
)

// Backoff is the wait after a number of tries, from 1: it doubles from the first to the most, and as much as half of it is left to
// chance, so that many agents do not come at once.
func Backoff(tries int, first, most time.Duration) time.Duration {
	wait := most
	if tries < 16 { // far beyond the most
		wait = min(first<<(tries-1), most)
	}
	return wait/2 + rand.N(wait/2)
}

// After reads the header Retry-After (RFC 9110, 10.2.3), of seconds or a date: 0 where it says nothing, and no more than the most.
func After(header string, now time.Time, most time.Duration) time.Duration {
	wait := time.Duration(0)
	if seconds, err := strconv.ParseUint(header, 10, 31); err == nil {
		wait = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(header); err == nil {
		wait = at.Sub(now)
	}
	return max(0, min(wait, most))
}
