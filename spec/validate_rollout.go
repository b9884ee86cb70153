package spec

import (
	"cmp"
	"path"
	"strings"
	"time"

	"github.com/Masterminds/semver/v3"
	"github.com/distribution/reference"
	"github.com/robfig/cron/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// maxHistory is how many revisions or runs can be kept.
const maxHistory = 1000

// rollout checks how copies are replaced.
func (r *report) rollout(s *ContainerSpec, at *field.Path) {
	if s.Strategy != nil {
		r.strategy(s.Strategy, at.Child("strategy"))
	}
	r.optional(s.ProgressDeadlineSeconds, 1, maxGrace, at.Child("progressDeadlineSeconds"))
	r.optional(s.RevisionHistoryLimit, 0, maxHistory, at.Child("revisionHistoryLimit"))
	r.optional(s.MinReadySeconds, 0, maxGrace, at.Child("minReadySeconds"))
	deadline := given(s.ProgressDeadlineSeconds, DefaultProgressDeadlineSeconds)
	if ready := given(s.MinReadySeconds, 0); ready >= deadline && deadline > 0 {
		r.invalid(at.Child("minReadySeconds"), ready, "less than progressDeadlineSeconds, which is %d", deadline)
	}
	if s.UpdatePolicy != nil {
		r.updatePolicy(s, s.UpdatePolicy, at.Child("updatePolicy"))
	}
}

// optional checks a number that may be left out.
func (r *report) optional(n *int32, least, most int64, at *field.Path) {
	if n != nil {
		r.within(at, int64(*n), least, most)
	}
}

func given[T any](p *T, value T) T {
	if p == nil {
		return value
	}
	return *p
}

func (r *report) strategy(s *Strategy, at *field.Path) {
	u := s.RollingUpdate
	if u == nil {
		return
	}
	at = at.Child("rollingUpdate")
	if s.Type == StrategyRecreate {
		r.conflict(at, "not together with type Recreate: remove one of the two")
	}
	r.count(u.MaxUnavailable, at.Child("maxUnavailable"))
	r.count(u.MaxSurge, at.Child("maxSurge"))
	if u.MaxUnavailable != nil && u.MaxSurge != nil && u.MaxUnavailable.Value == 0 && u.MaxSurge.Value == 0 {
		r.conflict(at, "maxUnavailable and maxSurge are both 0, so that nothing can be replaced: raise one of the two")
	}
}

func (r *report) count(c *CountOrPercent, at *field.Path) {
	if c != nil && !c.Percent {
		r.within(at, int64(c.Value), 0, maxReplicas)
	}
}

func (r *report) updatePolicy(s *ContainerSpec, u *UpdatePolicy, at *field.Path) {
	if s.ImagePullPolicy != PullAlways {
		r.conflict(at, "needs imagePullPolicy Always: set that, or remove this")
	}
	named, err := reference.ParseNormalizedNamed(s.Image)
	if _, pinned := named.(reference.Digested); err == nil && pinned {
		r.conflict(at, "the image has a digest, of which there is never a newer one: remove it, or this")
	}
	r.updateTags(u, at)
	if u.Schedule != "" {
		r.schedule(u.Schedule, at.Child("schedule"))
	}
}

// updateTags checks which tags count as newer, which has one field for each type.
func (r *report) updateTags(u *UpdatePolicy, at *field.Path) {
	for _, f := range []struct {
		name, value string
		with        UpdateType
		want        string
		parse       func(string) error
	}{
		{"range", u.Range, UpdateSemVer, "a range of versions such as ~1.4 or >=2 <3", parseRange},
		{"pattern", u.Pattern, UpdateGlob, "a pattern of tags such as release-*", parseGlob},
	} {
		at := at.Child(f.name)
		switch {
		case f.value == "" && u.Type == f.with:
			r.missing(at, f.want)
		case f.value != "" && u.Type != f.with:
			r.conflict(at, "goes with type %s only: remove it, or set that", f.with)
		case f.value == "":
		default:
			if err := f.parse(f.value); err != nil {
				r.invalid(at, f.value, "%s (%s)", f.want, err)
			}
		}
	}
}

func parseRange(s string) error {
	_, err := semver.NewConstraint(s)
	return err
}

func parseGlob(s string) error {
	_, err := path.Match(s, "")
	return err
}

const wantSchedule = "minute, hour, day of month, month and day of week, as in 30 4 * * 1-5, or @daily and the like, or @every 1h30m"

// schedule checks when something is done.
func (r *report) schedule(s string, at *field.Path) {
	if strings.HasPrefix(s, "TZ=") || strings.HasPrefix(s, "CRON_TZ=") { // on some of these the parser panics
		r.invalid(at, s, "a schedule without a time zone: give that as timeZone, where there is one")
		return
	}
	parsed, err := cron.ParseStandard(s)
	every, often := strings.CutPrefix(s, "@every ")
	d, _ := time.ParseDuration(every)
	switch {
	case err != nil:
		r.invalid(at, s, "%s (%s)", wantSchedule, err)
	case often && d < time.Second: // which the parser takes for 1s
		r.invalid(at, s, "@every with a duration of at least 1s")
	case parsed.Next(leapYear).IsZero():
		r.invalid(at, s, "a day that there is; this never comes")
	}
}

// leapYear is before every day that there is within the years that the parser looks ahead.
var leapYear = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// dependencies checks what has to be there before. Cycles are beyond one object: package load finds them.
func (r *report) dependencies(list []Dependency, at *field.Path) {
	seen := map[Key]bool{}
	for i := range list {
		d, at := &list[i], at.Index(i)
		if d.Name == "" {
			r.missing(at.Child("name"), "the name of a Container or Job")
		}
		r.text(at.Child("name"), d.Name, isLabel, wantLabel)
		r.text(at.Child("namespace"), d.Namespace, isLabel, wantLabel)
		r.text(at.Child("kind"), string(d.Kind), oneOf(string(KindContainer), string(KindJob)), "Container or Job")
		key := d.Key(cmp.Or(r.key.Namespace, DefaultNamespace))
		switch {
		case d.Name == "":
		case key == r.self():
			r.invalid(at.Child("name"), d.Name, "another object than this one itself")
		case seen[key]:
			r.twice(at.Child("name"), d.Name)
		}
		seen[key] = true
	}
}

// self is the key that the object has once Default has been applied.
func (r *report) self() Key {
	return Key{r.key.Kind, cmp.Or(r.key.Namespace, DefaultNamespace), r.key.Name}
}

func (r *report) initContainers(list []InitContainer, at *field.Path) {
	names := once{}
	for i := range list {
		c, at := &list[i], at.Index(i)
		switch {
		case c.Name == "":
			r.missing(at.Child("name"), wantLabel)
		case !isLabel(c.Name):
			r.invalid(at.Child("name"), c.Name, wantLabel)
		case names.again(c.Name):
			r.twice(at.Child("name"), c.Name)
		}
		if c.Image != "" {
			r.imageName(c.Image, at.Child("image"))
		}
		r.process(&ContainerSpec{Command: c.Command, Args: c.Args, WorkingDir: c.WorkingDir, Env: c.Env, User: c.User}, at)
		r.mounts(c.Volumes, at.Child("volumes"))
		r.resources(&c.Resources, at.Child("resources"))
		r.security(&c.SecurityContext, at.Child("securityContext"))
	}
}
