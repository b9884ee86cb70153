package schema_test

import (
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"berth.dev/berth/spec/schema"
)

var update = flag.Bool("update", false, "write the reference in docs/manifests.md anew")

const (
	guide  = "../../docs/manifests.md"
	marker = "-update -->\n"
)

// TestReference holds the field reference in the documentation against the types.
func TestReference(t *testing.T) {
	text, err := os.ReadFile(guide)
	if err != nil {
		t.Fatal(err)
	}
	before, found, ok := strings.Cut(string(text), marker)
	if !ok {
		t.Fatalf("%s has no line that ends with %q", guide, marker)
	}
	want := reference(t)
	if *update {
		if err := os.WriteFile(guide, []byte(before+marker+want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("%s is not that of the types; run the test with -update (-want +found):\n%s", guide, diff)
	}
}

type definition struct {
	Title, Description string
	Properties         map[string]property
	Required           []string
}

type property struct {
	Ref         string `json:"$ref"`
	Type        any
	Enum        []string
	Const       string
	Pattern     string
	Items       *property
	Description string
}

func reference(t *testing.T) string {
	text, err := schema.All()
	if err != nil {
		t.Fatal(err)
	}
	var root struct {
		Defs map[string]definition `json:"$defs"`
	}
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	names := slices.Sorted(maps.Keys(root.Defs))
	slices.SortStableFunc(names, func(a, b string) int { // the kinds first
		return strings.Compare(untitled(root.Defs[a]), untitled(root.Defs[b]))
	})
	for _, name := range names {
		root.Defs[name].write(&b, name)
	}
	return b.String()
}

func untitled(d definition) string {
	if d.Title == "" {
		return "1"
	}
	return "0"
}

func (d definition) write(b *strings.Builder, name string) {
	fmt.Fprintf(b, "\n### %s\n\n%s\n\n| field | form | |\n|---|---|---|\n", name, d.Description)
	for _, key := range slices.Sorted(maps.Keys(d.Properties)) {
		p, star := d.Properties[key], ""
		if slices.Contains(d.Required, key) {
			star = " *"
		}
		fmt.Fprintf(b, "| `%s`%s | %s | %s |\n", key, star, p.form(), strings.ReplaceAll(p.Description, "|", "\\|"))
	}
}

// form is what a value looks like, in a word or a link.
func (p property) form() string {
	switch {
	case p.Ref != "":
		name := p.Ref[strings.LastIndex(p.Ref, "/")+1:]
		return fmt.Sprintf("[%s](#%s)", name, strings.ToLower(name))
	case p.Const != "":
		return "`" + p.Const + "`"
	case p.Enum != nil:
		return "`" + strings.Join(p.Enum, "`, `") + "`"
	case p.Items != nil:
		return "list of " + p.Items.form()
	case p.Type == "object":
		return "map of strings"
	}
	if s, ok := p.Type.(string); ok {
		return s
	}
	return custom(p.Pattern)
}

// custom tells the types that read themselves apart by what they look like.
func custom(pattern string) string {
	switch {
	case strings.Contains(pattern, "Gi"), strings.Contains(pattern, "KMGTPE"):
		return "quantity"
	case strings.Contains(pattern, "ms"):
		return "duration"
	case strings.Contains(pattern, "%"):
		return "number or percentage"
	case strings.Contains(pattern, "a-z"):
		return "port or its name"
	}
	return "port or range"
}
