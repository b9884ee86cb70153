// Package schema describes manifests as JSON Schema (2020-12), from the types that they are decoded to.
package schema

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"reflect"

	"k8s.io/apimachinery/pkg/api/resource"

	"berth.dev/berth/spec"
	"berth.dev/berth/spec/internal/shape"
)

const dialect = "https://json-schema.org/draft/2020-12/schema"

// node is a part of a schema. Its keys are written sorted, so that the same types make the same bytes.
type node map[string]any

// Schema describes the manifests of one kind. It is an error if there is no such kind.
func Schema(kind spec.Kind) ([]byte, error) {
	b, err := newBuilder()
	if err != nil {
		return nil, err
	}
	root, err := b.kind(kind)
	if err != nil {
		return nil, err
	}
	root["$schema"], root["$defs"] = dialect, b.defs
	return write(root)
}

// All describes the manifests of every kind.
func All() ([]byte, error) {
	b, err := newBuilder()
	if err != nil {
		return nil, err
	}
	var branches []node
	for _, k := range spec.Kinds() {
		root, err := b.kind(k)
		if err != nil {
			return nil, err
		}
		b.defs[string(k)] = root
		branches = append(branches, node{ // not oneOf: an editor then knows which kind it is to complain about
			"if":   node{"properties": node{"kind": node{"const": k}}, "required": []string{"kind"}},
			"then": ref(string(k)),
		})
	}
	return write(node{
		"$schema": dialect, "$defs": b.defs, "title": "berth manifest", "type": "object",
		"properties": node{"kind": node{"enum": spec.Kinds()}}, "required": []string{"apiVersion", "kind"}, "allOf": branches,
	})
}

func write(n node) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(n)
	return b.Bytes(), err
}

func ref(name string) node { return node{"$ref": "#/$defs/" + name} }

// builder collects the definitions that a schema refers to.
type builder struct {
	docs docs
	defs node
}

func newBuilder() (*builder, error) {
	d, err := readDocs(spec.Sources)
	return &builder{d, node{}}, err
}

func (b *builder) kind(k spec.Kind) (node, error) {
	object, ok := spec.New(k)
	if !ok {
		return nil, fmt.Errorf("there is no kind %q; want one of %v", k, spec.Kinds())
	}
	n := b.object(reflect.TypeOf(object).Elem())
	n["title"] = string(k)
	properties := n["properties"].(node)
	properties["apiVersion"].(node)["const"] = spec.APIVersion
	properties["kind"].(node)["const"] = k
	return n, nil
}

func (b *builder) object(t reflect.Type) node {
	properties, required := node{}, []string{}
	for _, f := range shape.Fields(t) {
		p := b.value(f.Type)
		p["description"] = b.docs.field(f)
		for key, v := range extras[f.Owner.Name()+"."+f.GoName] {
			p[key] = v
		}
		properties[f.Name] = p
		if f.Required {
			required = append(required, f.Name)
		}
	}
	n := node{"type": "object", "description": b.docs.of(t), "properties": properties, "additionalProperties": false}
	if len(required) > 0 {
		n["required"] = required
	}
	return n
}

func (b *builder) value(t reflect.Type) node {
	switch shape.Of(t) {
	case shape.Object:
		return b.reference(t)
	case shape.Map:
		return node{"type": "object", "additionalProperties": b.value(shape.Deref(t.Elem()))}
	case shape.List:
		return node{"type": "array", "items": b.value(shape.Deref(t.Elem()))}
	case shape.Bool:
		return node{"type": "boolean"}
	case shape.Int:
		return integer(t)
	case shape.Custom:
		return custom(t)
	}
	if values := shape.Enum(t); values != nil {
		return node{"enum": values}
	}
	return node{"type": "string"}
}

func (b *builder) reference(t reflect.Type) node {
	if _, ok := b.defs[t.Name()]; !ok {
		b.defs[t.Name()] = nil // in case that a type contains itself
		b.defs[t.Name()] = b.object(t)
	}
	return ref(t.Name())
}

// integer gives the bounds of the small types; those of the large ones are no help.
func integer(t reflect.Type) node {
	n := node{"type": "integer"}
	switch t.Kind() {
	case reflect.Uint16:
		n["minimum"], n["maximum"] = 0, math.MaxUint16
	case reflect.Int32:
		n["minimum"], n["maximum"] = math.MinInt32, math.MaxInt32
	}
	return n
}

// custom describes the types that read themselves. Each is a copy: a field's description is added to it.
func custom(t reflect.Type) node {
	switch t {
	case reflect.TypeFor[resource.Quantity]():
		return node{"type": []string{"string", "number"}, "pattern": shape.QuantityPattern}
	case reflect.TypeFor[spec.PortRange]():
		return node{"type": []string{"string", "integer"}, "pattern": `^[0-9]{1,5}(-[0-9]{1,5})?$`, "minimum": 0, "maximum": math.MaxUint16}
	case reflect.TypeFor[spec.Duration]():
		return node{"type": []string{"string", "integer"}, "pattern": `^(0|([0-9]+(\.[0-9]*)?|\.[0-9]+)(ns|us|µs|ms|s|m|h))+$`, "minimum": 0, "maximum": 0}
	case reflect.TypeFor[spec.PortRef]():
		return node{"type": []string{"string", "integer"}, "pattern": `^([1-9][0-9]{0,4}|[0-9-]*[a-z][a-z0-9-]*)$`, "minimum": 1, "maximum": math.MaxUint16}
	case reflect.TypeFor[spec.CountOrPercent]():
		return node{"type": []string{"string", "integer"}, "pattern": `^[0-9]{1,4}%?$`, "minimum": 0}
	}
	panic(fmt.Sprintf("no schema for %s", t))
}

const label = `^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`

// extras are rules that the types do not tell, where an editor can help by knowing them.
var extras = map[string]node{
	"Metadata.Name":          {"pattern": label, "maxLength": 63},
	"Metadata.Namespace":     {"pattern": label, "maxLength": 63},
	"ContainerSpec.Replicas": {"minimum": 0},
	"VolumeMount.MountPath":  {"pattern": "^/."},
	"HostPathSource.Path":    {"pattern": "^/"},
	"TmpfsSource.Mode":       {"pattern": "^[0-7]{3,4}$"},
}
