package controller

import (
	"sync"
	"time"
)

// clock notices that the clock on the wall was set, or that the host slept: timers go by the time that the host has been awake, and
// would be late for a schedule. It costs nothing while nobody minds.
type clock struct {
	jumped func(by time.Duration)

	mu    sync.Mutex
	timer *time.Timer // nil while nobody minds
	last  time.Time
}

// clockInterval is how often the clocks are compared, and clockTolerance by how much they may differ then.
const (
	clockInterval  = 10 * time.Second
	clockTolerance = time.Second
)

// mind says whether anybody minds.
func (c *clock) mind(yes bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case yes && c.timer == nil:
		c.last = time.Now()
		c.timer = time.AfterFunc(clockInterval, c.look)
	case !yes && c.timer != nil:
		c.timer.Stop()
		c.timer = nil
	}
}

func (c *clock) look() {
	now := time.Now()
	c.mu.Lock()
	by := jump(c.last.Round(0), now.Round(0), now.Sub(c.last))
	c.last = now
	if c.timer != nil {
		c.timer.Reset(clockInterval)
	}
	c.mu.Unlock()
	if by != 0 {
		c.jumped(by)
	}
}

// jump is by how much a clock on the wall was set between two readings; passed is the time in between.
func jump(before, after time.Time, passed time.Duration) time.Duration {
	if by := after.Sub(before) - passed; by.Abs() > clockTolerance {
		return by
	}
	return 0
}
