package plan

import (
	"strconv"
	"strings"

	"berth.dev/berth/spec"
)

// The suffixes of the names that a recreation gives to a replacement that is not yet in its place, and to the container that it
// replaces. A container's own name ends in its ordinal, so they are told apart.
const (
	suffixNext = ".next"
	suffixPrev = ".prev"
	infixInit  = ".init-" // before an init container's own name
)

// Identity is what a container's labels say of it.
type Identity struct {
	Key     spec.Key
	Ordinal int    // the index, of a job
	Run     string // of CronJobs only
	Try     int    // of jobs only
}

// Name is the name that the container should have.
func (i Identity) Name() string {
	if i.Key.Kind == spec.KindContainer {
		return spec.ContainerName(i.Key, i.Ordinal)
	}
	return spec.TryName(i.Key, i.Run, i.Ordinal, i.Try)
}

// Claimed reads the identity labels, which prove nothing by themselves: an image can carry them.
func Claimed(labels map[string]string) (Identity, bool) {
	ns, name := labels[spec.LabelNamespace], labels[spec.LabelName]
	ordinal, err := strconv.Atoi(labels[spec.LabelOrdinal])
	if ns == "" || name == "" || err != nil || ordinal < 0 {
		return Identity{}, false
	}
	id := Identity{Key: spec.Key{Kind: spec.KindContainer, Namespace: ns, Name: name}, Ordinal: ordinal}
	kind, special := labels[spec.LabelKind]
	if !special {
		return id, true
	}
	id.Key.Kind, id.Run = spec.Kind(kind), labels[spec.LabelRun]
	id.Try, err = strconv.Atoi(labels[spec.LabelTry])
	known := id.Key.Kind == spec.KindJob || id.Key.Kind == spec.KindCronJob && id.Run != ""
	return id, known && err == nil && id.Try >= 0
}

// Owner reports whose container it is: ours where the labels were given to the container itself, and its name agrees with them.
func Owner(c Summary) (Identity, bool) {
	id, ok := proven(c)
	return id, ok && id.Name() == baseName(c.Name)
}

// proven reads identity labels that cannot have come from the image, whatever the container's name: an image cannot carry its
// own ID.
func proven(c Summary) (Identity, bool) {
	id, ok := Claimed(c.Labels)
	return id, ok && c.ImageID != "" && c.Labels[spec.LabelImage] == c.ImageID
}

func baseName(name string) string {
	name, _, _ = strings.Cut(name, infixInit)
	return strings.TrimSuffix(strings.TrimSuffix(name, suffixNext), suffixPrev)
}

// KeyOf is the key that a container bears on: its owner's, or that of the object that would have its name.
func KeyOf(c Summary) (spec.Key, bool) {
	if id, ok := proven(c); ok {
		return id.Key, true
	}
	return KeyOfName(c.Name)
}

// KeyOfName is the key of the Container, Job or CronJob that would have a container of this name: what follows the second dot is an
// ordinal, INDEX-TRY or RUN-INDEX-TRY.
func KeyOfName(name string) (spec.Key, bool) {
	parts := strings.Split(baseName(name), ".")
	if len(parts) != 3 {
		return spec.Key{}, false
	}
	kinds := map[int]spec.Kind{1: spec.KindContainer, 2: spec.KindJob, 3: spec.KindCronJob}
	which := strings.Split(parts[2], "-")
	numbers := which
	if len(which) == 3 {
		numbers = which[1:] // a run may have a name
	}
	kind, ok := kinds[len(which)]
	for _, n := range numbers {
		if _, err := strconv.Atoi(n); err != nil {
			return spec.Key{}, false
		}
	}
	return spec.Key{Kind: kind, Namespace: parts[0], Name: parts[1]}, ok
}

func ownerLabels(k spec.Key) map[string]string {
	return map[string]string{spec.LabelNamespace: k.Namespace, spec.LabelName: k.Name}
}

// OwnedKey reads the owner of a network or volume from its labels, which nobody but its maker can have given it.
func OwnedKey(kind spec.Kind, labels map[string]string) (spec.Key, bool) {
	k := spec.Key{Kind: kind, Namespace: labels[spec.LabelNamespace], Name: labels[spec.LabelName]}
	return k, k.Namespace != "" && k.Name != ""
}
