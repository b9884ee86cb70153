package spec

import (
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

// References lists the objects that an object refers to, sorted.
func References(o Object) []Key {
	c, ok := o.(*Container)
	if !ok {
		return nil
	}
	keys := map[Key]bool{}
	for _, n := range c.Spec.Networks {
		keys[Key{KindNetwork, c.Metadata.Namespace, n.Name}] = true
	}
	for _, m := range c.Spec.Volumes {
		if m.Volume != nil && m.Volume.Name != "" {
			keys[Key{KindVolume, c.Metadata.Namespace, m.Volume.Name}] = true
		}
	}
	for _, mode := range []string{c.Spec.NetworkMode, c.Spec.PidMode, c.Spec.IpcMode} {
		if k, ok := PeerKey(mode, c.Metadata.Namespace); ok {
			keys[k] = true
		}
	}
	return slices.SortedFunc(maps.Keys(keys), Key.Compare)
}
