package engine_test

import (
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"

	"berth.dev/berth/reconciler/engine"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

func TestEveryFieldHasASample(t *testing.T) {
	covered := map[string]bool{"image": true} // every sample has one
	for _, s := range samples {
		for path := range leaves(parse(t, s.spec)) {
			field, _, _ := strings.Cut(path, ":")
			covered[field] = true
		}
	}
	for _, path := range fieldPaths(reflect.TypeFor[spec.ContainerSpec](), "") {
		if !covered[path] && !agentOnly(t, path) {
			t.Errorf("%s has no sample", path)
		}
	}
}

// agentOnly reports whether the engine is never told a field: one is enough of each, in the sample "agent".
func agentOnly(t *testing.T, path string) bool {
	field, rest, _ := strings.Cut(path, ".")
	field = strings.TrimSuffix(field, "[]")
	_, there := leaves(parse(t, samples["agent"].spec))[field]
	for p := range leaves(parse(t, samples["agent"].spec)) {
		there = there || strings.HasPrefix(p, field+".") || strings.HasPrefix(p, field+"[]")
	}
	return rest != "" && there
}

func parse(t *testing.T, manifest string) (s spec.ContainerSpec) {
	t.Helper()
	if err := yaml.UnmarshalStrict([]byte(manifest), &s); err != nil {
		t.Fatalf("%s: %v", manifest, err)
	}
	return s
}

// TestRoundTrip asks the engine for every field, and expects to be told what was asked for: of a container that was created and
// of one that runs, and also where the image sets much of the same.
func TestRoundTrip(t *testing.T) {
	t.Parallel() // with the tests that wait
	c := connect(t)
	info, err := c.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	fill := surroundings(t, c, info)
	t.Run("samples", func(t *testing.T) { // so that the surroundings outlive the samples
		for _, name := range slices.Sorted(maps.Keys(samples)) {
			for image, start := range map[string]bool{appImage: true, metaImage: false} {
				t.Run(name+" on "+strings.TrimPrefix(image, "berth.test/"), func(t *testing.T) {
					t.Parallel()
					trip{c, info, samples[name], fill, start}.run(t, image)
				})
			}
		}
	})
}

// surroundings makes what samples refer to.
func surroundings(t *testing.T, c *engine.Client, e plan.Engine) *strings.Replacer {
	t.Helper()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "seccomp.json"), []byte(`{"defaultAction": "SCMP_ACT_ALLOW"}`), 0o600); err != nil {
		t.Fatal(err)
	}
	net := createNetwork(t, c, "net", spec.NetworkSpec{IPv6: true, IPAM: &spec.IPAM{Pools: []spec.IPAMPool{{Subnet: "10.213.77.0/24"}, {Subnet: "fd00:be57::/64"}}}})
	net2 := createNetwork(t, c, "net2", spec.NetworkSpec{IPAM: &spec.IPAM{Pools: []spec.IPAMPool{{Subnet: "10.213.78.0/24"}}}})
	volume := createVolume(t, c, "vol", spec.VolumeSpec{})
	peer := run(t, c, "peer", spec.ContainerSpec{IpcMode: "shareable"})
	image, err := c.Image(t.Context(), appImage)
	if err != nil {
		t.Fatal(err)
	}
	return strings.NewReplacer("$NET2", net2.Name, "$NET", net.Name, "$VOL", volume, "$PEER", peer.ID, "$DIR", dir, "$DISK", disk(t), "$PLATFORM", image.Platform)
}

// disk finds a block device of the host.
func disk(t *testing.T) string {
	t.Helper()
	found, err := filepath.Glob("/sys/block/*")
	if err != nil || len(found) == 0 {
		t.Fatal("this test needs a block device: /sys/block has none")
	}
	for _, f := range found {
		if _, err := os.Stat("/dev/" + filepath.Base(f)); err == nil {
			return "/dev/" + filepath.Base(f)
		}
	}
	t.Fatal("this test needs a block device: none of /sys/block is in /dev")
	return ""
}

type trip struct {
	c      *engine.Client
	engine plan.Engine
	sample
	fill  *strings.Replacer
	start bool
}

func (r trip) run(t *testing.T, image string) {
	asked := parse(t, r.fill.Replace(r.spec))
	want := r.expected(asked)
	asked.Image = image
	if asked.Args == nil {
		asked.Args = []string{"-exit-after", "1h"}
	}
	if !r.supported(t, asked) {
		return
	}
	id, _, err := create(t, r.c, plan.Create{Name: named(strings.NewReplacer("/", "-", " ", "-", ":", "-").Replace(t.Name())), Spec: asked})
	if r.refused(t, err) {
		return
	}
	compare(t, "created", want, inspect(t, r.c, id))
	if !r.start || r.refused(t, r.c.Start(t.Context(), id)) {
		return
	}
	compare(t, "running", want, inspect(t, r.c, id))
}

// supported holds that what the engine cannot do is said before, and nothing else is.
func (r trip) supported(t *testing.T, asked spec.ContainerSpec) bool {
	t.Helper()
	can := r.needs == nil || r.needs(r.engine)
	said := strings.Join(plan.Unsupported(&asked, r.engine), "\n")
	switch {
	case can && said != "":
		t.Fatalf("said to be unsupported: %s", said)
	case !can && !strings.Contains(said, r.gap):
		t.Fatalf("unsupported, but what is said is %q, want %q", said, r.gap)
	}
	if !can && plan.APIGaps(&asked, r.engine) != nil {
		_, _, err := create(t, r.c, plan.Create{Name: named("gap"), Spec: asked})
		wantFault(t, err, fault.DockerConfiguration, fault.Terminal, r.gap+"; the engine has "+r.engine.APIVersion+" (Docker "+r.engine.Version+")")
	}
	return can
}

func (r trip) refused(t *testing.T, err error) bool {
	t.Helper()
	if err != nil && (r.refusal == "" || fault.ClassOf(err) != r.refusal) {
		t.Fatalf("class %s, want %q: %v", fault.ClassOf(err), r.refusal, err)
	}
	return err != nil
}

// expected is what was asked for, but for what the sample says.
func (r trip) expected(asked spec.ContainerSpec) map[string][]string {
	asked.EngineOnly()
	want := leaves(asked)
	for path, value := range r.lifted {
		delete(want, path)
		if value != "" {
			want[path] = []string{r.fill.Replace(value)}
		}
	}
	return want
}

// compare looks for every value that is wanted. The image's and the engine's own beside them are no difference.
func compare(t *testing.T, when string, want map[string][]string, seen plan.Container) {
	t.Helper()
	got := seen.Spec
	for _, name := range slices.Sorted(maps.Keys(seen.Endpoints)) {
		got.Networks = append(got.Networks, seen.Endpoints[name].NetworkAttachment)
	}
	has := leaves(got)
	for path, values := range want {
		for _, v := range values {
			if !slices.Contains(has[path], v) {
				t.Errorf("%s: %s is %s, want %s", when, path, strings.Join(has[path], ", "), v)
			}
		}
	}
}
