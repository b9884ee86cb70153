package load_test

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"berth.dev/berth/spec"
	"berth.dev/berth/spec/load"
)

var update = flag.Bool("update", false, "write what was found into the fixtures")

const dashes = "----------------------------------------\n"

// TestLoad reads testdata/*.txtar. Each holds files; the last, "cases", is in place of them a list of single files, each followed
// by a line of dashes and the problems that are expected, or the objects where there are none.
func TestLoad(t *testing.T) {
	paths, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(paths) == 0 {
		t.Fatal("no fixtures", err)
	}
	for _, path := range paths {
		t.Run(strings.TrimSuffix(filepath.Base(path), ".txtar"), func(t *testing.T) { fixture(t, path) })
	}
}

func fixture(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i, f := range archive.Files {
		if f.Name == "want" {
			continue
		}
		if in, want, ok := strings.Cut(string(f.Data), dashes); ok { // a case of its own
			got := render(load.Load([]load.File{{Path: f.Name, Data: []byte(in)}}, load.Options{}))
			archive.Files[i].Data = []byte(in + dashes + got)
			compare(t, f.Name, want, got)
		}
	}
	if last := &archive.Files[len(archive.Files)-1]; last.Name == "want" { // all files together
		got := render(load.Load(manifests(archive), load.Options{ReadFile: reader(archive)}))
		compare(t, path, string(last.Data), got)
		last.Data = []byte(got)
	}
	if *update {
		if err := os.WriteFile(path, txtar.Format(archive), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func compare(t *testing.T, name, want, got string) {
	t.Helper()
	if !*update && want != got {
		t.Errorf("%s (-want +got):\n%s", name, cmp.Diff(want, got))
	}
}

func manifests(a *txtar.Archive) []load.File {
	var files []load.File
	for _, f := range a.Files {
		if strings.HasSuffix(f.Name, ".yaml") || strings.HasSuffix(f.Name, ".json") {
			files = append(files, load.File{Path: f.Name, Data: f.Data})
		}
	}
	return files
}

func reader(a *txtar.Archive) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		for _, f := range a.Files {
			if f.Name == path {
				return f.Data, nil
			}
		}
		return nil, fs.ErrNotExist
	}
}

func render(r load.Result) string {
	var b strings.Builder
	for _, p := range r.Problems {
		fmt.Fprintln(&b, p)
	}
	for _, o := range r.Objects {
		fmt.Fprintf(&b, "%s (%s)\n", o.Key(), o.Source())
		if s := spec.Template(o); s != nil {
			for _, e := range s.Env {
				fmt.Fprintf(&b, "  %s=%s\n", e.Name, e.Value)
			}
		}
	}
	return b.String()
}

func TestUnusableFiles(t *testing.T) {
	manifest := "apiVersion: berth.dev/v1\nkind: Volume\nmetadata: {name: a}\n"
	for _, c := range []struct {
		name string
		file load.File
		want string
	}{
		{"unreadable", load.File{Err: errors.New("permission denied")}, "m.yaml: cannot be read: permission denied"},
		{"a pipe", load.File{Err: errors.New("cannot read m.yaml: it is a pipe")}, "m.yaml: cannot be read: it is a pipe"},
		{"large", load.File{Data: bytes.Repeat([]byte("#"), load.MaxSize+1)}, "m.yaml: found a file of 1048577 bytes; want at most 1048576 (1 MiB): split it"},
		{"binary", load.File{Data: []byte(manifest + "\x00")}, "m.yaml: found a NUL character (byte 58); want YAML: this is a binary file"},
		{"UTF-16", load.File{Data: []byte("\xff\xfea\x00")}, "m.yaml: found UTF-16; want UTF-8: save it anew"},
		{"Latin-1", load.File{Data: []byte(manifest + "# caf\xe9\n")}, "m.yaml:4: found 0xe9, which is not UTF-8 (byte 63 of the file); want UTF-8: save it anew"},
	} {
		c.file.Path = "m.yaml"
		r := load.Load([]load.File{c.file}, load.Options{})
		if got := strings.TrimSpace(render(r)); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
		if !r.Broken["m.yaml"] {
			t.Errorf("%s: the file is not broken", c.name)
		}
	}
}

func TestFilesThatSayNothing(t *testing.T) {
	for _, data := range []string{"\n", "# a comment\n", "---\n", "---\n---\n# nothing\n", "\uFEFF"} {
		r := load.LoadFile(load.File{Path: "m.yaml", Data: []byte(data)}, load.Options{})
		if len(r.Problems) > 0 || len(r.Objects) > 0 {
			t.Errorf("%q: %v %v", data, r.Objects, r.Problems)
		}
	}
}

// A file that is suddenly empty is a save cut short, more often than not.
func TestEmptyFile(t *testing.T) {
	r := load.Load([]load.File{{Path: "m.yaml"}}, load.Options{})
	if len(r.Problems) != 1 || !strings.Contains(r.Problems[0].String(), "m.yaml: found an empty file") || !r.Broken["m.yaml"] {
		t.Errorf("%v, broken %v", r.Problems, r.Broken)
	}
}

func TestProblemsAreBounded(t *testing.T) {
	for _, line := range []string{"- *a\n", "x: &a\n", "a: 1\n", "apiVersion: berth.dev/v1\nkind: Volume\n---\n"} {
		r := load.LoadFile(load.File{Path: "m.yaml", Data: []byte(strings.Repeat(line, 20000))}, load.Options{})
		if n := len(r.Problems); n == 0 || n > 101 {
			t.Errorf("%q: %d problems", line, n)
		}
	}
}

// TestSecretsAreNotShown sends a word through every problem that a value can cause.
func TestSecretsAreNotShown(t *testing.T) {
	const form = "apiVersion: berth.dev/v1\nkind: %s\nmetadata: {name: a}\nspec:\n  %s\n"
	for _, c := range [][2]string{
		{"Container", "env: hunter2"},
		{"Container", "env: {PASSWORD: hunter2}"},
		{"Container", "env: [hunter2]"},
		{"Container", "env: [{name: A, value: [hunter2]}]"},
		{"Container", "env: [{name: A, value: !x hunter2}]"},
		{"Container", "env: [{name: A, value: &x hunter2}]"},
		{"Container", `env: [{name: A, value: "hunter2\0"}]`},
		{"Container", `env: [{name: A, value: "hunter2}]`},
		{"Container", `image: x, command: "hunter2`},
		{"Container", `args: hunter2`},
		{"Container", `env: [{name: A, value: *hunter2}]`},
		{"Container", `env: [{name: A, value: &hunter2 x}]`},
		{"Container", `env: [{name: A, value: !hunter2 x}]`},
		{"Container", `env: [{name: A, value: @hunter2}]`},
		{"Container", `env: [{name: A=hunter2}]`},
		{"Container", `env: [A=hunter2]`},
		{"Container", `env: [{A=hunter2: x}]`},
		{"Container", `logging: {driver: none, options: {token: hunter2}}`},
		{"Volume", `options: hunter2`},
		{"Container", `livenessProbe: {httpGet: {port: 80, path: "a?hunter2"}}`},
		{"Container", `livenessProbe: {httpGet: {port: 80, httpHeaders: [{name: A, value: "hunter2\n"}]}}`},
		{"Container", `livenessProbe: {httpGet: {port: 80, httpHeaders: [{name: "A: hunter2"}]}}`},
		{"Container", `livenessProbe: {httpGet: {port: 80, httpHeaders: [{name: A, value: [hunter2]}]}}`},
		{"Container", `livenessProbe: {exec: {command: hunter2}}`},
		{"Container", `initContainers: [{name: i, env: [{name: A=hunter2}]}]`},
		{"Notification", `webhook: {url: "ftp://hunter2"}`},
		{"Notification", `webhook: {url: "http://a/ hunter2"}`},
		{"Notification", `webhook: {url: [hunter2]}`},
		{"Notification", `webhook: {url: "http://hunter2\0"}`},
		{"Notification", `webhook: {url: "http://a", headers: [{name: "Authorization hunter2", value: x}]}`},
		{"Notification", `webhook: {url: "http://a", headers: [{name: A, value: "hunter2\n"}]}`},
		{"Notification", `webhook: {url: "http://a", headers: [{name: A, value: {hunter2: a}}]}`},
	} {
		r := load.Load([]load.File{{Path: "m.yaml", Data: fmt.Appendf(nil, form, c[0], c[1])}}, load.Options{})
		if len(r.Problems) == 0 || strings.Contains(render(r), "hunter2") {
			t.Errorf("%s:\n%s", c[1], render(r))
		}
	}
	digits := fmt.Appendf(nil, form, "Container", "image: x\n  env: [{name: A, value: 73313}]\n  args: [73313]")
	if got := render(load.Load([]load.File{{Path: "m.yaml", Data: digits}}, load.Options{})); strings.Contains(got, "73313") || !strings.Contains(got, "put it in quotes") {
		t.Error(got)
	}
}

func TestWithLastGood(t *testing.T) {
	volume := func(names ...string) []byte {
		var b bytes.Buffer
		for _, n := range names {
			fmt.Fprintf(&b, "---\napiVersion: berth.dev/v1\nkind: Volume\nmetadata: {name: %s}\n", n)
		}
		return b.Bytes()
	}
	first := load.Load([]load.File{{Path: "d/a.yaml", Data: volume("a", "b")}, {Path: "e/c.yaml", Data: volume("c")}, {Path: "f.yaml", Data: volume("f")}}, load.Options{})
	good := first.WithLastGood(nil)
	second := load.Load([]load.File{ // half of a.yaml is gone, e cannot be read, f.yaml was removed, and b moved
		{Path: "d/a.yaml", Data: append(volume("a"), "---\nkind: Vol"...)},
		{Path: "e", Err: errors.New("permission denied")},
		{Path: "g.yaml", Data: volume("b")},
	}, load.Options{})
	var got []string
	for _, o := range second.WithLastGood(good) {
		got = append(got, o.Key().Name+" "+o.Source().File)
	}
	if diff := cmp.Diff([]string{"a d/a.yaml", "b g.yaml", "c e/c.yaml"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestRankDecidesBeforePath(t *testing.T) {
	data := []byte("apiVersion: berth.dev/v1\nkind: Volume\nmetadata: {name: a}\n")
	results := []load.FileResult{
		load.LoadFile(load.File{Path: "a.yaml", Data: data}, load.Options{}),
		load.LoadFile(load.File{Path: "b.yaml", Data: data}, load.Options{}),
		load.LoadFile(load.File{Path: "c.yaml", Data: data}, load.Options{}),
	}
	results[0].Rank = 1 // as that of a copy made later
	r := load.Merge(results)
	if len(r.Objects) != 1 || r.Objects[0].Source().File != "b.yaml" || !r.Broken["a.yaml"] || !r.Broken["c.yaml"] {
		t.Error(render(r))
	}
}
