package enginetest

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

var containerName = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9_.-]+$`)

// Create implements apply.Containers.
func (e *Engine) Create(ctx context.Context, p plan.Create) (string, []string, error) {
	id, err := do(ctx, e, Call{Method: "Create", Target: p.Name}, func() (string, error) {
		if id, ok := e.images.resolve(p.Spec.Image); ok {
			p.Labels = merged(p.Labels, map[string]string{spec.LabelImage: id})
		}
		c, err := e.create(p)
		if err != nil {
			return "", refused(err, "cannot create container %q", p.Name)
		}
		return c.id, nil
	})
	return id, nil, err
}

// refused says what could not be done; class and behaviour are the cause's.
func refused(err error, format string, args ...any) error {
	b := fault.Retry
	for _, other := range []fault.Behaviour{fault.NotFound, fault.Conflict, fault.Terminal} {
		if fault.Is(err, other) {
			b = other
		}
	}
	return fault.New(fault.ClassOf(err), b, format+": %w", append(args, err)...)
}

func (e *Engine) create(p plan.Create) (*container, error) {
	if err := e.checkCreate(p); err != nil {
		return nil, err
	}
	imageID, ok := e.images.resolve(p.Spec.Image)
	if !ok {
		return nil, fault.New(fault.RuntimeImage, fault.NotFound, "No such image: %s", p.Spec.Image)
	}
	c := &container{
		id: e.newID("container"), name: p.Name, image: p.Spec.Image, imageID: imageID,
		created: time.Now(), state: plan.StateCreated, anonymous: map[string]string{},
	}
	c.spec, c.limits = e.reported(c, p)
	if err := e.sharedModes(c); err != nil {
		return nil, err
	}
	if err := e.joinAtCreation(c, p.Spec.Networks); err != nil {
		return nil, err
	}
	e.mountVolumes(c, p.Anonymous)
	e.containers[c.id] = c
	e.tell(c, "create", nil)
	return c, nil
}

func (e *Engine) checkCreate(p plan.Create) error {
	if gaps := plan.APIGaps(&p.Spec, e.info); gaps != nil {
		return fault.New(fault.DockerConfiguration, fault.Terminal, "%s", strings.Join(gaps, "; "))
	}
	for _, v := range p.Spec.Volumes {
		if v.Volume == nil && v.HostPath == nil && v.Tmpfs == nil {
			return fault.New(fault.RuntimeVolume, fault.Terminal, "nothing says what to mount at %s: give volume, hostPath or tmpfs", v.MountPath)
		}
	}
	if l := p.Spec.Logging; l != nil && !slices.Contains(append(e.info.LogDrivers, "none"), l.Driver) {
		return fault.New(fault.RuntimeContainer, fault.Terminal, "logger: no log driver named '%s' is registered", l.Driver)
	}
	if err := e.checkLimits(limitsOf(&p.Spec), true); err != nil {
		return err
	}
	return e.nameIsFree(p.Name)
}

func (e *Engine) nameIsFree(name string) error {
	if !containerName.MatchString(name) {
		return fault.New(fault.RuntimeContainer, fault.Terminal, "Invalid container name (%s), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed", name)
	}
	for _, other := range e.containers {
		if other.name == name {
			return fault.New(fault.RuntimeContainer, fault.Conflict, `Conflict. The container name "/%s" is already in use by container %q`, name, other.id)
		}
	}
	return nil
}

const containerMode = "container:"

// sharedModes resolves the containers whose namespaces this one joins to their IDs, as Docker does at the creation.
func (e *Engine) sharedModes(c *container) error {
	for _, mode := range []*string{&c.spec.NetworkMode, &c.spec.IpcMode, &c.spec.PidMode} {
		ref, ok := strings.CutPrefix(*mode, containerMode)
		if !ok {
			continue
		}
		peer, err := e.find(ref)
		if err != nil {
			return err
		}
		*mode = containerMode + peer.id
	}
	return nil
}

// joinAtCreation notes the networks, which need not be there before the start.
func (e *Engine) joinAtCreation(c *container, networks []spec.NetworkAttachment) error {
	if len(networks) == 0 {
		if !strings.HasPrefix(c.spec.NetworkMode, containerMode) {
			c.endpoints = []*endpoint{{NetworkAttachment: spec.NetworkAttachment{Name: c.spec.NetworkMode}}}
		}
		return nil
	}
	networks = slices.Clone(networks)
	slices.SortStableFunc(networks, func(a, b spec.NetworkAttachment) int { return b.Priority - a.Priority })
	for i, a := range networks {
		if i > 0 { // joined by a call of its own below API 1.44, which looks closer
			if err := e.checkEndpoint(a.Name, a); err != nil {
				return fault.New(fault.RuntimeContainer, fault.Terminal, "%w", err)
			}
		}
		c.endpoints = append(c.endpoints, newEndpoint(a.Name, a))
	}
	c.createdOn, c.mac = networks[0].Name, networks[0].MACAddress
	return nil
}

// mountVolumes makes the volumes that are not there yet, and gives each anonymous one a name.
func (e *Engine) mountVolumes(c *container, carried map[string]string) {
	c.spec.Volumes = withCarried(c.spec.Volumes, carried)
	for _, m := range c.spec.Volumes {
		if m.Volume == nil {
			continue
		}
		name := m.Volume.Name
		if name == "" {
			if name = carried[m.MountPath]; name == "" {
				name = e.newID("volume")
			}
			c.anonymous[m.MountPath] = name
		}
		if e.volumes[name] == nil {
			e.addVolume(plan.VolumeCreate{Name: name})
		}
	}
}

// withCarried adds the volumes that are carried over to paths where nothing else is mounted.
func withCarried(mounts []spec.VolumeMount, carried map[string]string) []spec.VolumeMount {
	for _, path := range slices.Sorted(maps.Keys(carried)) {
		if !slices.ContainsFunc(mounts, func(m spec.VolumeMount) bool { return m.MountPath == path }) {
			mounts = append(mounts, spec.VolumeMount{MountPath: path, Volume: &spec.VolumeSource{}})
		}
	}
	return sortedMounts(mounts)
}
