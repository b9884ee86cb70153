// Package schedule says when a CronJob is due. It asks no clock and keeps nothing: the ticks of a schedule are a function of its
// text, its time zone and, for @every, the time that it counts from.
package schedule

import (
	"fmt"
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // a host without zone files has the same ticks as one with them

	"github.com/robfig/cron/v3"
)

// Schedule is a series of points in time.
type Schedule struct {
	next func(after time.Time) time.Time
}

// Parse reads five fields or a descriptor, as cron.ParseStandard has them. zone is an IANA name, and empty for the host's own. anchor
// is what @every counts from, in whole minutes.
func Parse(text, zone string, anchor time.Time) (*Schedule, error) {
	if strings.Contains(text, "TZ=") {
		return nil, fmt.Errorf("schedule %q has a time zone within: write it as timeZone", text)
	}
	loc, err := location(zone)
	if err != nil {
		return nil, fmt.Errorf("timeZone %q is not known: write one as in Europe/Berlin", zone)
	}
	parsed, err := cron.ParseStandard(text)
	if err != nil {
		return nil, fmt.Errorf("schedule %q cannot be read: %w", text, err)
	}
	switch s := parsed.(type) {
	case cron.ConstantDelaySchedule:
		return &Schedule{constant{s.Delay, anchor.Truncate(time.Minute)}.next}, nil
	case *cron.SpecSchedule:
		s.Location = time.UTC // the clock on the wall, of which UTC has every reading just once
		c := civil{s, loc}
		if hourIsFixed(text) {
			return &Schedule{c.nextReading}, nil
		}
		return &Schedule{c.nextInstant}, nil
	}
	return nil, fmt.Errorf("schedule %q is of a kind that is not known", text)
}

// Next is the first tick after a time, and zero where there is none in the next five years.
func (s *Schedule) Next(after time.Time) time.Time {
	t := s.next(after)
	if t.IsZero() {
		return t
	}
	return t.UTC()
}

// Last is the last tick after one time and not after another; zero where there is none. It takes some fifty steps, however many
// ticks lie between.
func (s *Schedule) Last(after, until time.Time) time.Time {
	last := s.Next(after)
	if last.IsZero() || last.After(until) {
		return time.Time{}
	}
	for end := until; ; {
		if t := s.Next(last); t.IsZero() || t.After(end) {
			return last
		}
		middle := last.Add(end.Sub(last) / 2)
		if t := s.Next(middle); t.IsZero() || t.After(end) {
			end = middle
		} else {
			last = t
		}
	}
}

// zones remembers time zones, which are read from files.
var zones sync.Map

func location(zone string) (*time.Location, error) {
	if zone == "" {
		return time.Local, nil
	}
	if known, ok := zones.Load(zone); ok {
		return known.(*time.Location), nil
	}
	loc, err := time.LoadLocation(zone)
	if err == nil {
		zones.Store(zone, loc)
	}
	return loc, err
}

// hourIsFixed reports whether a schedule is for certain hours of the day. Those of every hour, or every so many, are about how much
// time has passed.
func hourIsFixed(text string) bool {
	fields := strings.Fields(text)
	if len(fields) != 5 {
		return !strings.EqualFold(text, "@hourly")
	}
	return fields[1][0] != '*' && fields[1][0] != '?'
}

// constant is ticks at a constant distance.
type constant struct {
	delay  time.Duration
	anchor time.Time
}

// next counts from the anchor, so that ticks are the same whoever asks, and when.
func (c constant) next(after time.Time) time.Time {
	passed := after.Sub(c.anchor)
	if passed < 0 {
		return c.anchor.Add(c.delay)
	}
	return c.anchor.Add((passed/c.delay + 1) * c.delay)
}
