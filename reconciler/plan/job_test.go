package plan

import (
	"time"

	"berth.dev/berth/spec"
)

// note remembers what a plan wants remembered, as the reconciler does before it carries a plan out.
func (w *world) note(key spec.Key) {
	for range 3 {
		n := w.plan(key).Notes
		if n.Empty() {
			return
		}
		w.known.Runs = w.known.Runs.With(n.Claims)
		if n.Done != nil {
			w.known.Done = n.Done
		}
	}
}

// What is known of jobs, for the fixtures' scripts.
func init() {
	for name, c := range map[string]scriptCommand{
		// since has a CronJob seen first some time ago.
		"since": {1, 0, func(w *world, a []string) error {
			ago, err := time.ParseDuration(a[0])
			w.known.Runs.Since = w.now.Add(-ago)
			return err
		}},
		"manual": {1, 0, func(w *world, a []string) error {
			w.known.Runs.Manual = append(w.known.Runs.Manual, a[0])
			return nil
		}},
		// noted remembers what an object's plan wants remembered, and no more.
		"noted": {1, 0, func(w *world, a []string) error {
			o, err := w.objectNamed(a[0])
			if err == nil {
				w.note(o.Key())
			}
			return err
		}},
		// lost has the state directory be empty.
		"lost": {0, 0, func(w *world, _ []string) error { w.known = Known{Runs: Runs{Since: w.now}}; return nil }},
		// at sets the clock, forward or back: hours and minutes of a day of January.
		"at": {2, 0, func(w *world, a []string) (err error) {
			w.now, err = time.Parse("2006-01-02 15:04", "2026-01-"+a[0]+" "+a[1])
			return err
		}},
	} {
		commands[name] = c
	}
}
