package native

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"berth.dev/berth/spec"
	"berth.dev/berth/spec/internal/shape"
)

// read checks a document against its kind's type and, where nothing is wrong, decodes it.
func read(root *yaml.Node) (spec.Object, []Error) {
	if root.Kind != yaml.MappingNode {
		return nil, []Error{at(root, fmt.Sprintf("found %s; want a mapping with apiVersion, kind, metadata and spec", kindOf(root)))}
	}
	r := &reader{root: root}
	object, ok := r.kind()
	if !ok {
		return nil, r.errs
	}
	r.object(root, reflect.TypeOf(object).Elem(), nil)
	if len(r.errs) > 0 {
		return nil, r.errs
	}
	if err := json.Unmarshal(appendJSON(nil, root), object); err != nil {
		return nil, []Error{at(root, "cannot be decoded: "+short(err.Error()))}
	}
	return object, nil
}

// reader checks one document.
type reader struct {
	root *yaml.Node
	errs []Error
}

func (r *reader) add(n *yaml.Node, path *field.Path, format string, args ...any) {
	name := ""
	if path != nil {
		name = path.String()
	}
	r.errs = append(r.errs, Error{n.Line, n.Column, name, fmt.Sprintf(format, args...)})
}

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

func child(path *field.Path, name string) *field.Path {
	if path == nil {
		return field.NewPath(name)
	}
	return path.Child(name)
}

// value checks one node against the type that it is decoded to.
func (r *reader) value(n *yaml.Node, t reflect.Type, path *field.Path) {
	if isNull(n) {
		r.add(n, path, "found nothing; give it a value, or remove the key")
		return
	}
	switch shape.Of(t) {
	case shape.Object:
		r.object(n, t, path)
	case shape.Map:
		r.stringMap(n, t, path)
	case shape.List:
		r.list(n, t, path)
	case shape.String:
		r.string(n, path)
	case shape.Int:
		r.integer(n, t, path)
	case shape.Bool:
		r.boolean(n, path)
	case shape.Custom:
		r.custom(n, t, path)
	default:
		panic(fmt.Sprintf("no manifest can say a %s", t))
	}
}

func (r *reader) object(n *yaml.Node, t reflect.Type, path *field.Path) {
	if n.Kind != yaml.MappingNode {
		r.add(n, path, "found %s; want a mapping with keys such as %s", kindOf(n), example(t))
		return
	}
	fields := shape.Fields(t)
	seen := r.keys(n, path, func(key string) *field.Path { return child(path, key) })
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		f, ok := fieldNamed(fields, key.Value)
		switch {
		case key.Kind != yaml.ScalarNode:
		case !ok:
			r.unknown(key, fields, path)
		default:
			r.value(value, f.Type, child(path, f.Name))
		}
	}
	for _, f := range fields {
		if f.Required && seen[f.Name] == nil {
			r.missing(n, f, child(path, f.Name))
		}
	}
}

// missing reports a required key. That of a kind is reported before.
func (r *reader) missing(n *yaml.Node, f shape.Field, path *field.Path) {
	switch f.Name {
	case "kind":
	case "apiVersion":
		r.add(n, path, "is missing; want %s", spec.APIVersion)
	default:
		r.add(n, path, "is missing; want %s", wanted(f.Type))
	}
}

func wanted(t reflect.Type) string {
	switch shape.Of(t) {
	case shape.Object:
		return "a mapping with keys such as " + example(t)
	case shape.Int:
		return "a whole number"
	case shape.String:
		if values := shape.Enum(t); values != nil {
			return "one of " + strings.Join(values, ", ")
		}
		return "a string"
	}
	return "a value such as " + sample(t)
}

// example names the required keys of a type, or its first.
func example(t reflect.Type) string {
	var names []string
	for _, f := range shape.Fields(t) {
		if f.Required {
			names = append(names, f.Name)
		}
	}
	if len(names) == 0 {
		names = append(names, shape.Fields(t)[0].Name)
	}
	return strings.Join(names, " and ")
}

// maxListed is how many known fields an error names.
const maxListed = 12

func (r *reader) unknown(key *yaml.Node, fields []shape.Field, path *field.Path) {
	var names []string
	for _, f := range fields {
		names = append(names, f.Name)
	}
	hint := didYouMean(key.Value, names)
	switch {
	case hint != "":
	case len(names) > maxListed:
		hint = "no known field is close to it: see berth schema"
	default:
		hint = "known are " + strings.Join(names, ", ")
	}
	name, _, assigned := strings.Cut(key.Value, "=")
	if assigned { // - PASSWORD=secret: is a mistake that is made
		name += "=..."
	}
	r.add(key, child(path, short(name)), "unknown field; %s", hint)
}

