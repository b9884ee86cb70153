package native

import (
	"fmt"
	"slices"

	"go.yaml.in/yaml/v3"
)

// maxRefused bounds what is reported of one document: a file of nothing but aliases has hundreds of thousands.
const maxRefused = 20

// refuse finds what no manifest may contain, before anything is expanded: a few aliases of aliases are gigabytes.
// What is found several times is reported once.
func refuse(n *yaml.Node, errs []Error, depth int) []Error {
	if len(errs) >= maxRefused {
		return errs
	}
	if depth > MaxDepth {
		return append(errs, at(n, fmt.Sprintf("found more than %d nested levels; no manifest needs as many", MaxDepth)))
	}
	if message := forbidden(n); message != "" && !slices.ContainsFunc(errs, func(e Error) bool { return e.Message == message }) {
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

func forbidden(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.AliasNode:
		return fmt.Sprintf("found alias *%s; want the value itself: aliases are not read", short(n.Value))
	case n.Anchor != "":
		return fmt.Sprintf("found anchor &%s; want the value without it: anchors are not read", short(n.Anchor))
	case n.Kind == yaml.ScalarNode && n.Style == 0 && n.Value == "<<":
		return "found merge key <<; want the keys themselves: merges are not read"
	case n.Style&yaml.TaggedStyle != 0:
		return fmt.Sprintf("found tag %s; want the value without it, in quotes where it is a string", short(n.Tag))
	}
	return ""
}

func at(n *yaml.Node, message string) Error {
	return Error{Line: n.Line, Column: n.Column, Message: message}
}
