package plan

import (
	"strings"
	"testing"
	"time"

	"berth.dev/berth/spec"
)

// Digests of the images that the cases below call x and y.
var (
	digestX = "sha256:" + strings.Repeat("a", 64)
	digestY = "sha256:" + strings.Repeat("b", 64)
)

// expand writes the digests out: app:1@x.
func expand(ref string) string {
	return strings.NewReplacer("@x", "@"+digestX, "@y", "@"+digestY).Replace(ref)
}

// copies gives containers of a text: "app:1=x app:1=y+" were created in that order from these references, and have the images x and
// y; one with a + never started, and one without an = has an image that was never in a registry.
func copies(text string) (own []Container, images map[string]Image) {
	images = map[string]Image{
		"x": {ID: "x", RepoDigests: []string{"app@" + digestX}},
		"y": {ID: "y", RepoDigests: []string{"app@" + digestY, "mirror.example/app@" + digestY}},
		"":  {},
	}
	for i, word := range strings.Fields(text) {
		word, unstarted := strings.CutSuffix(word, "+")
		ref, id, _ := strings.Cut(word, "=")
		c := Container{Summary: Summary{ImageID: id}, CreatedAt: time.Unix(int64(i), 0)}
		c.Spec.Image = expand(ref)
		if !unstarted {
			c.StartedAt = time.Unix(int64(i)+1, 0)
		}
		own = append(own, c)
	}
	return own, images
}

func TestEffectiveImage(t *testing.T) {
	const digest, semver, notify = "Digest/Apply", "SemVer/Apply", "Digest/Notify"
	for name, c := range map[string]struct {
		policy, image, found, own string
		want                      string
		note                      string
	}{
		"without a policy":                           {image: "app:1", found: "app:2@x", own: "app:0=x", want: "app:1"},
		"first start":                                {policy: digest, image: "app:1", want: "app:1"},
		"first start, found":                         {policy: digest, image: "app:1", found: "app:1@x", want: "app:1@x"},
		"what was found runs":                        {policy: digest, image: "app:1", found: "app:1@x", own: "app:1@x=x", want: "app:1@x"},
		"runs by its tag":                            {policy: digest, image: "app:1", found: "app:1@x", own: "app:1=x", want: "app:1"},
		"runs without a tag":                         {policy: digest, image: "app", found: "app:latest@x", own: "app=x", want: "app"},
		"the tag moved on":                           {policy: digest, image: "app:1", found: "app:1@y", own: "app:1=x", want: "app:1@y"},
		"the tag moved on for one copy":              {policy: digest, image: "app:1", found: "app:1@y", own: "app:1=x app:1=y", want: "app:1@y"},
		"copies have it under two names":             {policy: digest, image: "app:1", found: "app:1@x", own: "app:1=x app:1@x=x", want: "app:1@x"},
		"built here":                                 {policy: digest, image: "app:1", found: "app:1@x", own: "app:1", want: "app:1@x"},
		"the image is not known":                     {policy: digest, image: "app:1", found: "app:1@x", own: "app:1=z", want: "app:1@x"},
		"the same under another tag":                 {policy: semver, image: "app:1.0.0", found: "app:1.0.1@x", own: "app:1.0.0@x=x", want: "app:1.0.0@x"},
		"the same in another repository":             {policy: digest, image: "app:1", found: "app:1@y", own: "mirror.example/app:1=y", want: "app:1@y"},
		"forgotten, runs by an update":               {policy: digest, image: "app:1", own: "app:1@x=x", want: "app:1@x"},
		"forgotten, the last that started":           {policy: digest, image: "app:1", own: "app:1@x=x app:1@y=y app:1@x=x+", want: "app:1@y"},
		"forgotten, the manifest has another tag":    {policy: digest, image: "app:2", own: "app:1@x=x", want: "app:2"},
		"forgotten, the manifest pins":               {policy: digest, image: "app:1@y", own: "app:1@x=x", want: "app:1@y"},
		"forgotten, a tag that was chosen":           {policy: semver, image: "app:1.0.0", own: "app:1.4.2@x=x", want: "app:1.4.2@x"},
		"forgotten, a tag from an earlier manifest":  {policy: semver, image: "app:1.0.3", own: "app:1.0.0=x", want: "app:1.0.3"},
		"forgotten, the manifest has another source": {policy: semver, image: "mirror.example/app:1.0.0", own: "app:1.4.2@x=x", want: "mirror.example/app:1.0.0"},
		"an image that is not a reference":           {policy: digest, image: "app:1", own: "sha256:0123=x", want: "app:1"},

		"notify, nothing newer":             {policy: notify, image: "app:1", found: "app:1@x", own: "app:1=x", want: "app:1"},
		"notify, newer":                     {policy: notify, image: "app:1", found: "app:1@y", own: "app:1=x", want: "app:1", note: "app:1@y fits updatePolicy; it is not applied, as the mode is Notify"},
		"notify, newer than an update":      {policy: notify, image: "app:1", found: "app:1@y", own: "app:1@x=x", want: "app:1@x", note: "app:1@y fits updatePolicy; it is not applied, as the mode is Notify"},
		"notify, nothing runs":              {policy: notify, image: "app:1", found: "app:1@y", want: "app:1"},
		"notify, the manifest has its will": {policy: "SemVer/Notify", image: "app:1.1.0", found: "app:1.2.0@y", own: "app:1.0.0@x=x", want: "app:1.1.0", note: "app:1.2.0@y fits updatePolicy; it is not applied, as the mode is Notify"},
	} {
		t.Run(name, func(t *testing.T) {
			own, images := copies(c.own)
			s := &spec.ContainerSpec{Image: expand(c.image)}
			if kind, mode, ok := strings.Cut(c.policy, "/"); ok {
				s.UpdatePolicy = &spec.UpdatePolicy{Type: spec.UpdateType(kind), Mode: spec.UpdateMode(mode)}
			}
			image, note := EffectiveImage(s, expand(c.found), own, images)
			if image != expand(c.want) || note != expand(c.note) {
				t.Errorf("%s, note %q\nwant %s, note %q", image, note, expand(c.want), expand(c.note))
			}
		})
	}
}
