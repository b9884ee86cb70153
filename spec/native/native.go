// Package native reads berth's own dialect: YAML (and so JSON) in the form of the types of package spec. It finds every problem
// of a document, not the first, and lets nothing pass that the Go types would silently read as something else.
package native

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"

	"berth.dev/berth/spec"
)

// Bounds of one file. A person's file is far below them; what is above is a mistake or an attack.
const (
	MaxDocuments = 1000
	MaxDepth     = 32 // of nested mappings and lists; the deepest field has seven
)

// Error is one problem of a document.
type Error struct {
	Line, Column int    // from 1; 0 where it is not known
	Field        string // as in spec.ports[0].hostPort; may be empty
	Message      string // what was found, and what would be right
}

// Document is one YAML document that says something.
type Document struct {
	Object spec.Object // nil where Errors is not empty
	// Rest is, where Errors is not empty, the object without what they are about, for further checks; nil where there is none.
	Rest   spec.Object
	Errors []Error
	Line   int // of its first key, from 1

	root *yaml.Node
}

// Parse reads every document of a file. Documents without content are left out. After an error of syntax nothing further can
// be read; the documents before it are still returned.
func Parse(data []byte) []Document {
	var docs []Document
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	for {
		var n yaml.Node
		err := decoder.Decode(&n)
		switch {
		case errors.Is(err, io.EOF):
			return docs
		case err != nil:
			return append(docs, syntaxError(err, data))
		case len(docs) == MaxDocuments:
			return append(docs, failed(&n, fmt.Sprintf("found more than %d documents; split the file", MaxDocuments)))
		case !isEmpty(&n):
			docs = append(docs, parse(n.Content[0]))
		}
	}
}

// Position returns the line and column of a field, or of the nearest thing above it that is written.
func (d *Document) Position(field string) (line, column int) {
	if d.root == nil {
		return d.Line, 0
	}
	n := locate(d.root, d.root, field)
	return n.Line, n.Column
}

func parse(root *yaml.Node) Document {
	d := Document{Line: root.Line, root: root}
	if d.Errors = refuse(root, nil, 0); len(d.Errors) > 0 {
		d.root = nil // it may contain itself
		return d
	}
	if d.Object, d.Errors = read(root); len(d.Errors) > 0 {
		d.Object, d.Rest = nil, d.Object
	}
	return d
}

func failed(n *yaml.Node, message string) Document {
	return Document{Line: n.Line, Errors: []Error{{Line: n.Line, Column: n.Column, Message: message}}}
}

// isEmpty reports whether a document has no content but comments.
func isEmpty(n *yaml.Node) bool {
	if len(n.Content) == 0 {
		return true
	}
	c := n.Content[0]
	return c.Kind == yaml.ScalarNode && c.Value == "" && c.Style == 0 && c.Anchor == ""
}

var (
	syntaxLine    = regexp.MustCompile(`^yaml: (?:line (\d+): )?(.*)$`)
	unknownAnchor = regexp.MustCompile(`^unknown anchor '(.*)' referenced$`)
	// oneLess are the errors whose line the library counts from 0.
	oneLess = regexp.MustCompile(`^did not find expected (node content|<document start>|key|'-' indicator|',' or)`)
)

func syntaxError(err error, data []byte) Document {
	message := strings.ReplaceAll(err.Error(), "\n", " ")
	line := 0
	if m := syntaxLine.FindStringSubmatch(message); m != nil {
		line, _ = strconv.Atoi(m[1])
		message = m[2]
		if line > 0 && oneLess.MatchString(message) {
			line++
		}
	}
	switch at := tabIn(data, line); {
	case unknownAnchor.MatchString(message):
		return syntaxDocument(aliasIn(data, unknownAnchor.FindStringSubmatch(message)[1]), wantNoAlias)
	case !strings.Contains(message, "cannot start any token"):
		return syntaxDocument(line, "is not YAML: "+message)
	case at > 0:
		return syntaxDocument(at, "found a tab in the indentation; want spaces")
	}
	return syntaxDocument(line, "found a value that begins with a character that YAML reserves, such as @, ` or %; want it in quotes")
}

// aliasIn finds the line of an alias; the library does not tell.
func aliasIn(data []byte, name string) int {
	before, _, _ := bytes.Cut(data, []byte("*"+name))
	return 1 + bytes.Count(before, []byte("\n"))
}

func syntaxDocument(line int, message string) Document {
	return Document{Line: line, Errors: []Error{{Line: line, Message: message}}}
}

// tabIn finds the line, at or next to the given one, whose indentation has a tab.
func tabIn(data []byte, line int) int {
	lines := bytes.Split(data, []byte("\n"))
	for _, l := range []int{line, line + 1, line - 1} {
		if l < 1 || l > len(lines) {
			continue
		}
		text := lines[l-1]
		if indent := text[:len(text)-len(bytes.TrimLeft(text, " \t"))]; bytes.ContainsRune(indent, '\t') {
			return l
		}
	}
	return 0
}
