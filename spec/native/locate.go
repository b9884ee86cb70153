package native

import (
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// locate finds the node that a field path such as spec.labels[a.b/c] leads to, going as deep as the document does. The path is
// compared with the keys that are there rather than parsed: a key may contain dots and brackets. above is what
// is returned where nothing deeper is found; for the value of a mapping that is its key.
func locate(n, above *yaml.Node, path string) *yaml.Node {
	switch n.Kind {
	case yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			if rest, ok := step(path, n.Content[i].Value); ok {
				return locate(n.Content[i+1], n.Content[i], rest)
			}
		}
	case yaml.SequenceNode:
		for i, c := range n.Content {
			if rest, ok := step(path, strconv.Itoa(i)); ok {
				return locate(c, c, rest)
			}
		}
	}
	return above
}

// step takes one name or index off the front of a path.
func step(path, name string) (rest string, ok bool) {
	for _, form := range []string{name, "." + name, "[" + name + "]"} {
		if form == "" || form == "." {
			continue // an empty key is only ever in brackets
		}
		rest, ok := strings.CutPrefix(path, form)
		if ok && (rest == "" || rest[0] == '.' || rest[0] == '[') {
			return rest, true
		}
	}
	return "", false
}
