package schedule

import (
	"strconv"
	"strings"
	"time"
)

// secondsPrefix marks the name of a tick that is not at a whole minute, which only @every has. manualPrefix marks a run that no tick
// asked for.
const (
	secondsPrefix = "s"
	manualPrefix  = "m"
)

// RunName names the run of a tick, by its Unix time in minutes as Kubernetes does.
func RunName(tick time.Time) string {
	if tick.Unix()%60 != 0 {
		return secondsPrefix + strconv.FormatInt(tick.Unix(), 10)
	}
	return strconv.FormatInt(tick.Unix()/60, 10)
}

// ManualRunName names a run that was asked for by hand under a name of its own, a DNS label. Dashes divide the names of containers,
// and a DNS label has no underscore, so that two names stay two.
func ManualRunName(name string) string { return manualPrefix + strings.ReplaceAll(name, "-", "_") }

// TickOf is the tick whose run has a name; false for a run that was asked for by hand.
func TickOf(run string) (time.Time, bool) {
	text, seconds := strings.CutPrefix(run, secondsPrefix)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return time.Time{}, false
	}
	if !seconds {
		n *= 60
	}
	return time.Unix(n, 0).UTC(), true
}
