package schedule

import (
	"time"

	"github.com/robfig/cron/v3"
)

// civil is a schedule of a clock on the wall, which is put forward and back twice a year in most places. The library knows of no
// such changes here: it is asked about readings of the clock, written as if in UTC.
type civil struct {
	readings *cron.SpecSchedule
	zone     *time.Location
}

// horizon is how far ahead the library looks.
const horizon = 5 * 366 * 24 * time.Hour

// nextInstant is the first instant after a time at which the clock has one of the readings. One that the clock has twice is two
// ticks, and one that it never has is none: what goes every so many minutes goes on doing so.
func (c civil) nextInstant(after time.Time) time.Time {
	from, within := after, after // within is in the time between two changes that is looked at
	for within.Sub(after) < horizon {
		offset := offsetAt(within, c.zone)
		next := c.readings.Next(reading(from, offset))
		if next.IsZero() {
			return next
		}
		_, change := within.In(c.zone).ZoneBounds()
		if at := next.Add(-offset); change.IsZero() || at.Before(change) {
			return at
		}
		from, within = change.Add(-time.Nanosecond), change // the change itself may be a tick
	}
	return time.Time{}
}

// nextReading is the first instant after a time that answers to a reading which no instant before answered to: of a reading that
// the clock has twice it is the first, and of one that the clock leaves out it is the instant after. That is the rule of Vixie's
// cron for jobs of certain hours (cron(8), "Daylight Saving Time").
func (c civil) nextReading(after time.Time) time.Time {
	at := reading(after, offsetAt(after, c.zone))
	for {
		if at = c.readings.Next(at); at.IsZero() {
			return at
		}
		if instant := c.instant(at); instant.After(after) {
			return instant
		}
	}
}

// instant is when the clock first has a reading, or is past it.
func (c civil) instant(at time.Time) time.Time {
	// No zone is further from UTC than a day; the clock's offsets around the reading are those before and after a change.
	early, late := offsetAt(at.Add(-24*time.Hour), c.zone), offsetAt(at.Add(24*time.Hour), c.zone)
	for _, offset := range []time.Duration{early, late} {
		if t := at.Add(-offset); offsetAt(t, c.zone) == offset {
			return t
		}
	}
	_, change := at.Add(-24 * time.Hour).In(c.zone).ZoneBounds()
	return change
}

func offsetAt(t time.Time, zone *time.Location) time.Duration {
	_, seconds := t.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}

// reading is what the clock shows at an instant.
func reading(t time.Time, offset time.Duration) time.Time { return t.UTC().Add(offset) }
