package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"berth.dev/berth/spec"
)

// dependenciesMet blocks a copy whose object depends on another that is not as it has to be. What runs already is not touched by
// that: only a creation or a replacement waits.
func (p *planner) dependenciesMet(s *spec.ContainerSpec) bool {
	met := true
	for _, d := range s.DependsOn {
		key := d.Key(p.Key.Namespace)
		if why := p.unmet(d, key); why != "" {
			p.block(Block{Reason: ReasonDependency, For: key, Message: why})
			met = false
		}
	}
	return met
}

// unmet says why a dependency is not met; empty where it is.
func (p *planner) unmet(d spec.Dependency, key spec.Key) string {
	if _, wanted := p.catalog.Get(key); !wanted {
		return fmt.Sprintf("there is no %s to depend on: add a manifest for it, or correct the name", key)
	}
	is := p.seen.Dependencies[key]
	met := map[spec.DependencyCondition]bool{spec.DependencyStarted: is.Started, spec.DependencyReady: is.Ready, spec.DependencyCompleted: is.Completed}
	condition := cmp.Or(d.Condition, spec.DependencyReady)
	if met[condition] {
		return ""
	}
	why := fmt.Sprintf("waits for %s to be %s", key, strings.ToLower(string(condition)))
	if is.Message != "" {
		why += ": " + is.Message
	}
	return why
}

// dependsOnLabel notes on a container what its object depends on, for when both manifests are gone.
func dependsOnLabel(deps []spec.Dependency, namespace string) string {
	names := make([]string, len(deps))
	for i, d := range deps {
		k := d.Key(namespace)
		names[i] = string(k.Kind) + "/" + k.Namespace + "/" + k.Name
	}
	return strings.Join(names, " ")
}

func dependenciesOfLabel(label string) (keys []spec.Key) {
	for _, name := range strings.Fields(label) {
		if parts := strings.Split(name, "/"); len(parts) == 3 {
			keys = append(keys, spec.Key{Kind: spec.Kind(parts[0]), Namespace: parts[1], Name: parts[2]})
		}
	}
	return keys
}

// dependentsFirst blocks the removal of an object while others are there that depend on it, and are to be removed too.
func (p *planner) dependentsFirst() bool {
	on := p.dependencies()
	for _, key := range slices.SortedFunc(maps.Keys(on), spec.Key.Compare) {
		_, wanted := p.catalog.Get(key)
		if wanted || !slices.Contains(on[key], p.Key) || reaches(on, p.Key, key, map[spec.Key]bool{}) {
			continue // who stays has lost what it depends on all the same; and labels of different times can make a cycle
		}
		p.block(Block{Reason: ReasonDependents, For: key, Message: fmt.Sprintf("%s depends on it, and is removed first", key)})
	}
	return len(p.Blocks) > 0
}

// dependencies reads from labels what depends on what.
func (p *planner) dependencies() map[spec.Key][]spec.Key {
	on := map[spec.Key][]spec.Key{}
	for _, s := range p.seen.Names {
		if id, ours := Owner(s); ours && s.Labels[spec.LabelDependsOn] != "" {
			on[id.Key] = append(on[id.Key], dependenciesOfLabel(s.Labels[spec.LabelDependsOn])...)
		}
	}
	return on
}

// reaches reports whether an object depends on another, however indirectly.
func reaches(on map[spec.Key][]spec.Key, from, to spec.Key, seen map[spec.Key]bool) bool {
	if from == to {
		return true
	}
	if seen[from] {
		return false
	}
	seen[from] = true
	return slices.ContainsFunc(on[from], func(next spec.Key) bool { return reaches(on, next, to, seen) })
}
