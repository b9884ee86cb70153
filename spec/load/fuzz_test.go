package load_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/rogpeppe/go-internal/txtar"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"berth.dev/berth/spec"
	"berth.dev/berth/spec/load"
)

// FuzzLoad holds for any input: no panic, a bounded list of problems of one printable line each, and what loads without one is written
// and loaded again as the same object.
func FuzzLoad(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		r := load.LoadFile(load.File{Path: "m.yaml", Data: data}, load.Options{})
		if len(r.Problems) > 101 || len(r.Problems) > 0 && len(r.Objects) > 0 {
			t.Fatalf("%d problems, %d objects", len(r.Problems), len(r.Objects))
		}
		for _, p := range r.Problems {
			checkLine(t, p)
		}
		for _, o := range r.Objects {
			again(t, o)
		}
	})
}

func seed(f *testing.F) {
	fixtures, _ := filepath.Glob("testdata/*.txtar")
	for _, path := range fixtures {
		a, err := txtar.ParseFile(path)
		if err != nil {
			f.Fatal(err)
		}
		for _, file := range a.Files {
			f.Add(file.Data)
		}
	}
	examples, _ := filepath.Glob("../../examples/*.yaml")
	for _, path := range examples {
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
}

func checkLine(t *testing.T, p load.Problem) {
	t.Helper()
	if p.Message == "" || len(p.String()) > 4096 {
		t.Errorf("%q", p.String())
	}
	for _, c := range p.String() {
		if c < ' ' || c == 0x7f {
			t.Fatalf("%q has control characters", p.String())
		}
	}
}

func again(t *testing.T, o spec.Object) {
	t.Helper()
	text, err := yaml.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	r := load.LoadFile(load.File{Path: "again.yaml", Data: text}, load.Options{})
	if len(r.Problems) > 0 || len(r.Objects) != 1 {
		t.Fatalf("%s\n%v", text, r.Problems)
	}
	if diff := cmp.Diff(o, r.Objects[0], equal); diff != "" {
		t.Fatal(diff)
	}
}

// equal compares content: an empty list says what none says, and a quantity may be written in several ways.
var equal = cmp.Options{
	cmpopts.EquateEmpty(),
	cmpopts.IgnoreUnexported(spec.Container{}, spec.Network{}, spec.Volume{}, spec.Job{}, spec.CronJob{}, spec.Notification{}),
	cmp.Comparer(func(a, b resource.Quantity) bool { return a.Cmp(b) == 0 }),
}
