package load

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"berth.dev/berth/spec"
	"berth.dev/berth/spec/native"
)

// maxProblems bounds what is reported of one file.
const maxProblems = 100

// LoadFile reads one file by itself. Its result may be kept for as long as neither the file nor any of EnvFiles changes.
func LoadFile(f File, o Options) FileResult {
	l := &loader{path: f.Path, read: o.ReadFile}
	if p, bad := unusable(f); bad {
		return FileResult{Path: f.Path, Problems: []Problem{p}}
	}
	docs := native.Parse(f.Data)
	for i := range docs {
		l.document(&docs[i])
	}
	l.twice()
	return l.result()
}

// unusable finds what keeps a file from being YAML at all.
func unusable(f File) (Problem, bool) {
	p := Problem{File: f.Path}
	switch bad := invalidUTF8(f.Data); {
	case f.Err != nil:
		p.Message = "cannot be read: " + strings.TrimPrefix(f.Err.Error(), "cannot read "+f.Path+": ") // that is said already
	case len(f.Data) == 0:
		// An emptied file is more often a save cut short than a wish: one that is to say nothing says so in a comment.
		p.Message = "found an empty file, and what it said last stays; want manifests: remove the file, or put a comment into it, to remove its objects"
	case len(f.Data) > MaxSize:
		p.Message = fmt.Sprintf("found a file of %d bytes; want at most %d (1 MiB): split it", len(f.Data), MaxSize)
	case bytes.HasPrefix(f.Data, []byte{0xFF, 0xFE}) || bytes.HasPrefix(f.Data, []byte{0xFE, 0xFF}):
		p.Message = "found UTF-16; want UTF-8: save it anew"
	case bytes.IndexByte(f.Data, 0) >= 0:
		p.Message = fmt.Sprintf("found a NUL character (byte %d); want YAML: this is a binary file", bytes.IndexByte(f.Data, 0))
	case bad >= 0:
		p.Line = 1 + bytes.Count(f.Data[:bad], []byte("\n"))
		p.Message = fmt.Sprintf("found 0x%02x, which is not UTF-8 (byte %d of the file); want UTF-8: save it anew", f.Data[bad], bad)
	default:
		return p, false
	}
	return p, true
}

// invalidUTF8 is the offset of the first byte that is not UTF-8, or -1.
func invalidUTF8(b []byte) int {
	if utf8.Valid(b) {
		return -1
	}
	for i := 0; i < len(b); {
		c, size := utf8.DecodeRune(b[i:])
		if c == utf8.RuneError && size == 1 {
			return i
		}
		i += size
	}
	return -1
}

// loader reads one file.
type loader struct {
	path     string
	read     func(string) ([]byte, error)
	objects  []spec.Object
	problems []Problem
	envFiles []string
	links    []*link
}

func (l *loader) document(d *native.Document) {
	for _, e := range d.Errors {
		l.problems = append(l.problems, Problem{l.path, e.Line, e.Column, e.Field, e.Message})
	}
	if d.Object == nil {
		l.rest(d)
		return
	}
	*d.Object.Source() = spec.Source{File: l.path, Line: d.Line}
	spec.Default(d.Object)
	for _, e := range spec.Validate(d.Object) {
		l.problem(d, e.Field, native.Describe(e))
	}
	if s := spec.Template(d.Object); s != nil {
		l.envFile(d, s, spec.TemplatePath(d.Object.Key().Kind))
	}
	l.linked(d)
	l.objects = append(l.objects, d.Object)
}

// rest checks the values of what can be read of a document that has errors, so that nobody has to mend it in two rounds. What an
// error hides is not judged, nor what is around it.
func (l *loader) rest(d *native.Document) {
	if d.Rest == nil {
		return
	}
	spec.Default(d.Rest)
	for _, e := range spec.Validate(d.Rest) {
		if !slices.ContainsFunc(d.Errors, func(known native.Error) bool { return within(e.Field, known.Field) || within(known.Field, e.Field) }) {
			l.problem(d, e.Field, native.Describe(e))
		}
	}
}

// within reports whether a field is another or in it.
func within(inner, outer string) bool {
	rest, ok := strings.CutPrefix(inner, outer)
	return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
}

func (l *loader) problem(d *native.Document, field, message string) {
	line, column := d.Position(field)
	l.problems = append(l.problems, Problem{l.path, line, column, field, message})
}

// twice finds what two documents of the file both say.
func (l *loader) twice() {
	l.problems = append(l.problems, claims{}.add(l.objects)...)
}

func (l *loader) result() FileResult {
	r := FileResult{Path: l.path, Objects: l.objects, Problems: l.problems, links: l.links}
	slices.Sort(l.envFiles)
	r.EnvFiles = slices.Compact(l.envFiles)
	if len(r.Problems) == 0 {
		return r
	}
	r.Objects, r.links = nil, nil
	slices.SortStableFunc(r.Problems, Problem.compare)
	r.Problems = slices.Compact(r.Problems)
	if n := len(r.Problems) - maxProblems; n > 0 {
		r.Problems = append(r.Problems[:maxProblems:maxProblems], Problem{File: l.path, Line: r.Problems[maxProblems].Line, Message: fmt.Sprintf("%d more problems are not shown", n)})
	}
	return r
}
