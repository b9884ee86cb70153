package plan

import (
	"time"

	"berth.dev/berth/spec"
)

// Known is what the agent knows of an object beside what the engine reports. All of it may be lost: then nothing is held, nothing
// is quarantined, and what is probed counts as not ready until the first answer.
type Known struct {
	// Probes maps IDs of running containers that have probes to what those say.
	Probes map[string]Probed
	Intent Intent
	// Rollout is of Containers only.
	Rollout Rollout
	// Dependencies maps the objects that the object depends on to how they are; one that is missing is not there.
	Dependencies map[spec.Key]Dependency
	// Runs is of CronJobs only.
	Runs Runs
	// Done is how a Job ended, be its containers there or not; nil where that is not known.
	Done *Finished
}

// Probed is what the agent's probes say of a running container.
type Probed struct {
	StartedAt time.Time // of the run of the container that was probed
	Started   bool      // its startup probe has succeeded, or it has none
	Asked     bool      // there was an answer to what decides whether it is ready, or nothing does
	Ready     bool      // its readiness probe succeeded last, or it has none and has started
	Since     time.Time // since when Ready is as it is
	Dead      string    // why a startup or liveness probe wants it restarted; empty where none does
	Grace     *int64    // seconds between stop signal and kill of that restart; nil for the container's own
	Message   string    // why it is not ready
}

// Intent is what a person asked for at the command line.
type Intent struct {
	// Hold has the object observed and not changed; nil where it is not held.
	Hold *Hold
	// Stopped has its containers stopped, and kept so.
	Stopped bool
	// RestartedAt asks for a restart of the containers that started before, in place; zero for none.
	RestartedAt time.Time
}

// Hold keeps an object as it is.
type Hold struct {
	Since  time.Time `json:"since"`
	Until  time.Time `json:"until,omitzero"` // zero: until it is released
	Reason string    `json:"reason,omitempty"`
}

// String says until when an object is held, and why.
func (h *Hold) String() string {
	s := "it is held until it is released"
	if !h.Until.IsZero() {
		s = "it is held until " + h.Until.UTC().Format(time.RFC3339)
	}
	if h.Reason != "" {
		s += " (" + h.Reason + ")"
	}
	return s
}

// Rollout is what is known of an object's revisions.
type Rollout struct {
	// Deployed is whether the manifest's present revision is the last one that was deployed: then there is nothing to go back to.
	Deployed bool
	// Good is the last revision that was deployed, as its manifest said; nil where none is known.
	Good *spec.Container
	// GoodNumber counts revisions, from 1; 0 where none is known.
	GoodNumber int
	// Quarantine is why the manifest's present revision is not tried, and Good runs instead; nil where it may be.
	Quarantine *Quarantine
	// Paused has copies of other revisions left alone.
	Paused bool
	// RestartedAt asks for new copies in place of those created before; zero for none.
	RestartedAt time.Time
	// Progress is when the present rollout last got on; zero where that is not known.
	Progress time.Time
}

// Quarantine says that a revision failed, or was undone by hand.
type Quarantine struct {
	Number int       `json:"number,omitempty"` // of the revision
	Reason string    `json:"reason"`           // one sentence
	At     time.Time `json:"at"`
}

// Dependency is how an object is that another waits for.
type Dependency struct {
	Started   bool
	Ready     bool
	Completed bool
	// Message says why it is not ready.
	Message string
}
