package spec

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// containerMode is the prefix of a mode that shares another object's namespace.
const containerMode = "container:"

// PeerKey reads the object that a mode such as container:db or container:shop/db refers to; namespace is that of the object
// that has the mode.
func PeerKey(mode, namespace string) (Key, bool) {
	ref, ok := strings.CutPrefix(mode, containerMode)
	if !ok {
		return Key{}, false
	}
	if ns, name, ok := strings.Cut(ref, "/"); ok {
		namespace, ref = ns, name
	}
	return Key{KindContainer, namespace, ref}, true
}

// Template is the container that an object runs: of a Container, a Job or a CronJob; nil for any other kind.
func Template(o Object) *ContainerSpec {
	switch o := o.(type) {
	case *Container:
		return &o.Spec
	case *Job:
		return &o.Spec.Template.Spec
	case *CronJob:
		return &o.Spec.JobTemplate.Spec.Template.Spec
	}
	return nil
}

// TemplatePath is the field that Template returns, as in spec.template.spec; "" for a kind that has none.
func TemplatePath(k Kind) string {
	switch k {
	case KindContainer:
		return "spec"
	case KindJob:
		return "spec.template.spec"
	case KindCronJob:
		return "spec.jobTemplate.spec.template.spec"
	}
	return ""
}

// Link is what makes an object wait for another.
type Link struct {
	To    Key
	Field string // as in spec.dependsOn[0]
}

// Links lists what makes an object wait: its peers, then its dependencies, in their order.
func Links(o Object) []Link { return append(peers(o), dependencies(o)...) }

// Peers lists the Containers whose network, pid or ipc namespace an object shares, sorted.
func Peers(o Object) []Key { return targets(peers(o)) }

// Dependencies lists the objects that an object's dependsOn names, sorted.
func Dependencies(o Object) []Key { return targets(dependencies(o)) }

func targets(links []Link) []Key {
	var keys []Key
	for _, l := range links {
		keys = append(keys, l.To)
	}
	slices.SortFunc(keys, Key.Compare)
	return slices.Compact(keys)
}

func peers(o Object) (links []Link) {
	s := Template(o)
	if s == nil {
		return nil
	}
	for _, m := range []struct{ name, mode string }{{"networkMode", s.NetworkMode}, {"pidMode", s.PidMode}, {"ipcMode", s.IpcMode}} {
		if k, ok := PeerKey(m.mode, o.Meta().Namespace); ok {
			links = append(links, Link{k, TemplatePath(o.Key().Kind) + "." + m.name})
		}
	}
	return links
}

func dependencies(o Object) (links []Link) {
	s := Template(o)
	if s == nil {
		return nil
	}
	for i, d := range s.DependsOn {
		field := fmt.Sprintf("%s.dependsOn[%d]", TemplatePath(o.Key().Kind), i)
		links = append(links, Link{d.Key(o.Meta().Namespace), field})
	}
	return links
}

// Key is the object that is waited for; namespace is that of the object that waits.
func (d *Dependency) Key(namespace string) Key {
	return Key{cmp.Or(d.Kind, KindContainer), cmp.Or(d.Namespace, namespace), d.Name}
}

// References lists the objects that an object refers to in any way, sorted: those that have it looked at again when they change.
func References(o Object) []Key {
	s := Template(o)
	if s == nil {
		return nil
	}
	keys := map[Key]bool{}
	for _, n := range s.Networks {
		keys[Key{KindNetwork, o.Meta().Namespace, n.Name}] = true
	}
	mounts := slices.Clone(s.Volumes)
	for _, c := range s.InitContainers {
		mounts = append(mounts, c.Volumes...)
	}
	for _, m := range mounts {
		if m.Volume != nil && m.Volume.Name != "" {
			keys[Key{KindVolume, o.Meta().Namespace, m.Volume.Name}] = true
		}
	}
	for _, l := range Links(o) {
		keys[l.To] = true
	}
	return slices.SortedFunc(maps.Keys(keys), Key.Compare)
}