// keys reports keys that are doubled or are no strings, and returns those that are there.
func (r *reader) keys(n *yaml.Node, path *field.Path, name func(string) *field.Path) map[string]*yaml.Node {
	seen := make(map[string]*yaml.Node, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key := n.Content[i]
		switch first := seen[key.Value]; {
		case key.Kind != yaml.ScalarNode:
			r.add(key, path, "found %s as a key; want a string", kindOf(key))
		case !isString(key):
			r.add(key, path, "found %s as a key, want a string: write %s", describe(key, nil), quote(key.Value))
		case first != nil:
			r.add(key, name(short(key.Value)), "found a second time, first on line %d; remove one of the two", first.Line)
			continue
		}
		seen[key.Value] = key
	}
	return seen
}

func fieldNamed(fields []shape.Field, name string) (shape.Field, bool) {
	for _, f := range fields {
		if f.Name == name {
			return f, true
		}
	}
	return shape.Field{}, false
}

func (r *reader) stringMap(n *yaml.Node, t reflect.Type, path *field.Path) {
	if n.Kind != yaml.MappingNode {
		r.add(n, path, "found %s; want a mapping of names to strings", kindOf(n))
		return
	}
	r.keys(n, path, path.Key)
	for i := 0; i+1 < len(n.Content); i += 2 {
		r.value(n.Content[i+1], shape.Deref(t.Elem()), path.Key(short(n.Content[i].Value)))
	}
}

func (r *reader) list(n *yaml.Node, t reflect.Type, path *field.Path) {
	element := shape.Deref(t.Elem())
	if n.Kind != yaml.SequenceNode {
		r.notList(n, element, path)
		return
	}
	for i, c := range n.Content {
		r.value(c, element, path.Index(i))
	}
}

func (r *reader) notList(n *yaml.Node, element reflect.Type, path *field.Path) {
	switch {
	case n.Kind == yaml.MappingNode && shape.Of(element) == shape.Object:
		r.add(n, path, "found a mapping; want a list of them: begin each with \"- \"")
	case n.Kind == yaml.MappingNode:
		r.add(n, path, "found a mapping; want a list")
	case secret.MatchString(path.Index(0).String()) || shape.Of(element) == shape.Object || shape.Of(element) == shape.List:
		r.add(n, path, "found %s; want a list", kindOf(n))
	default:
		r.add(n, path, "found %s, want a list: write [%s]", describe(n, path), quote(n.Value))
	}
}

func (r *reader) string(n *yaml.Node, path *field.Path) {
	switch {
	case isString(n):
	case n.Kind != yaml.ScalarNode:
		r.add(n, path, "found %s; want a string", kindOf(n))
	case secret.MatchString(path.String()):
		r.add(n, path, "found %s, want a string: put it in quotes", kindOf(n))
	default:
		r.add(n, path, "found %s, want a string: write %s", describe(n, path), quote(n.Value))
	}
}

func (r *reader) integer(n *yaml.Node, t reflect.Type, path *field.Path) {
	switch {
	case n.Kind != yaml.ScalarNode || !decimal.MatchString(n.Value):
		r.add(n, path, "found %s; want a whole number, in decimal digits", describe(n, path))
	case !isPlain(n):
		r.add(n, path, "found string %s, want a whole number: write %s", quote(n.Value), short(n.Value))
	default:
		if err := json.Unmarshal([]byte(n.Value), reflect.New(t).Interface()); err != nil {
			r.add(n, path, "found %s; want a number within %s", short(n.Value), limits(t))
		}
	}
}

func limits(t reflect.Type) string {
	switch bits := t.Bits(); t.Kind() {
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return fmt.Sprintf("0 to %d", uint64(1)<<(bits-1)-1+uint64(1)<<(bits-1))
	default:
		most := int64(uint64(1)<<(bits-1) - 1)
		return fmt.Sprintf("%d to %d", -most-1, most)
	}
}

func (r *reader) boolean(n *yaml.Node, path *field.Path) {
	if n.Kind == yaml.ScalarNode && isPlain(n) && n.ShortTag() == "!!bool" {
		return
	}
	what := describe(n, path)
	if isWord(n) {
		what = n.Value
	}
	switch truth, ok := asBool(n); {
	case !ok:
		r.add(n, path, "found %s; want true or false", what)
	default:
		r.add(n, path, "found %s, want a boolean: write %t", what, truth)
	}
}

// asBool guesses what was meant.
func asBool(n *yaml.Node) (truth, ok bool) {
	if n.Kind != yaml.ScalarNode {
		return false, false
	}
	switch strings.ToLower(n.Value) {
	case "y", "yes", "on", "true", "1":
		return true, true
	case "n", "no", "off", "false", "0":
		return false, true
	}
	return false, false
}
