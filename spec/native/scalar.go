package native

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

const quotedStyle = yaml.DoubleQuotedStyle | yaml.SingleQuotedStyle | yaml.LiteralStyle | yaml.FoldedStyle

// words are booleans to YAML 1.1, which most tools that a reader of manifests knows still speak, and strings to the parser used here.
var words = []string{"y", "n", "yes", "no", "on", "off"}

func isPlain(n *yaml.Node) bool { return n.Style&quotedStyle == 0 }

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func isWord(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && isPlain(n) && slices.Contains(words, strings.ToLower(n.Value))
}

// isString reports whether every reader of YAML takes a scalar for a string. 22:22, a number of base 60 to YAML 1.1, passes: no
// tool in use here reads it so, and publishing ports is commonly written like that.
func isString(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!str" && !isWord(n)
}

var (
	decimal     = regexp.MustCompile(`^-?(0|[1-9][0-9]*)$`)
	leadingZero = regexp.MustCompile(`^[-+]?0[0-9_]+$`)
)

// appendJSON writes a checked document as JSON, of which every decoder has the same idea. It does not go through a second reader
// of YAML: one that speaks 1.1 could take something for something else, and reading is most of the time that loading takes.
func appendJSON(b []byte, n *yaml.Node) []byte {
	switch n.Kind {
	case yaml.MappingNode:
		b = append(b, '{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			b = appendString(separate(b, i), n.Content[i].Value)
			b = appendJSON(append(b, ':'), n.Content[i+1])
		}
		return append(b, '}')
	case yaml.SequenceNode:
		b = append(b, '[')
		for i, c := range n.Content {
			b = appendJSON(separate(b, i), c)
		}
		return append(b, ']')
	}
	switch tag := n.ShortTag(); {
	case isPlain(n) && tag == "!!bool":
		return append(b, strings.ToLower(n.Value)...)
	case isPlain(n) && tag == "!!int" && decimal.MatchString(n.Value):
		return append(b, n.Value...)
	}
	return appendString(b, n.Value)
}

func separate(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ',')
	}
	return b
}

func appendString(b []byte, s string) []byte {
	q, _ := json.Marshal(s) // a string cannot fail
	return append(b, q...)
}
