package updates

import (
	"fmt"
	"path"
	"strings"

	"github.com/Masterminds/semver/v3"
	"github.com/fvbommel/sortorder"

	"berth.dev/berth/spec"
)

// order says which tags are wanted, and which of two that are is the older one.
type order struct {
	fits  func(tag string) bool
	older func(a, b string) bool
}

func orderOf(q question) (order, error) {
	if q.Type == spec.UpdateSemVer {
		return byVersion(q.Range)
	}
	return byPattern(q.Pattern)
}

// byVersion wants versions in a range.
func byVersion(wanted string) (order, error) {
	in, err := semver.NewConstraint(wanted)
	if err != nil {
		return order{}, fmt.Errorf("updatePolicy.range %q is not a range of versions, as in ~1.4 or >=2 <3: %w", wanted, err)
	}
	fits := func(tag string) bool {
		v := version(tag)
		return v != nil && in.Check(v)
	}
	older := func(a, b string) bool {
		if c := version(a).Compare(version(b)); c != 0 {
			return c < 0
		}
		return a < b // v1.2.3 and 1.2.3 are one version; any order will do that is always the same
	}
	return order{fits, older}, nil
}

// version reads a tag as a version, and gives nil for one that is none. It has to have all three numbers: 1.4 is a tag that moves,
// and 20260501 is a date.
func version(tag string) *semver.Version {
	v, err := semver.StrictNewVersion(strings.TrimPrefix(tag, "v"))
	if err != nil {
		return nil
	}
	return v
}

// byPattern wants tags of a shell pattern; release-10 comes after release-9.
func byPattern(pattern string) (order, error) {
	if _, err := path.Match(pattern, ""); err != nil || pattern == "" {
		return order{}, fmt.Errorf("updatePolicy.pattern %q is not a pattern of tags, as in release-*", pattern)
	}
	fits := func(tag string) bool {
		ok, _ := path.Match(pattern, tag) // the pattern is a good one
		return ok
	}
	older := func(a, b string) bool {
		if sortorder.NaturalLess(a, b) != sortorder.NaturalLess(b, a) {
			return sortorder.NaturalLess(a, b)
		}
		return a < b
	}
	return order{fits, older}, nil
}

// newest picks the newest of tags that fits, or the one that was newest so far.
func (o order) newest(soFar string, tags []string) string {
	for _, t := range tags {
		if o.fits(t) && (soFar == "" || o.older(soFar, t)) {
			soFar = t
		}
	}
	return soFar
}
