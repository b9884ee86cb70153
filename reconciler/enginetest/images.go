package enginetest

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/distribution/reference"

	"berth.dev/berth/reconciler/apply"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
)

// Behaviour is what the program of an image does. The zero value runs until it is told to stop, and then ends at once with 0.
type Behaviour struct {
	// ExitAfter makes it end by itself, with ExitCode; 0 is never.
	ExitAfter time.Duration
	ExitCode  int
	// FailStart is why it cannot be started; nil where it can. An error that is no fault becomes a ContainerError that is terminal.
	FailStart error
	// IgnoreTerm makes it run on when it is asked to stop: it has to be killed.
	IgnoreTerm bool
	// StopTakes is the time from the stop signal to the end.
	StopTakes time.Duration
	// HealthyAfter makes a container that has a health check healthy; where it is 0, the check stays "starting" until SetHealth.
	HealthyAfter time.Duration
}

// imageStore is the images that are present, and those of the registry.
type imageStore struct {
	byID      map[string]plan.Image
	tags      map[string]string // normalised reference -> ID
	remote    map[string]plan.Image
	behaviour map[string]Behaviour // by ID
	always    map[string]Behaviour // by normalised reference, for images that are yet to come
}

func newImageStore() imageStore {
	return imageStore{map[string]plan.Image{}, map[string]string{}, map[string]plan.Image{}, map[string]Behaviour{}, map[string]Behaviour{}}
}

// AddImage makes an image present under a reference and gives its ID: the one in img or, where that is empty, one that depends on
// the reference and the content. An image that had the reference is left without.
func (e *Engine) AddImage(ref string, img plan.Image) (id string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.addImage(ref, img)
}

// AddRemote makes an image that can be pulled. A pull of what is present already puts the remote one in its place.
func (e *Engine) AddRemote(ref string, img plan.Image) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.images.remote[normal(ref)] = img
}

// Behave says what the program of an image does, from the next start on; the image need not be present yet.
func (e *Engine) Behave(ref string, b Behaviour) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.images.always[normal(ref)] = b
	if id, ok := e.images.resolve(ref); ok {
		e.images.behaviour[id] = b
	}
}

// RemoveImage takes a reference away, and the image where no container runs on it.
func (e *Engine) RemoveImage(ref string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	id, ok := e.images.resolve(ref)
	if !ok {
		panic("enginetest: there is no image " + ref)
	}
	delete(e.images.tags, normal(ref))
	for _, c := range e.containers {
		if c.imageID == id {
			return
		}
	}
	delete(e.images.byID, id)
	e.hub.publish(plan.Event{Type: "image", Action: "delete", ID: id, Time: time.Now()})
}

func (e *Engine) addImage(ref string, img plan.Image) string {
	img.ID = cmp.Or(img.ID, "sha256:"+digest(normal(ref)+contentOf(img)))
	img.Platform = cmp.Or(img.Platform, "linux/amd64")
	e.images.byID[img.ID] = img
	e.images.tags[normal(ref)] = img.ID
	if b, ok := e.images.always[normal(ref)]; ok {
		e.images.behaviour[img.ID] = b
	}
	return img.ID
}

func contentOf(img plan.Image) string {
	b, err := json.Marshal(img)
	if err != nil {
		panic("enginetest: an image does not marshal: " + err.Error())
	}
	return string(b)
}

// normal is the full form of a reference, with a tag or, where there is one, with the digest alone: the engine ignores a tag beside a
// digest. What is no reference is left alone.
func normal(ref string) string {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return ref
	}
	if d, ok := named.(reference.Digested); ok {
		return named.Name() + "@" + d.Digest().String()
	}
	return reference.TagNameOnly(named).String()
}

// resolve finds an image by ID, reference or digest.
func (s *imageStore) resolve(ref string) (id string, ok bool) {
	if _, ok := s.byID[ref]; ok {
		return ref, true
	}
	if id, ok := s.tags[normal(ref)]; ok {
		return id, true
	}
	for id, img := range s.byID {
		if slices.ContainsFunc(img.RepoDigests, func(d string) bool { return normal(d) == normal(ref) }) {
			return id, true
		}
	}
	return "", false
}

// Image implements reconciler.Observer.
func (e *Engine) Image(ctx context.Context, ref string) (plan.Image, error) {
	return do(ctx, e, Call{Method: "Image", Target: ref}, func() (plan.Image, error) {
		id, ok := e.images.resolve(ref)
		if !ok {
			return plan.Image{}, fault.New(fault.RuntimeImage, fault.NotFound, "cannot inspect image %q: No such image: %s", ref, ref)
		}
		return clone(e.images.byID[id]), nil
	})
}

// Pull implements apply.Engine. An image that is not remote cannot be had, as one that its registry does not know.
func (e *Engine) Pull(ctx context.Context, ref, platform string, progress func(apply.Progress)) error {
	err := run(ctx, e, Call{Method: "Pull", Target: ref}, func() error {
		img, ok := e.images.remote[normal(ref)]
		if !ok {
			return fault.New(fault.RuntimeImage, fault.NotFound, "cannot pull image %q: manifest unknown", ref)
		}
		img.Platform = cmp.Or(platform, img.Platform)
		e.addImage(ref, img)
		e.hub.publish(plan.Event{Type: "image", Action: "pull", ID: ref, Name: ref, Time: time.Now()})
		return nil
	})
	if err == nil && progress != nil {
		progress(apply.Progress{Current: 1 << 20, Total: 1 << 20, Layers: 1, Done: 1})
	}
	return err
}
