package updates

import (
	"cmp"

	"github.com/distribution/reference"

	"berth.dev/berth/spec"
)

// question is what a registry is asked. Objects with the same image and policy share one, whatever becomes of the answer.
type question struct {
	Registry   string          `json:"registry"`   // its host, with the port
	Repository string          `json:"repository"` // as people write it: nginx for docker.io/library/nginx
	Tag        string          `json:"tag"`        // of the manifest
	Type       spec.UpdateType `json:"type"`
	Range      string          `json:"range,omitempty"`
	Pattern    string          `json:"pattern,omitempty"`
	Schedule   string          `json:"schedule,omitempty"`
}

// questionOf is what is to be asked for an object, and false where nothing is: without an updatePolicy, or for an image that a
// digest pins.
func questionOf(o spec.Object) (q question, ok bool) {
	c, ok := o.(*spec.Container)
	if !ok || c.Spec.UpdatePolicy == nil {
		return q, false
	}
	named, err := reference.ParseNormalizedNamed(c.Spec.Image)
	if err != nil {
		return q, false // the loader has said so
	}
	tagged, ok := reference.TagNameOnly(named).(reference.NamedTagged)
	if _, pinned := named.(reference.Digested); pinned || !ok {
		return q, false
	}
	p := c.Spec.UpdatePolicy
	return question{
		Registry:   reference.Domain(named),
		Repository: reference.FamiliarName(named),
		Tag:        tagged.Tag(),
		Type:       cmp.Or(p.Type, spec.UpdateDigest),
		Range:      p.Range,
		Pattern:    p.Pattern,
		Schedule:   p.Schedule,
	}, true
}

// path is the repository's name within the registry.
func (q question) path() string {
	named, err := reference.ParseNormalizedNamed(q.Repository)
	if err != nil {
		return q.Repository // it was read before
	}
	return reference.Path(named)
}

// String is the image and what is wanted of it.
func (q question) String() string {
	switch q.Type {
	case spec.UpdateSemVer:
		return q.Repository + " " + q.Range
	case spec.UpdateGlob:
		return q.Repository + " " + q.Pattern
	}
	return q.Repository + ":" + q.Tag
}
