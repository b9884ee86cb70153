package native

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

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
