package plan

import (
	"fmt"
	"strconv"
	"time"

	"berth.dev/berth/spec"
)

// What the agent knows beside what the engine reports, for the fixtures' scripts.
func init() {
	for name, c := range map[string]scriptCommand{
		// probe says what the probes of a container found: CONTAINER ready|unready|starting|dead [WHY].
		"probe": onContainer(3, 1, func(w *world, c *Container, a []string) error {
			p := Probed{Asked: true, Started: a[0] != "starting", Ready: a[0] == "ready", Since: w.now}
			if p.Message = a[1]; a[0] == "dead" {
				p.Dead = a[1]
			}
			if w.known.Probes == nil {
				w.known.Probes = map[string]Probed{}
			}
			w.known.Probes[c.ID] = p
			return nil
		}),
		"health": onContainer(2, 0, func(_ *world, c *Container, a []string) error { c.Health = Health(a[0]); return nil }),
		// good has an object's manifest be the last revision that was deployed; changed says that the manifest is another now.
		"good": {1, 0, func(w *world, a []string) error {
			o, err := w.objectNamed(a[0])
			if err != nil {
				return err
			}
			c := *o.(*spec.Container)
			w.known.Rollout = Rollout{Good: &c, GoodNumber: 1, Deployed: true}
			return nil
		}},
		"changed": {0, 0, func(w *world, _ []string) error {
			w.known.Rollout.Deployed, w.known.Rollout.Progress = false, w.now
			return nil
		}},
		"quarantine": {1, 0, func(w *world, a []string) error {
			w.known.Rollout.Quarantine = &Quarantine{Reason: a[0], At: w.now}
			return nil
		}},
		"pause": {0, 0, func(w *world, _ []string) error { w.known.Rollout.Paused = true; return nil }},
		"anew":  {0, 0, func(w *world, _ []string) error { w.known.Rollout.RestartedAt = w.now; return nil }},
		"stop":  {0, 0, func(w *world, _ []string) error { w.known.Intent.Stopped = true; return nil }},
		"restart-asked": {0, 0, func(w *world, _ []string) error {
			w.known.Intent.RestartedAt = w.now
			return nil
		}},
		"hold": {2, 0, func(w *world, a []string) error {
			d, err := time.ParseDuration(a[0])
			w.known.Intent.Hold = &Hold{Since: w.now, Until: w.now.Add(d), Reason: a[1]}
			return err
		}},
		// depends says how an object is that another depends on: KIND/NAME started|ready|completed [WHY].
		"depends": {3, 1, func(w *world, a []string) error {
			o, err := w.objectNamed(a[0])
			if err != nil {
				return err
			}
			d := Dependency{Started: a[1] != "no", Ready: a[1] == "ready", Completed: a[1] == "completed", Message: a[2]}
			w.known.Dependencies = map[spec.Key]Dependency{o.Key(): d}
			return nil
		}},
		// restarted counts restarts over a probe: CONTAINER COUNT AGO.
		"restarted": {3, 0, func(w *world, a []string) error {
			n, err := strconv.Atoi(a[1])
			if err != nil {
				return err
			}
			ago, err := time.ParseDuration(a[2])
			w.memory.Restarts = map[string]Tries{a[0]: {Count: n, First: w.now.Add(-ago), Last: w.now.Add(-ago)}}
			return err
		}},
		"steps": {1, 0, func(w *world, a []string) error {
			n, err := strconv.Atoi(a[0])
			for range n {
				if e := w.step(); e != nil {
					return e
				}
			}
			return err
		}},
	} {
		if commands[name].run != nil {
			panic(fmt.Sprintf("plan: command %s is there twice", name))
		}
		commands[name] = c
	}
}

// step makes one pass over every key.
func (w *world) step() error {
	for _, k := range w.keys() {
		for _, a := range w.plan(k).Now().Actions {
			if err := w.apply(a); err != nil {
				return err
			}
		}
	}
	return nil
}
