package native

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"berth.dev/berth/spec/internal/shape"
)

// maxShown is how many bytes of a value an error repeats.
const maxShown = 60

// secret matches the fields whose values may be passwords. Errors end up in logs and on screens: they never repeat one.
var secret = regexp.MustCompile(`\.((env|httpHeaders|headers)\[\d+\]\.value|(command|args)\[\d+\]|(shell|webhook\.url)$|(options|driverOptions|storageOptions)(\[|$))`)

// Describe is the message for an error of spec.Validate.
func Describe(e *field.Error) string {
	switch e.Type {
	case field.ErrorTypeRequired:
		return "is missing; want " + e.Detail
	case field.ErrorTypeForbidden:
		return e.Detail
	case field.ErrorTypeDuplicate:
		return fmt.Sprintf("found %stwice; %s", found(e.Field, e.BadValue), e.Detail)
	case field.ErrorTypeNotSupported:
		return fmt.Sprintf("found %s; want %s", strings.TrimSpace(found(e.Field, e.BadValue)), e.Detail)
	}
	return fmt.Sprintf("found %s; want %s", strings.TrimSpace(found(e.Field, e.BadValue)), e.Detail)
}

func found(path string, value any) string {
	if secret.MatchString(path) {
		return "a value (not shown) "
	}
	if s, ok := value.(string); ok {
		return quote(s) + " "
	}
	return short(fmt.Sprint(value)) + " "
}

// describe says what a node is, and what it says unless that may be secret.
func describe(n *yaml.Node, path *field.Path) string {
	kind := kindOf(n)
	if n.Kind != yaml.ScalarNode || isNull(n) || secret.MatchString(path.String()) {
		return kind
	}
	kind = strings.TrimPrefix(strings.TrimPrefix(kind, "an "), "a ")
	if isString(n) {
		return kind + " " + quote(n.Value)
	}
	return kind + " " + short(n.Value)
}

func kindOf(n *yaml.Node) string {
	switch n.Kind {
	case yaml.MappingNode:
		return "a mapping"
	case yaml.SequenceNode:
		return "a list"
	}
	switch {
	case isNull(n):
		return "nothing"
	case isWord(n):
		return "a boolean"
	case isString(n):
		return "a string"
	}
	switch n.ShortTag() {
	case "!!bool":
		return "a boolean"
	case "!!timestamp":
		return "a date"
	}
	return "a number"
}

// didYouMean is a hint for a word that is not one of those known.
func didYouMean(word string, known []string) string {
	if best := shape.Nearest(word, known); best != "" {
		return fmt.Sprintf("did you mean %q?", best)
	}
	return ""
}

func quote(s string) string { return strconv.Quote(cut(s)) }

// short makes any text fit into a line.
func short(s string) string {
	q := strconv.Quote(cut(s))
	return q[1 : len(q)-1]
}

func cut(s string) string {
	if len(s) <= maxShown {
		return s
	}
	end := maxShown
	for !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "..."
}
