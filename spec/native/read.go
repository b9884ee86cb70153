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

// read checks a document against its kind's type and decodes what is right of it.
func read(root *yaml.Node) (spec.Object, []Error) {
	if root.Kind != yaml.MappingNode {
		return nil, []Error{at(root, fmt.Sprintf("found %s; want a mapping with apiVersion, kind, metadata and spec", kindOf(root)))}
	}
	r := newReader(root)
	object, ok := r.kind()
	if !ok {
		return nil, r.errs
	}
	r.object(root, reflect.TypeOf(object).Elem(), nil)
	rest := r.right(root)
	if rest == nil {
		return nil, r.errs
	}
	if err := json.Unmarshal(appendJSON(nil, rest), object); err != nil {
		return nil, append(r.errs, at(root, "cannot be decoded: "+short(err.Error())))
	}
	return object, r.errs
}

// right is a node without what is wrong in it, or nil. A list with a wrong item is left out whole: what comes after the item would
// get the number of another.
func (r *reader) right(n *yaml.Node) *yaml.Node {
	if r.wrong[n] {
		return nil
	}
	out := *n
	out.Content = nil
	for i := 0; i < len(n.Content); i++ {
		if n.Kind == yaml.MappingNode {
			key, value := n.Content[i], r.right(n.Content[i+1])
			if i++; r.wrong[key] || value == nil {
				continue
			}
			out.Content = append(out.Content, key, value)
			continue
		}
		item := r.right(n.Content[i])
		if item == nil {
			return nil
		}
		out.Content = append(out.Content, item)
	}
	return &out
}

// reader checks one document.
type reader struct {
	root  *yaml.Node
	errs  []Error
	wrong map[*yaml.Node]bool // keys and values that errors are about
}

func newReader(root *yaml.Node) *reader { return &reader{root: root, wrong: map[*yaml.Node]bool{}} }

// add reports a node that is wrong.
func (r *reader) add(n *yaml.Node, path *field.Path, format string, args ...any) {
	r.wrong[n] = true
	r.report(n, path, format, args...)
}

// report reports what is wrong at a node that may be right itself.
func (r *reader) report(n *yaml.Node, path *field.Path, format string, args ...any) {
	name := ""
	if path != nil {
		name = path.String()
	}
	r.errs = append(r.errs, Error{n.Line, n.Column, name, fmt.Sprintf(format, args...)})
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
		r.nothing(n, t, path)
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

func (r *reader) nothing(n *yaml.Node, t reflect.Type, path *field.Path) {
	if shape.Of(t) == shape.Object && len(shape.Fields(t)) == 0 {
		r.add(n, path, "found nothing; write {}, or remove the key")
		return
	}
	r.add(n, path, "found nothing; give it a value, or remove the key")
}

func (r *reader) object(n *yaml.Node, t reflect.Type, path *field.Path) {
	if n.Kind != yaml.MappingNode {
		r.add(n, path, "found %s; want %s", kindOf(n), mapping(t))
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
		r.report(n, path, "is missing; want %s", spec.APIVersion)
	default:
		r.report(n, path, "is missing; want %s", wanted(f.Type))
	}
}

func wanted(t reflect.Type) string {
	switch shape.Of(t) {
	case shape.Object:
		return mapping(t)
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

// mapping says what an object looks like.
func mapping(t reflect.Type) string {
	if keys := example(t); keys != "" {
		return "a mapping with keys such as " + keys
	}
	return "{}"
}

// example names the required keys of a type, or its first.
func example(t reflect.Type) string {
	var names []string
	for _, f := range shape.Fields(t) {
		if f.Required {
			names = append(names, f.Name)
		}
	}
	if all := shape.Fields(t); len(names) == 0 && len(all) > 0 {
		names = append(names, all[0].Name)
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
	case len(names) == 0:
		hint = "want {}"
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
