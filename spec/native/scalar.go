package native

import (
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

// emit writes a checked document anew, in flow style and with every string quoted and escaped, so that the second reader, which
// speaks YAML 1.1, cannot take anything for something else.
func emit(b []byte, n *yaml.Node) []byte {
	switch n.Kind {
	case yaml.MappingNode:
		b = append(b, '{')
		for i := 0; i+1 < len(n.Content); i += 2 {
			b = append(emitString(b, n.Content[i].Value), ": "...)
			b = append(emit(b, n.Content[i+1]), ", "...)
		}
		return append(b, '}')
	case yaml.SequenceNode:
		b = append(b, '[')
		for _, c := range n.Content {
			b = append(emit(b, c), ", "...)
		}
		return append(b, ']')
	}
	if tag := n.ShortTag(); isPlain(n) && (tag == "!!bool" || tag == "!!int" && decimal.MatchString(n.Value)) {
		return append(b, n.Value...)
	}
	return emitString(b, n.Value)
}
