// Package shape says how a Go type is written in a manifest, so that reading and the schema cannot disagree about it.
package shape

import (
	"encoding/json"
	"reflect"
	"strings"
	"sync"
)

// Kind is the form of a value in a manifest.
type Kind int

// The forms.
const (
	Other  Kind = iota
	Object      // a mapping with known keys
	Map         // a mapping with free keys and strings
	List
	String
	Int
	Bool
	Custom // a scalar that the type itself reads, such as a quantity
)

// QuantityPattern is what a quantity looks like; see the package k8s.io/apimachinery/pkg/api/resource.
const QuantityPattern = `^[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([KMGTPE]i|[numkMGTPE]|[eE][+-]?[0-9]{1,2})?$`

// Field is one key of an Object.
type Field struct {
	Name     string // as in the manifest
	GoName   string
	Owner    reflect.Type // the struct that declares it
	Index    []int        // for reflect.Value.FieldByIndex
	Type     reflect.Type // without pointers
	Required bool
}

var unmarshaler = reflect.TypeFor[json.Unmarshaler]()

// Deref strips pointers.
func Deref(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	return t
}

// Of returns the form of a type without pointers.
func Of(t reflect.Type) Kind {
	if reflect.PointerTo(t).Implements(unmarshaler) {
		return Custom
	}
	switch t.Kind() {
	case reflect.Struct:
		return Object
	case reflect.Map:
		return Map
	case reflect.Slice:
		return List
	case reflect.String:
		return String
	case reflect.Bool:
		return Bool
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		return Int
	}
	return Other
}

var known sync.Map // reflect.Type -> []Field

// Fields lists the keys of an Object in the order of their declaration, those of inlined structs included.
func Fields(t reflect.Type) []Field {
	if f, ok := known.Load(t); ok {
		return f.([]Field)
	}
	f, _ := known.LoadOrStore(t, fields(t))
	return f.([]Field)
}

func fields(t reflect.Type) []Field {
	var out []Field
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			for _, inner := range fields(f.Type) {
				inner.Index = append([]int{i}, inner.Index...)
				out = append(out, inner)
			}
		case f.IsExported() && name != "-":
			optional := strings.Contains(options, "omitempty") || strings.Contains(options, "omitzero")
			out = append(out, Field{name, f.Name, t, []int{i}, Deref(f.Type), !optional})
		}
	}
	return out
}

// Enum lists the values of a type that has a method Values; nil for any other.
func Enum(t reflect.Type) []string {
	if v, ok := reflect.Zero(t).Interface().(interface{ Values() []string }); ok {
		return v.Values()
	}
	return nil
}
