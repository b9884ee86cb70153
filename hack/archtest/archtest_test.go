// Package archtest holds the design's arrows: which package may import which.
package archtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "berth.dev/berth/"

// allowed lists, for each package and those below it, what of berth it may import; the longest prefix decides. A name ending in /
// stands for all packages below it.
var allowed = map[string][]string{
	"spec":                  {"spec/internal/", "spec/near"},
	"spec/native":           {"spec", "spec/internal/"},
	"spec/schema":           {"spec", "spec/internal/"},
	"spec/load":             {"spec", "spec/native"},
	"watcher":               {"spec", "spec/load"},
	"reconciler/plan":       {"spec", "reconciler/schedule"},
	"reconciler/schedule":   {},
	"reconciler/fault":      {},
	"reconciler/apply":      {"spec", "reconciler/plan", "reconciler/fault"},
	"reconciler/probe":      {"spec", "reconciler/plan"},
	"reconciler":            {"spec", "reconciler/plan", "reconciler/apply", "reconciler/fault", "reconciler/probe"},
	"reconciler/engine":     {"spec", "reconciler/plan", "reconciler/apply", "reconciler/fault", "reconciler"},
	"reconciler/enginetest": {"spec", "spec/load", "reconciler/plan", "reconciler/apply", "reconciler/fault", "reconciler"},
	"controller": {"spec", "spec/load", "watcher", "reconciler", "reconciler/plan", "reconciler/apply", "reconciler/fault", "reconciler/probe", "reconciler/schedule",
		"controller/notify", "controller/updates", "controller/statefile"},
	"controller/notify":    {"spec", "controller/retry"},
	"controller/retry":     {},
	"controller/statefile": {},
	"controller/server":    {"spec", "controller", "reconciler"},
	"controller/updates":   {"spec", "controller/retry", "controller/statefile"},
	"cmd/berth": {"spec", "spec/near", "spec/load", "spec/native", "spec/schema", "watcher", "reconciler", "reconciler/plan", "reconciler/fault",
		"reconciler/engine", "controller", "controller/server"},
	"hack": {"spec", "spec/", "watcher", "reconciler", "reconciler/", "controller", "controller/", "hack/"},
}

// onlyThere lists packages of others that one package of ours alone may import.
var onlyThere = map[string]string{
	"github.com/docker/docker/":               "reconciler/engine",
	"github.com/docker/cli/":                  "reconciler/engine",
	"github.com/docker/go-connections/":       "reconciler/engine",
	"github.com/fsnotify/":                    "watcher",
	"github.com/google/go-containerregistry/": "controller/updates",
	"github.com/spf13/cobra":                  "cmd/berth",
	"go.uber.org/zap":                         "cmd/berth",
	"github.com/prometheus/":                  "controller cmd/berth",
	"google.golang.org/grpc":                  "reconciler/probe",
	"k8s.io/client-go/":                       "controller",
	"go.yaml.in/yaml/":                        "spec/native",
}

// pure may not do I/O: they import none of these.
var pure = map[string][]string{
	"spec":            {"os", "net/http", "io/fs", "context"},
	"reconciler/plan": {"os", "net/http", "io/fs", "context", "github.com/go-logr/logr"},
}

type pkg struct {
	ImportPath string
	Imports    []string
}

func packages(t *testing.T) (out []pkg) {
	t.Helper()
	b, err := exec.CommandContext(t.Context(), "go", "list", "-json=ImportPath,Imports", module+"...").Output()
	if err != nil {
		var failed *exec.ExitError
		if errors.As(err, &failed) {
			t.Fatalf("go list: %s", failed.Stderr)
		}
		t.Fatal(err)
	}
	for d := json.NewDecoder(bytes.NewReader(b)); ; {
		var p pkg
		switch err := d.Decode(&p); {
		case errors.Is(err, io.EOF):
			return out
		case err != nil:
			t.Fatal(err)
		}
		out = append(out, p)
	}
}

func TestArrows(t *testing.T) {
	seen := 0
	for _, p := range packages(t) {
		name := strings.TrimPrefix(p.ImportPath, module)
		rule, ok := ruleFor(name)
		if !ok {
			t.Errorf("%s has no rule: say here what it may import", name)
			continue
		}
		seen++
		for _, imported := range p.Imports {
			own, isOurs := strings.CutPrefix(imported, module)
			if isOurs && !permitted(rule, own) {
				t.Errorf("%s imports %s: the arrow points the other way", name, own)
			}
			if !isOurs && !strings.HasPrefix(name, "hack") {
				checkOthers(t, name, imported)
			}
		}
	}
	if seen < len(allowed) {
		t.Errorf("only %d packages were found", seen)
	}
}

// ruleFor finds the rule of a package, or of the nearest above it.
func ruleFor(name string) ([]string, bool) {
	for {
		if rule, ok := allowed[name]; ok {
			return rule, true
		}
		i := strings.LastIndexByte(name, '/')
		if i < 0 {
			return nil, false
		}
		name = name[:i]
	}
}

func permitted(rule []string, imported string) bool {
	return slices.ContainsFunc(rule, func(r string) bool {
		return r == imported || strings.HasSuffix(r, "/") && strings.HasPrefix(imported, r)
	})
}

func checkOthers(t *testing.T, name, imported string) {
	t.Helper()
	for prefix, owner := range onlyThere {
		owners := strings.Fields(owner)
		if strings.HasPrefix(imported, prefix) && !slices.ContainsFunc(owners, func(o string) bool { return name == o || strings.HasPrefix(name, o+"/") }) {
			t.Errorf("%s imports %s, which only %s may", name, imported, owner)
		}
	}
	if slices.Contains(pure[name], imported) {
		t.Errorf("%s imports %s: it does no I/O", name, imported)
	}
}

// Nothing that is shipped has the engine in memory in it.
func TestShippedProgram(t *testing.T) {
	b, err := exec.CommandContext(t.Context(), "go", "list", "-deps", module+"cmd/berth").Output()
	if err != nil {
		t.Fatal(err)
	}
	shipped := map[string]bool{}
	for dep := range strings.FieldsSeq(string(b)) {
		shipped[dep] = true
		if dep == module+"reconciler/enginetest" || strings.HasPrefix(dep, module+"hack") {
			t.Errorf("the program contains %s", dep)
		}
	}
	for _, p := range packages(t) {
		if shipped[p.ImportPath] && slices.Contains(p.Imports, "testing") {
			t.Errorf("%s is shipped, and imports testing", p.ImportPath)
		}
	}
}
