package doctest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"berth.dev/berth/controller"
	"berth.dev/berth/reconciler/enginetest"
	"berth.dev/berth/spec/load"
)

const root = "../.."

// documents gives every Markdown file of the project by its path.
func documents(t *testing.T) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, pattern := range []string{"*.md", "docs/*.md", "examples/*.md"} {
		paths, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range paths {
			out[p] = read(t, p)
		}
	}
	if len(out) < 5 {
		t.Fatalf("found only %d documents", len(out))
	}
	return out
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)#]+)[^)]*\)`)
	for path, text := range documents(t) {
		for _, m := range link.FindAllStringSubmatch(text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s: link to %s: %v", path, m[1], err)
			}
		}
	}
}

// yamlBlocks are the fenced YAML blocks of a document.
func yamlBlocks(text string) (blocks []string) {
	for _, m := range regexp.MustCompile("(?s)```yaml\n(.*?)```").FindAllStringSubmatch(text, -1) {
		blocks = append(blocks, m[1])
	}
	return blocks
}

func TestManifestsInDocumentsAreValid(t *testing.T) {
	checked := 0
	for path, text := range documents(t) {
		for _, block := range yamlBlocks(text) {
			if !strings.Contains(block, "apiVersion: ") || strings.Contains(block, "kind: AgentConfiguration") {
				continue
			}
			checked++
			for _, p := range load.LoadFile(load.File{Path: path, Data: []byte(block)}, load.Options{}).Problems {
				t.Error(p)
			}
		}
	}
	if checked == 0 {
		t.Error("found no manifest in any document")
	}
}

// build builds the binary once.
func build(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "berth")
	if out, err := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", bin, "../../cmd/berth").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return bin
}

func TestConfigurationInDocumentsIsReadable(t *testing.T) {
	bin := build(t)
	checked := 0
	for path, text := range documents(t) {
		for _, block := range yamlBlocks(text) {
			if !strings.Contains(block, "kind: AgentConfiguration") {
				continue
			}
			checked++
			file := filepath.Join(t.TempDir(), "agent.yaml")
			if err := os.WriteFile(file, []byte(block), 0o600); err != nil {
				t.Fatal(err)
			}
			// The listen address is checked after all of the file has been read.
			out, err := exec.CommandContext(t.Context(), bin, "agent", "--config", file, "--listen", "0.0.0.0:1").CombinedOutput()
			if err == nil || !bytes.Contains(out, []byte("loopback")) {
				t.Errorf("%s: the configuration is not read: %v: %s", path, err, out)
			}
		}
	}
	if checked == 0 {
		t.Error("found no configuration in any document")
	}
}

func TestCommandsAndFlagsExist(t *testing.T) {
	bin := build(t)
	help := func(args ...string) string {
		out, err := exec.CommandContext(t.Context(), bin, append(args, "--help")...).CombinedOutput()
		if err != nil {
			t.Fatalf("berth %v --help: %v: %s", args, err, out)
		}
		return string(out)
	}
	subcommands := func(text string) (names []string) {
		_, list, _ := strings.Cut(text, "Available Commands:\n")
		list, _, _ = strings.Cut(list, "\n\n")
		for _, m := range regexp.MustCompile(`(?m)^  ([a-z]+) +`).FindAllStringSubmatch(list, -1) {
			names = append(names, m[1])
		}
		return names
	}
	known := map[string]string{}
	for _, c := range subcommands(help()) {
		known[c] = help(c)
		if c == "completion" || c == "help" { // cobra's own
			continue
		}
		for _, sub := range subcommands(known[c]) {
			known[c+" "+sub] = help(c, sub)
		}
	}
	named := regexp.MustCompile("(?:`|^    )(?:bin/)?berth ([a-z]+)([^`\n]*)")
	flag := regexp.MustCompile(`--[a-z-]+`)
	for path, text := range documents(t) {
		for _, m := range named.FindAllStringSubmatch(text, -1) {
			name := m[1]
			if sub, _, _ := strings.Cut(strings.TrimSpace(m[2]), " "); known[name+" "+sub] != "" {
				name += " " + sub
			}
			text, ok := known[name]
			if !ok {
				t.Errorf("%s: there is no command `berth %s`", path, m[1])
			}
			for _, f := range flag.FindAllString(m[2], -1) {
				if !strings.Contains(text, f+" ") && !strings.Contains(text, f+"\n") {
					t.Errorf("%s: berth %s has no flag %s", path, name, f)
				}
			}
		}
	}
}

func TestMakeTargetsExist(t *testing.T) {
	makefile := read(t, filepath.Join(root, "Makefile"))
	for path, text := range documents(t) {
		for _, m := range regexp.MustCompile("(?:`|^    )make ([a-z-]+)").FindAllStringSubmatch(text, -1) {
			if !regexp.MustCompile(`(?m)^` + m[1] + `:`).MatchString(makefile) {
				t.Errorf("%s: there is no target %s", path, m[1])
			}
		}
	}
}

// TestReasonsAreDocumented reads the reasons from the source, so that a new one cannot be forgotten.
func TestReasonsAreDocumented(t *testing.T) {
	guide := read(t, filepath.Join(root, "docs/agent.md")) + read(t, filepath.Join(root, "docs/notifications.md"))
	for _, source := range []string{"reconciler/plan/plan.go", "reconciler/fault/fault.go", "reconciler/status.go", "reconciler/status_job.go", "reconciler/plan/job.go", "controller/jobs.go", "controller/controller.go", "controller/hopeless.go", "controller/tell.go", "controller/notifications.go"} {
		for _, m := range regexp.MustCompile(`(?:Reason +Reason +=|Reason[A-Za-z]* +=|Reason:|Class +=|return) "([A-Z][A-Za-z]+)"`).FindAllStringSubmatch(read(t, filepath.Join(root, source)), -1) {
			if !strings.Contains(guide, "`"+m[1]+"`") {
				t.Errorf("%s has the reason %s, of which docs/agent.md and docs/notifications.md say nothing", source, m[1])
			}
		}
	}
}

func TestMetricsAreDocumented(t *testing.T) {
	e := enginetest.New()
	t.Cleanup(e.Close)
	registry := prometheus.NewRegistry()
	controller.New(e, controller.Options{Registry: registry})
	described := make(chan *prometheus.Desc, 100)
	registry.Describe(described)
	close(described)
	var names []string
	for d := range described {
		names = append(names, regexp.MustCompile(`fqName: "([a-z_]+)"`).FindStringSubmatch(d.String())[1])
	}
	guide := read(t, filepath.Join(root, "docs/agent.md"))
	for _, n := range names {
		if !strings.Contains(guide, "`"+n) {
			t.Errorf("docs/agent.md says nothing of the metric %s", n)
		}
	}
	for _, m := range regexp.MustCompile("`(berth_[a-z_]+)").FindAllStringSubmatch(guide, -1) {
		if !slices.Contains(names, m[1]) {
			t.Errorf("docs/agent.md names the metric %s, and there is none", m[1])
		}
	}
}
