package native

import (
	"encoding/json"
	"reflect"
	"regexp"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"berth.dev/berth/spec"
	"berth.dev/berth/spec/internal/shape"
)

// samples says what is wanted of the types that read themselves.
var samples = map[reflect.Type]struct{ want, sample string }{
	reflect.TypeFor[resource.Quantity]():   {"a quantity such as 256Mi, 500m or 1.5", "256Mi"},
	reflect.TypeFor[spec.Duration]():       {"a duration such as 30s or 1m30s", "30s"},
	reflect.TypeFor[spec.PortRange]():      {"a port from 0 to 65535 or a range such as 8000-8010", "8080"},
	reflect.TypeFor[spec.PortRef]():        {"a port from 1 to 65535 or the name of one", "8080"},
	reflect.TypeFor[spec.CountOrPercent](): {"a number of copies or a percentage such as 25%", "25%"},
}

func sample(t reflect.Type) string { return samples[t].sample }

// custom lets a type read its own form. It is given the text as written, whatever YAML takes it for, and quoted.
func (r *reader) custom(n *yaml.Node, t reflect.Type, path *field.Path) {
	want := samples[t].want
	switch {
	case n.Kind != yaml.ScalarNode:
		r.add(n, path, "found %s; want %s", kindOf(n), want)
	case isPlain(n) && leadingZero.MatchString(n.Value):
		r.add(n, path, "found %s, which YAML reads as octal; want %s, without the leading 0", short(n.Value), want)
	case unreadable(n.Value, t):
		r.add(n, path, "found %s; want %s", quote(n.Value), want)
	}
}

// maxScalar bounds what is given to a type's parser, in bytes. The longest is the name of a port, a DNS label.
const maxScalar = 63

var quantity = regexp.MustCompile(shape.QuantityPattern)

// unreadable reports whether a type does not take a text. The quantity parser is kept from exponents such as 1e999999999, on
// which it would compute until it has the number.
func unreadable(text string, t reflect.Type) bool {
	if text == "" || len(text) > maxScalar || t == reflect.TypeFor[resource.Quantity]() && !quantity.MatchString(text) {
		return true
	}
	b, err := json.Marshal(text)
	return err != nil || json.Unmarshal(b, reflect.New(t).Interface()) != nil
}
