package controller

import (
	"maps"
	"slices"

	"berth.dev/berth/spec"
)

// Catalog is the desired objects at one time, indexed. It is never changed, but replaced.
type Catalog struct {
	objects    map[spec.Key]spec.Object
	generation map[spec.Key]string
	dependents map[spec.Key][]spec.Key
	networks   map[string]spec.Key // by Docker name
	volumes    map[string]spec.Key // by Docker name
	images     map[string][]spec.Key
}

// NewCatalog indexes objects, which the catalog then owns.
func NewCatalog(objects []spec.Object) *Catalog {
	c := &Catalog{
		objects:    make(map[spec.Key]spec.Object, len(objects)),
		generation: make(map[spec.Key]string, len(objects)),
		dependents: map[spec.Key][]spec.Key{},
		networks:   map[string]spec.Key{},
		volumes:    map[string]spec.Key{},
		images:     map[string][]spec.Key{},
	}
	for _, o := range objects {
		c.add(o)
	}
	return c
}

func (c *Catalog) add(o spec.Object) {
	key := o.Key()
	c.objects[key], c.generation[key] = o, generation(o)
	for _, ref := range spec.References(o) {
		c.dependents[ref] = append(c.dependents[ref], key)
	}
	switch o := o.(type) {
	case *spec.Network:
		c.networks[o.DockerName()] = key
	case *spec.Volume:
		c.volumes[o.DockerName()] = key
	}
	if s := spec.Template(o); s != nil {
		c.images[s.Image] = append(c.images[s.Image], key)
	}
}

// Get gives an object; it implements plan.Catalog.
func (c *Catalog) Get(k spec.Key) (spec.Object, bool) {
	o, ok := c.objects[k]
	return o, ok
}

// Keys lists all keys, sorted.
func (c *Catalog) Keys() []spec.Key { return slices.SortedFunc(maps.Keys(c.objects), spec.Key.Compare) }

// Orphans picks from keys those of no object in the catalog.
func (c *Catalog) Orphans(keys []spec.Key) []spec.Key {
	return slices.DeleteFunc(slices.Clone(keys), func(k spec.Key) bool { _, wanted := c.objects[k]; return wanted })
}

// Dependents lists the objects that refer to a key, whether or not it exists.
func (c *Catalog) Dependents(k spec.Key) []spec.Key { return c.dependents[k] }

// changedFrom lists the keys that are to be looked at because the catalog was replaced: those that came, went or changed, and
// those that refer to them.
func (c *Catalog) changedFrom(old *Catalog) []spec.Key {
	changed := map[spec.Key]bool{}
	for key, generation := range c.generation {
		if before, ok := old.generation[key]; !ok || before != generation {
			changed[key] = true
		}
	}
	for key := range old.objects {
		if _, ok := c.objects[key]; !ok {
			changed[key] = true
		}
	}
	for key := range maps.Clone(changed) {
		for _, d := range c.dependents[key] {
			changed[d] = true
		}
	}
	return slices.SortedFunc(maps.Keys(changed), spec.Key.Compare)
}
