package native

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// maxRefused bounds what is reported of one document: a file of nothing but aliases has hundreds of thousands.
const maxRefused = 20

// refuse finds what no manifest may contain, before anything is expanded: a few aliases of aliases are gigabytes.
// What a line has several times is reported once.
func refuse(n *yaml.Node, errs []Error, depth int) []Error {
	if len(errs) >= maxRefused {
		return errs
	}
	if depth > MaxDepth {
		return append(errs, at(n, fmt.Sprintf("found more than %d nested levels; no manifest needs as many", MaxDepth)))
	}
	message := forbidden(n)
	if message != "" && !slices.ContainsFunc(errs, func(e Error) bool { return e.Line == n.Line && e.Message == message }) {
		errs = append(errs, at(n, message))
	}
	if n.Kind == yaml.AliasNode {
		return errs
	}
	for _, c := range n.Content {
		errs = refuse(c, errs, depth+1)
	}
	return errs
}

// forbidden never repeats a name: what looks like an alias may be a password that begins with *.
func forbidden(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.AliasNode:
		return wantNoAlias
	case n.Anchor != "":
		return "found an anchor, which is not read; want the value alone, in quotes where it begins with &"
	case n.Kind == yaml.ScalarNode && n.Style == 0 && n.Value == "<<":
		return "found a merge key <<, which is not read; want the keys themselves"
	case n.Style&yaml.TaggedStyle != 0:
		return "found a tag, which is not read; want the value alone, in quotes where it begins with ! or is a string"
	}
	return ""
}

const wantNoAlias = "found an alias, which is not read; want the value itself, in quotes where it begins with *"

func at(n *yaml.Node, message string) Error {
	return Error{Line: n.Line, Column: n.Column, Message: message}
}
