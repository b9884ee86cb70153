package schema

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"reflect"
	"strings"

	"berth.dev/berth/spec/internal/shape"
)

// docs are the comments on types, and on fields as in TYPE.FIELD.
type docs map[string]string

func readDocs(source fs.FS) (docs, error) {
	names, err := fs.Glob(source, "*.go")
	if err != nil {
		return nil, err
	}
	d := docs{}
	for _, name := range names {
		text, err := fs.ReadFile(source, name)
		if err != nil {
			return nil, err
		}
		f, err := parser.ParseFile(token.NewFileSet(), name, text, parser.ParseComments)
		if err != nil {
			return nil, fmt.Errorf("cannot read the comments of %s: %w", name, err)
		}
		d.file(f)
	}
	return d, nil
}

func (d docs) file(f *ast.File) {
	for _, decl := range f.Decls {
		g, ok := decl.(*ast.GenDecl)
		if !ok || g.Tok != token.TYPE {
			continue
		}
		for _, s := range g.Specs {
			t := s.(*ast.TypeSpec)
			d[t.Name.Name] = flow(g.Doc)
			if body, ok := t.Type.(*ast.StructType); ok {
				d.fields(t.Name.Name, body)
			}
		}
	}
}

func (d docs) fields(owner string, body *ast.StructType) {
	for _, f := range body.Fields.List {
		for _, name := range f.Names {
			d[owner+"."+name.Name] = flow(f.Doc)
		}
	}
}

// flow makes one line of a comment.
func flow(c *ast.CommentGroup) string { return strings.Join(strings.Fields(c.Text()), " ") }

func (d docs) field(f shape.Field) string { return d[f.Owner.Name()+"."+f.GoName] }

func (d docs) of(t reflect.Type) string { return d[t.Name()] }
