package updates

import (
	"math/rand/v2"
	"time"

	"github.com/robfig/cron/v3"
)

// times gives the next time after another, and zero for never.
type times interface {
	Next(time.Time) time.Time
}

const (
	every = 5 * time.Minute // where there is no schedule
	// Agents that were started together, or have the same schedule, spread their questions over this time, or over a tenth of the
	// schedule's interval where that is less.
	spread = 30 * time.Second
	// Soon after an object appeared it is asked for the first time.
	first = 2 * time.Second
)

// timesOf reads a schedule, in the host's time. The loader has refused what is none.
func timesOf(schedule string) times {
	if schedule != "" {
		if t, err := cron.ParseStandard(schedule); err == nil {
			return t
		}
	}
	return cron.Every(every)
}

func soon(now time.Time) time.Time { return now.Add(rand.N(first)) }

// after is the next time of a schedule, a bit later than it says; zero for never.
func after(t times, now time.Time) time.Time {
	next := t.Next(now)
	if most := min(spread, next.Sub(now)/10); !next.IsZero() && most > 0 {
		next = next.Add(rand.N(most))
	}
	return next
}

func later(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return a
	}
	return b
}
