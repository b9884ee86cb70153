package plan

import (
	"encoding/json"
	goflag "flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"
	"sigs.k8s.io/yaml"

	"berth.dev/berth/spec"
	"berth.dev/berth/spec/native"
)

var rewrite = goflag.Bool("update", false, "write the plans that are made into testdata")

// TestPlans runs testdata/*.txtar. A file has objects.yaml, optionally `given`, a script that each of its cases starts with, and
// then cases: a script named `case WHAT`, and what is planned after it. The scripts' commands are below.
func TestPlans(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no fixtures: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) { runFixture(t, file) })
	}
}

func runFixture(t *testing.T, path string) {
	archive, err := txtar.ParseFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var objects, given string
	out := &txtar.Archive{Comment: archive.Comment}
	for i, f := range archive.Files {
		data := string(f.Data)
		name, isCase := strings.CutPrefix(f.Name, "case ")
		switch {
		case f.Name == "objects.yaml":
			objects = data
		case f.Name == "given":
			given = data
		case f.Name == "plan":
			continue
		case !isCase:
			t.Fatalf("%s: what is %q?", path, f.Name)
		}
		out.Files = append(out.Files, f)
		if !isCase {
			continue
		}
		want := ""
		if i+1 < len(archive.Files) && archive.Files[i+1].Name == "plan" {
			want = string(archive.Files[i+1].Data)
		}
		t.Run(name, func(t *testing.T) {
			got := runCase(t, objects, given+data)
			out.Files = append(out.Files, txtar.File{Name: "plan", Data: []byte(got)})
			if !*rewrite && got != want {
				t.Errorf("the plan is not as expected (-want +got); run with -update to take it over:\n%s", cmp.Diff(want, got))
			}
		})
	}
	if *rewrite {
		if err := os.WriteFile(path, txtar.Format(out), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// runCase runs a script, and prints the plans of all keys afterwards.
func runCase(t *testing.T, objects, script string) string {
	t.Helper()
	w := newWorld()
	for _, o := range parseObjects(t, objects) {
		w.objects[o.Key()] = o
		if c := spec.Template(o); c != nil && w.registry[c.Image].ID == "" {
			w.addImage(c.Image, spec.ContainerSpec{})
		}
	}
	for line := range strings.Lines(script) {
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		if err := w.command(line); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	var b strings.Builder
	for _, k := range w.keys() {
		if text := describe(w.plan(k)); text != "" {
			fmt.Fprintf(&b, "# %s\n%s", k, text)
		}
	}
	return b.String()
}

func parseObjects(t *testing.T, data string) (out []spec.Object) {
	t.Helper()
	for _, d := range native.Parse([]byte(data)) {
		if len(d.Errors) > 0 {
			t.Fatalf("objects.yaml: %v", d.Errors)
		}
		spec.Default(d.Object)
		out = append(out, d.Object)
	}
	return out
}

// describe is a plan as it prints, with what it leaves out: whether an action repairs, and what is sent.
func describe(p Plan) string {
	var b strings.Builder
	b.WriteString(p.String())
	for _, a := range p.Actions {
		if a.Repair {
			fmt.Fprintf(&b, "(%s %s is a repair)\n", a.Kind, a.Target)
		}
		for _, op := range a.Ops {
			b.WriteString(sent(op, ""))
			if op.Undo != nil {
				b.WriteString(sent(*op.Undo, "undo "))
			}
		}
	}
	return b.String()
}

func sent(op Op, prefix string) string {
	switch {
	case op.Update != nil:
		return fmt.Sprintf("(%ssends %s)\n", prefix, fields(*op.Update))
	case op.Endpoint != nil:
		return fmt.Sprintf("(%ssends %s)\n", prefix, toJSON(op.Endpoint))
	case op.Container != nil && len(op.Container.Anonymous) > 0:
		return fmt.Sprintf("(takes over %s)\n", toJSON(slices.Sorted(maps.Keys(op.Container.Anonymous))))
	}
	return ""
}

// fields lists what is set of a struct.
func fields(v any) string {
	var out []string
	r := reflect.ValueOf(v)
	for i := range r.NumField() {
		if f := r.Field(i); !f.IsZero() {
			out = append(out, fmt.Sprintf("%s=%v", r.Type().Field(i).Name, reflect.Indirect(f).Interface()))
		}
	}
	return strings.Join(out, " ")
}

// command runs one line of a script.
func (w *world) command(line string) error {
	name, rest, _ := strings.Cut(line, " ")
	c, ok := commands[name]
	if !ok {
		return fmt.Errorf("no such command; there are %s", strings.Join(slices.Sorted(maps.Keys(commands)), ", "))
	}
	args := strings.SplitN(rest, " ", c.args)
	if rest == "" {
		args = nil
	}
	if len(args) < c.args-c.optional {
		return fmt.Errorf("too few arguments")
	}
	return c.run(w, append(args, make([]string, c.args-len(args))...))
}

type scriptCommand struct {
	args, optional int // the last argument takes the rest of the line
	run            func(w *world, args []string) error
}

// objectNamed finds an object of the fixture by KIND/NAME, or by NAME where it is a Container.
func (w *world) objectNamed(name string) (spec.Object, error) {
	kind, short, ok := strings.Cut(name, "/")
	if !ok {
		kind, short = string(spec.KindContainer), name
	}
	for k, o := range w.objects {
		if string(k.Kind) == kind && k.Name == short {
			return o, nil
		}
	}
	return nil, fmt.Errorf("no object %s", name)
}

// edit sets a field of a struct by its path, as in spec.resources.limits.cpu; null takes it away.
func edit(target any, path, value string) error {
	raw, err := json.Marshal(target)
	if err != nil {
		return err
	}
	var tree map[string]any
	if err := json.Unmarshal(raw, &tree); err != nil {
		return err
	}
	var v any
	if err := yaml.Unmarshal([]byte(value), &v); err != nil {
		return err
	}
	parts := strings.Split(path, ".")
	at := tree
	for _, part := range parts[:len(parts)-1] {
		next, ok := at[part].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[part] = next
		}
		at = next
	}
	if last := parts[len(parts)-1]; v == nil {
		delete(at, last)
	} else {
		at[last] = v
	}
	raw, err = json.Marshal(tree)
	if err != nil {
		return err
	}
	reflect.ValueOf(target).Elem().SetZero()
	return yaml.UnmarshalStrict(raw, target)
}

func (w *world) container(name string) (*Container, error) {
	if c := w.find(name); c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("no container %s", name)
}

// onContainer is a command whose first argument is a container.
func onContainer(args, optional int, run func(w *world, c *Container, args []string) error) scriptCommand {
	return scriptCommand{args, optional, func(w *world, a []string) error {
		c, err := w.container(a[0])
		if err != nil {
			return err
		}
		return run(w, c, a[1:])
	}}
}

// commands are what a fixture's script can say.
var commands map[string]scriptCommand

func init() {
	commands = map[string]scriptCommand{
		// What is wanted.
		"edit": {3, 0, func(w *world, a []string) error {
			o, err := w.objectNamed(a[0])
			if err != nil {
				return err
			}
			switch o := o.(type) {
			case *spec.Container:
				err = edit(&o.Spec, a[1], a[2])
			case *spec.Network:
				err = edit(&o.Spec, a[1], a[2])
			case *spec.Volume:
				err = edit(&o.Spec, a[1], a[2])
			case *spec.Job:
				err = edit(&o.Spec, a[1], a[2])
			case *spec.CronJob:
				err = edit(&o.Spec, a[1], a[2])
			}
			spec.Default(o)
			return err
		}},
		"delete": {1, 0, func(w *world, a []string) error {
			o, err := w.objectNamed(a[0])
			if err == nil {
				delete(w.objects, o.Key())
			}
			return err
		}},
		"annotate-adopt": {1, 0, func(w *world, a []string) error {
			o, err := w.objectNamed(a[0])
			if err == nil {
				o.Meta().Annotations = map[string]string{spec.AdoptAnnotation: "true"}
			}
			return err
		}},

		// What is done: all that is planned, or the first operations of one object's plan.
		"applied": {0, 0, func(w *world, _ []string) error { return w.settle() }},
		"crash": {2, 0, func(w *world, a []string) error {
			o, err := w.objectNamed(a[0])
			if err != nil {
				return err
			}
			n, err := strconv.Atoi(a[1])
			if err != nil {
				return err
			}
			for _, action := range w.plan(o.Key()).Now().Actions {
				for _, op := range action.Ops {
					if n--; n < 0 {
						return nil
					}
					if err := w.do(op); err != nil {
						return err
					}
				}
			}
			if n > 0 {
				return fmt.Errorf("the plan has fewer operations")
			}
			return nil
		}},
		"wait": {1, 0, func(w *world, a []string) error {
			d, err := time.ParseDuration(a[0])
			w.now = w.now.Add(d)
			return err
		}},

		// What is done by hand.
		"restart": onContainer(1, 0, func(w *world, c *Container, _ []string) error {
			c.State, c.StartedAt = StateRunning, w.now
			return nil
		}),
		"state": onContainer(4, 2, func(w *world, c *Container, a []string) error {
			c.State, c.ExitCode, c.Error = State(a[0]), 0, a[2]
			if c.State == StateCreated {
				c.StartedAt = time.Time{}
			}
			if c.State != StateRunning && c.State != StatePaused && !c.StartedAt.IsZero() {
				c.FinishedAt = w.now
			}
			var err error
			if a[1] != "" {
				c.ExitCode, err = strconv.Atoi(a[1])
			}
			return err
		}),
		"set": onContainer(3, 0, func(_ *world, c *Container, a []string) error { return edit(&c.Spec, a[0], a[1]) }),
		"rename": onContainer(2, 0, func(w *world, c *Container, a []string) error {
			return w.do(Op{Verb: RenameContainer, Target: c.ID, To: a[0]})
		}),
		"restarts": onContainer(2, 0, func(_ *world, c *Container, a []string) (err error) {
			c.RestartCount, err = strconv.Atoi(a[0])
			return err
		}),
		"remove": onContainer(1, 0, func(w *world, c *Container, _ []string) error { return w.do(Op{Verb: RemoveContainer, Target: c.ID}) }),
		"connect": onContainer(3, 1, func(w *world, c *Container, a []string) error {
			n := spec.NetworkAttachment{}
			if err := yaml.Unmarshal([]byte(a[1]), &n); err != nil {
				return err
			}
			return w.connect(c, n, a[0])
		}),
		"disconnect": onContainer(2, 0, func(w *world, c *Container, a []string) error {
			return w.do(Op{Verb: Disconnect, Target: c.ID, To: a[0]})
		}),
		"foreign": {2, 1, func(w *world, a []string) error {
			image := orDefault(a[1], "other:1")
			if w.images[image].ID == "" {
				w.addImage(image, spec.ContainerSpec{})
			}
			if err := w.create(Create{Name: a[0], Spec: spec.ContainerSpec{Image: image, NetworkMode: "bridge"}}); err != nil {
				return err
			}
			delete(w.find(a[0]).Labels, spec.LabelImage)
			return w.do(Op{Verb: StartContainer, Target: a[0]})
		}},
		// committed runs an image that was made from a container, under a name: NAME CONTAINER.
		"committed": {2, 0, func(w *world, a []string) error {
			c, err := w.container(a[1])
			if err != nil {
				return err
			}
			w.addImage("committed", spec.ContainerSpec{Labels: c.Labels})
			image := c.Labels[spec.LabelImage]
			if err := w.create(Create{Name: a[0], Spec: spec.ContainerSpec{Image: "committed", NetworkMode: "bridge"}}); err != nil {
				return err
			}
			w.find(a[0]).Labels[spec.LabelImage] = image
			return w.do(Op{Verb: StartContainer, Target: a[0]})
		}},
		"foreign-network": {2, 1, func(w *world, a []string) error {
			s := spec.NetworkSpec{}
			if err := yaml.Unmarshal([]byte(a[1]), &s); err != nil {
				return err
			}
			return w.createNetwork(NetworkCreate{Name: a[0], Spec: s, Labels: map[string]string{}})
		}},
		"foreign-volume": {1, 0, func(w *world, a []string) error { w.volumes[a[0]] = Volume{Name: a[0]}; return nil }},
		"network-anew": {1, 0, func(w *world, a []string) error {
			n := w.networks[a[0]]
			n.ID = w.newID("e")
			w.networks[a[0]] = n
			return nil
		}},
		"remove-network": {1, 0, func(w *world, a []string) error { delete(w.networks, a[0]); return nil }},
		"set-volume": {3, 0, func(w *world, a []string) error {
			v := w.volumes[a[0]]
			err := edit(&v.Spec, a[1], a[2])
			w.volumes[a[0]] = v
			return err
		}},

		// What the engine has and is.
		"image": {2, 1, func(w *world, a []string) error {
			s := spec.ContainerSpec{}
			if err := yaml.UnmarshalStrict([]byte(a[1]), &s); err != nil {
				return err
			}
			w.addImage(a[0], s)
			return nil
		}},
		"no-image": {1, 0, func(w *world, a []string) error {
			delete(w.images, w.images[a[0]].ID)
			delete(w.images, a[0])
			return nil
		}},
		"engine": {1, 0, func(w *world, a []string) error { return yaml.UnmarshalStrict([]byte(a[0]), &w.engine) }},
		// record makes a container's record one of another version of berth.
		"record": onContainer(2, 0, func(_ *world, c *Container, a []string) error {
			c.Labels[spec.LabelApplied] = a[0] + " logging=0000000000 ipcMode=0000000000 env=0000000000"
			return nil
		}),

		// What the agent remembers: KIND CONTAINER COUNT AGO [ERROR].
		"tries": {5, 1, func(w *world, a []string) error {
			count, err := strconv.Atoi(a[2])
			if err != nil {
				return err
			}
			ago, err := time.ParseDuration(a[3])
			t := Tries{Count: count, First: w.now.Add(-ago), Last: w.now.Add(-ago), Error: a[4]}
			switch c := w.find(a[1]); a[0] {
			case "start":
				w.memory.Starts[a[1]] = t
			case "recreate", "surge":
				key, _ := KeyOf(c.Summary)
				for _, action := range w.plan(key).Actions {
					if action.Kind == ActionKind(a[0]) {
						t.Revision = action.Revision
					}
				}
				w.memory.Recreates[a[1]] = t
			}
			return err
		}},
	}
}
