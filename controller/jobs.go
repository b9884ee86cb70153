package controller

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"

	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/reconciler/schedule"
	"berth.dev/berth/spec"
)

// The reasons of events about the runs of CronJobs.
const (
	ReasonRunSkipped  = "RunSkipped"  // a tick passed without a run
	ReasonRunComplete = "RunComplete" // a run has succeeded
	ReasonRunFailed   = "RunFailed"   // a run has failed for good
)

// noteRuns remembers what a plan wants remembered, and tells of the ticks that were decided against.
func (c *Controller) noteRuns(key spec.Key, n plan.Notes) error {
	if err := c.runs.note(key, n); err != nil {
		return err
	}
	for _, claim := range n.Claims {
		if claim.State == plan.ClaimSkip {
			c.log.Info("run skipped", "object", key.String(), "run", claim.Run, "tick", claim.Tick.Format(time.RFC3339), "why", claim.Why)
			c.tell(key, spec.EventWarning, ReasonRunSkipped, fmt.Sprintf("the run of %s does not begin: %s", claim.Tick.Format(time.RFC3339), claim.Why))
		}
	}
	return nil
}

// tellRuns tells of the runs of a CronJob that were active when it was last looked at, and are over.
func (c *Controller) tellRuns(key spec.Key, before reconciler.Status, p reconciler.Pass) {
	if before.Job == nil || p.Plan.Cron == nil {
		return
	}
	told := map[string]bool{}
	for _, run := range slices.Concat(p.Plan.Cron.Runs, cronRuns(p.Left)) { // one that is over may be removed in the same pass
		if !run.Ended() || told[run.Run] || !slices.Contains(before.Job.ActiveRuns, run.Run) {
			continue
		}
		told[run.Run] = true
		if run.Phase == plan.JobFailed {
			c.tell(key, spec.EventWarning, ReasonRunFailed, fmt.Sprintf("run %s has failed: %s", run.Run, run.Message))
		} else {
			c.tell(key, spec.EventNormal, ReasonRunComplete, fmt.Sprintf("run %s is complete", run.Run))
		}
	}
}

func cronRuns(p plan.Plan) []*plan.JobState {
	if p.Cron == nil {
		return nil
	}
	return p.Cron.Runs
}

// RunNow begins a run of a CronJob whatever its schedule, and gives the run's name. name is a DNS label, and may be left out.
func (c *Controller) RunNow(key spec.Key, name string) (string, error) {
	if name == "" {
		name = strconv.FormatInt(time.Now().UnixMilli(), 36)
	}
	o, ok := c.catalog().Get(key)
	_, is := o.(*spec.CronJob)
	switch {
	case !ok && c.knows(key):
		return "", refuse(ErrConflict, "%s has no manifest any more, and waits for its removal", key)
	case !ok:
		return "", c.unknown(key)
	case !is:
		return "", refuse(ErrInvalid, "%s is not a CronJob, and only those have runs", key)
	case len(validation.IsDNS1123Label(name)) > 0:
		return "", refuse(ErrInvalid, "%q is no name: write lower case letters, digits and dashes, at most 63", name)
	}
	run := schedule.ManualRunName(name)
	if c.hasRun(key, run) {
		return "", refuse(ErrConflict, "%s has a run %q: choose another name", key, name)
	}
	if err := c.runs.request(key, run); errors.Is(err, errRunExists) {
		return "", refuse(ErrConflict, "%s has a run %q that is about to begin: choose another name", key, name)
	} else if err != nil {
		return "", fmt.Errorf("nothing is begun that could not be remembered: %w", err)
	}
	c.rec.Forget(key)
	c.queue.Forget(key)
	c.enqueue(key)
	return run, nil
}

// hasRun reports whether containers of a run are kept.
func (c *Controller) hasRun(key spec.Key, run string) bool {
	s, _ := c.store.get(key)
	prefix := strings.TrimSuffix(spec.TryName(key, run, 0, 0), "0-0")
	return slices.ContainsFunc(s.Status.Containers, func(have reconciler.ContainerStatus) bool { return strings.HasPrefix(have.Name, prefix) })
}

// timed lists the objects of a catalog that go by the clock on the wall.
func (c *Catalog) timed() (keys []spec.Key) {
	for key := range c.objects {
		if key.Kind == spec.KindCronJob {
			keys = append(keys, key)
		}
	}
	return keys
}
