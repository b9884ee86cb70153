package spec

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// Strategy says how copies are replaced by those of a new revision.
type Strategy struct {
	// RollingUpdate (the default): a few at a time; Recreate: all old ones are stopped before the first new one starts.
	Type StrategyType `json:"type,omitempty"`
	// The steps of RollingUpdate.
	RollingUpdate *RollingUpdate `json:"rollingUpdate,omitempty"`
}

// StrategyType is a way to replace copies.
type StrategyType string

// The strategies.
const (
	StrategyRollingUpdate StrategyType = "RollingUpdate"
	StrategyRecreate      StrategyType = "Recreate"
)

// Values lists the strategies.
func (StrategyType) Values() []string { return []string{"RollingUpdate", "Recreate"} }

// RollingUpdate says how many copies are replaced at once.
type RollingUpdate struct {
	// How many copies may be away, as a number or a percentage of replicas, rounded down. By default none where new copies start
	// beside the old ones, else 25%, and at least one.
	MaxUnavailable *CountOrPercent `json:"maxUnavailable,omitempty"`
	// How many copies there may be beyond replicas, as a number or a percentage, rounded up; 25% by default. Where it is left out,
	// none are made of what two containers should not have at once: a fixed host port, address or MAC address, or a volume or host
	// path that is written to.
	MaxSurge *CountOrPercent `json:"maxSurge,omitempty"`
}

// Dependency is an object that has to be in a state before a container is created or replaced.
type Dependency struct {
	// The object's name.
	Name string `json:"name"`
	// Its namespace; the container's own where it is left out.
	Namespace string `json:"namespace,omitempty"`
	// Container (the default) or Job.
	Kind Kind `json:"kind,omitempty"`
	// Started, Ready (the default; a Job is when it is complete) or Completed: ended with exit code 0, or a Job that is complete.
	Condition DependencyCondition `json:"condition,omitempty"`
}

// DependencyCondition is a state to wait for.
type DependencyCondition string

// The states to wait for.
const (
	DependencyStarted   DependencyCondition = "Started"
	DependencyReady     DependencyCondition = "Ready"
	DependencyCompleted DependencyCondition = "Completed"
)

// Values lists the states to wait for.
func (DependencyCondition) Values() []string { return []string{"Started", "Ready", "Completed"} }

// InitContainer runs to its end before a container is created or replaced, one after the other. It has the container's networks, or
// its network mode, and no ports.
type InitContainer struct {
	// A name among the container's init containers: a DNS label.
	Name string `json:"name"`
	// The image; the container's own where it is left out.
	Image string `json:"image,omitempty"`
	// Replaces the image's ENTRYPOINT (and so its CMD).
	Command []string `json:"command,omitempty"`
	// Replaces the image's CMD.
	Args []string `json:"args,omitempty"`
	// The working directory, an absolute path.
	WorkingDir string `json:"workingDir,omitempty"`
	// Environment variables, over those of the image. The container's own are not inherited.
	Env []EnvVar `json:"env,omitempty"`
	// The user as name or uid, optionally with :group or :gid.
	User string `json:"user,omitempty"`
	// What is mounted, and where; the container's own mounts where it is left out, none with an empty list.
	Volumes []VolumeMount `json:"volumes,omitzero"`
	// What it may use.
	Resources Resources `json:"resources,omitzero"`
	// Privileges and isolation.
	SecurityContext SecurityContext `json:"securityContext,omitzero"`
}

// UpdatePolicy has the registry asked for newer images. It needs imagePullPolicy Always. Nothing is pulled to find out; what is
// found is a new revision as any other.
type UpdatePolicy struct {
	// What counts as newer: Digest (the default; the same tag means another image), SemVer or Glob (another tag).
	Type UpdateType `json:"type,omitempty"`
	// With SemVer: the versions that are wanted, as in ~1.4 or >=2 <3; see github.com/Masterminds/semver.
	Range string `json:"range,omitempty"`
	// With Glob: the tags that are wanted, as in release-*; of several the last in the order of their text, numbers as numbers.
	Pattern string `json:"pattern,omitempty"`
	// When the registry is asked, as a cron schedule in the host's time; every 5 minutes where it is left out.
	Schedule string `json:"schedule,omitempty"`
	// Apply (the default) rolls out what is found; Notify only tells of it, in `get`, plans and notifications.
	Mode UpdateMode `json:"mode,omitempty"`
}

// UpdateType says what counts as a newer image.
type UpdateType string

// The update types.
const (
	UpdateDigest UpdateType = "Digest"
	UpdateSemVer UpdateType = "SemVer"
	UpdateGlob   UpdateType = "Glob"
)

// Values lists the update types.
func (UpdateType) Values() []string { return []string{"Digest", "SemVer", "Glob"} }

// UpdateMode says what becomes of a newer image.
type UpdateMode string

// The update modes.
const (
	UpdateApply  UpdateMode = "Apply"
	UpdateNotify UpdateMode = "Notify"
)

// Values lists the update modes.
func (UpdateMode) Values() []string { return []string{"Apply", "Notify"} }

// CountOrPercent is a number of copies, or a percentage of them as in 25%.
type CountOrPercent struct {
	Value   int
	Percent bool
}

// MarshalJSON writes a number, or a string for a percentage.
func (c CountOrPercent) MarshalJSON() ([]byte, error) {
	if c.Percent {
		return json.Marshal(c.String())
	}
	return json.Marshal(c.Value)
}

// UnmarshalJSON reads a number or a percentage.
func (c *CountOrPercent) UnmarshalJSON(b []byte) error {
	digits, percent := strings.CutSuffix(strings.Trim(string(b), `"`), "%")
	n, err := strconv.ParseUint(digits, 10, 31)
	if err != nil || percent && n > 100 {
		return fmt.Errorf("%s is not a number of copies, nor a percentage such as 25%%", b)
	}
	*c = CountOrPercent{int(n), percent}
	return nil
}

func (c CountOrPercent) String() string {
	if c.Percent {
		return strconv.Itoa(c.Value) + "%"
	}
	return strconv.Itoa(c.Value)
}

// Of is the number of copies out of a total; a part of one counts as one where up is set, else as none.
func (c CountOrPercent) Of(total int, up bool) int {
	switch {
	case !c.Percent:
		return c.Value
	case up:
		return (c.Value*total + 99) / 100
	}
	return c.Value * total / 100
}
