package native

import (
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"berth.dev/berth/spec"
)

// kind reads the version and the kind; without them no other key has a meaning.
func (r *reader) kind() (spec.Object, bool) {
	version, kind := lookup(r.root, "apiVersion"), lookup(r.root, "kind")
	if version != nil && isString(version) && version.Value != spec.APIVersion {
		r.add(version, field.NewPath("apiVersion"), "found %s; want %s", quote(version.Value), spec.APIVersion)
	}
	names := kindNames()
	if kind == nil || !isString(kind) {
		r.requireKind(kind, names)
		return nil, false
	}
	object, ok := spec.New(spec.Kind(kind.Value))
	if !ok {
		want := didYouMean(kind.Value, names)
		if want == "" {
			want = "want one of " + strings.Join(names, ", ")
		}
		r.add(kind, field.NewPath("kind"), "found %s; %s", quote(kind.Value), want)
	}
	return object, ok
}

func (r *reader) requireKind(kind *yaml.Node, names []string) {
	path := field.NewPath("kind")
	if kind != nil {
		r.add(kind, path, "found %s; want one of %s", describe(kind, path), strings.Join(names, ", "))
		return
	}
	for i := 0; i+1 < len(r.root.Content); i += 2 {
		if key := r.root.Content[i]; strings.EqualFold(key.Value, "kind") {
			r.add(key, path, "is missing; write kind in place of %s", quote(key.Value))
			return
		}
	}
	r.add(r.root, path, "is missing; want one of %s", strings.Join(names, ", "))
}

func kindNames() []string {
	var names []string
	for _, k := range spec.Kinds() {
		names = append(names, string(k))
	}
	return names
}

func lookup(n *yaml.Node, key string) *yaml.Node {
	for i := 0; i+1 < len(n.Content); i += 2 {
		if n.Content[i].Value == key {
			return n.Content[i+1]
		}
	}
	return nil
}
