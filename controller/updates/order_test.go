package updates

import (
	"math/rand/v2"
	"strings"
	"testing"

	"berth.dev/berth/spec"
)

func TestNewest(t *testing.T) {
	for name, c := range map[string]struct {
		semver, glob string
		tags         string
		want         string
	}{
		"of a minor version":                {semver: "~1.4", tags: "1.3.9 1.4.0 1.4.2 1.5.0 2.0.0", want: "1.4.2"},
		"of numbers, not of text":           {semver: ">=1.0.0", tags: "1.9.0 1.10.0 1.2.30", want: "1.10.0"},
		"with a v":                          {semver: "^1", tags: "v1.2.0 v1.3.0 v2.0.0", want: "v1.3.0"},
		"of two ranges":                     {semver: ">=2 <3 || ~1.4", tags: "1.4.9 1.5.0 3.0.0", want: "1.4.9"},
		"no pre-release":                    {semver: "~1.4", tags: "1.4.0 1.4.1-rc.1", want: "1.4.0"},
		"a pre-release where it is allowed": {semver: "~1.4.0-0", tags: "1.4.0 1.4.1-rc.1 1.4.1-rc.2", want: "1.4.1-rc.2"},
		"a release before its candidates":   {semver: "~1.4.0-0", tags: "1.4.1 1.4.1-rc.2", want: "1.4.1"},
		"a variant is no version":           {semver: "~1.4", tags: "1.4.0 1.4.1-alpine", want: "1.4.0"},
		"tags that move are none":           {semver: ">=1.0.0", tags: "latest 1 1.4 1.4.0 2", want: "1.4.0"},
		"nor are dates":                     {semver: ">=1.0.0", tags: "20260501 1.4.0 2026.05.01", want: "1.4.0"},
		"nothing in the range":              {semver: "~3", tags: "1.4.0 2.0.0", want: ""},
		"nothing at all":                    {semver: "*", tags: "", want: ""},
		"one version twice":                 {semver: "*", tags: "v1.0.0 1.0.0", want: "v1.0.0"},

		"by their text":                 {glob: "release-*", tags: "release-a release-c release-b", want: "release-c"},
		"by their numbers":              {glob: "release-*", tags: "release-9 release-10 release-2", want: "release-10"},
		"dates":                         {glob: "20*", tags: "20251231 20260102 latest", want: "20260102"},
		"a part of a tag":               {glob: "main-*-alpine", tags: "main-7 main-7-alpine main-12-alpine main-13-slim", want: "main-12-alpine"},
		"classes":                       {glob: "v[0-9].[0-9]", tags: "v1.2 v1.10 v2.0-rc", want: "v1.2"},
		"a pattern that nothing is":     {glob: "stable-*", tags: "release-1", want: ""},
		"numbers of the same value":     {glob: "r*", tags: "r01 r1", want: "r01"},
		"several numbers":               {glob: "build.*", tags: "build.1.9 build.1.10 build.0.99", want: "build.1.10"},
		"the whole tag has to be of it": {glob: "1.4", tags: "1.4.1 1.4", want: "1.4"},
	} {
		t.Run(name, func(t *testing.T) {
			q := question{Type: spec.UpdateSemVer, Range: c.semver}
			if c.glob != "" {
				q = question{Type: spec.UpdateGlob, Pattern: c.glob}
			}
			o, err := orderOf(q)
			if err != nil {
				t.Fatal(err)
			}
			tags := strings.Fields(c.tags)
			for range 20 { // in any order, and in any pages
				rand.Shuffle(len(tags), func(i, j int) { tags[i], tags[j] = tags[j], tags[i] })
				cut := rand.IntN(len(tags) + 1)
				if got := o.newest(o.newest("", tags[:cut]), tags[cut:]); got != c.want {
					t.Fatalf("newest of %v is %q, want %q", tags, got, c.want)
				}
			}
		})
	}
}

func TestBadPoliciesAreNamed(t *testing.T) {
	for want, q := range map[string]question{
		`updatePolicy.range "newest" is not a range of versions, as in ~1.4 or >=2 <3`: {Type: spec.UpdateSemVer, Range: "newest"},
		`updatePolicy.pattern "v[" is not a pattern of tags, as in release-*`:          {Type: spec.UpdateGlob, Pattern: "v["},
		`updatePolicy.pattern "" is not a pattern of tags, as in release-*`:            {Type: spec.UpdateGlob},
	} {
		if _, err := orderOf(q); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("got %v\nwant %s", err, want)
		}
	}
}
