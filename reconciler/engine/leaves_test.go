package engine_test

import (
	"encoding/json"
	"reflect"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"berth.dev/berth/spec"
)

// atoms are the types that have no fields of their own to the model.
var atoms = map[reflect.Type]bool{
	reflect.TypeFor[resource.Quantity]():   true,
	reflect.TypeFor[spec.PortRange]():      true,
	reflect.TypeFor[spec.PortRef]():        true,
	reflect.TypeFor[spec.CountOrPercent](): true,
}

// fieldPaths lists every leaf field of a type, as in volumes[].tmpfs.size.
func fieldPaths(t reflect.Type, path string) []string {
	switch {
	case atoms[t]:
		return []string{path}
	case t.Kind() == reflect.Pointer:
		return fieldPaths(t.Elem(), path)
	case t.Kind() == reflect.Slice && isStruct(t.Elem()):
		return fieldPaths(t.Elem(), path+"[]")
	case t.Kind() != reflect.Struct:
		return []string{path}
	}
	var out []string
	for f := range t.Fields() {
		out = append(out, fieldPaths(f.Type, join(path, f))...)
	}
	return out
}

func isStruct(t reflect.Type) bool { return t.Kind() == reflect.Struct && !atoms[t] }

func join(path string, f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	if path == "" {
		return name
	}
	return path + "." + name
}

// leaves maps the paths of the leaf fields that are set to their values as JSON, several where a list is on the way. The values
// of a map have paths of their own, as in labels:tier.
func leaves(s spec.ContainerSpec) map[string][]string {
	out := map[string][]string{}
	collect(reflect.ValueOf(s), "", out)
	return out
}

func collect(v reflect.Value, path string, out map[string][]string) {
	t := v.Type()
	switch {
	case t.Kind() == reflect.Pointer && !v.IsNil() && !atoms[t.Elem()] && t.Elem().Kind() == reflect.Struct:
		collect(v.Elem(), path, out)
	case t.Kind() == reflect.Slice && isStruct(t.Elem()):
		for i := range v.Len() {
			collect(v.Index(i), path+"[]", out)
		}
	case t.Kind() == reflect.Map:
		for key, value := range v.Seq2() {
			collect(value, path+":"+key.String(), out)
		}
	case t.Kind() == reflect.Struct && !atoms[t]:
		for f, field := range v.Fields() {
			collect(field, join(path, f), out)
		}
	case !v.IsZero() || strings.Contains(path, ":"):
		b, err := json.Marshal(v.Interface())
		if err != nil {
			panic(err)
		}
		out[path] = append(out[path], string(b))
	}
}
