package plan

import (
	"fmt"
	"slices"

	"github.com/distribution/reference"

	"berth.dev/berth/spec"
)

// EffectiveImage is the image that a Container runs. Without an updatePolicy that is the manifest's; with one it is what was found
// in the registry, as repository:tag@digest, or empty where nothing was yet. own are the object's containers, images those of the
// engine by ID.
//
// Nothing changes that has the wanted content already, whatever it was called when it was created; nor does anything go back
// because what was found before is not known any more. note says what was found and is not applied.
func EffectiveImage(s *spec.ContainerSpec, found string, own []Container, images map[string]Image) (image, note string) {
	switch p := s.UpdatePolicy; {
	case p == nil:
		return s.Image, ""
	case found == "":
		return settled(s, own), ""
	case p.Mode != spec.UpdateNotify:
		return applied(s, found, own, images), ""
	}
	if len(own) > 0 && !allHave(own, images, found) {
		note = fmt.Sprintf("%s fits updatePolicy; it is not applied, as the mode is Notify", found)
	}
	return settled(s, own), note
}

// settled is what runs by an earlier update, where the manifest does not say otherwise, else what the manifest says. Only updates
// create containers by tag and digest.
//
// With Notify, and where only the digest is followed, another tag in the manifest is somebody's wish.
func settled(s *spec.ContainerSpec, own []Container) string {
	p := s.UpdatePolicy
	anyTag := p.Mode != spec.UpdateNotify && (p.Type == spec.UpdateSemVer || p.Type == spec.UpdateGlob)
	manifest := parseImage(s.Image)
	var last *Container
	for i := range own {
		c, ref := &own[i], parseImage(own[i].Spec.Image)
		fits := ref.digest != "" && ref.name == manifest.name && (anyTag || ref.tag == manifest.tag)
		if fits && !c.StartedAt.IsZero() && (last == nil || c.CreatedAt.After(last.CreatedAt)) {
			last = c
		}
	}
	if last == nil || manifest.digest != "" {
		return s.Image
	}
	return last.Spec.Image
}

// applied is what was found, or the name under which all copies have it.
func applied(s *spec.ContainerSpec, found string, own []Container, images map[string]Image) string {
	if len(own) == 0 || !allHave(own, images, found) {
		return found
	}
	name := own[0].Spec.Image
	another := slices.ContainsFunc(own, func(c Container) bool { return c.Spec.Image != name })
	if another || parseImage(name).name != parseImage(s.Image).name {
		return found
	}
	return name
}

// allHave reports whether all containers have the content of a reference with a digest.
func allHave(own []Container, images map[string]Image, ref string) bool {
	return !slices.ContainsFunc(own, func(c Container) bool { return !images[c.ImageID].has(ref) })
}

// has reports whether an image has the content that the digest of a reference names. An image has a digest of its own in each
// repository that it was pulled from; one that was built or loaded has none.
func (i Image) has(ref string) bool {
	digest := parseImage(ref).digest
	return digest != "" && slices.ContainsFunc(i.RepoDigests, func(d string) bool { return parseImage(d).digest == digest })
}

// imageRef is a reference to an image, taken apart.
type imageRef struct {
	name   string // with the registry
	tag    string // latest where there is neither tag nor digest
	digest string
}

// parseImage is all empty for what is no reference.
func parseImage(text string) (r imageRef) {
	named, err := reference.ParseNormalizedNamed(text)
	if err != nil {
		return r
	}
	named = reference.TagNameOnly(named)
	r.name = named.Name()
	if t, ok := named.(reference.Tagged); ok {
		r.tag = t.Tag()
	}
	if d, ok := named.(reference.Digested); ok {
		r.digest = d.Digest().String()
	}
	return r
}
