package e2e

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// rounds is how often the agent is killed.
const rounds = 8

// TestKilledAgentConverges kills the agent (-9) while it changes things: each time at another call of the engine's, before or
// after the engine has done it. The next agent has to find its way from there.
func TestKilledAgentConverges(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	k := newKillings(t, rand.New(rand.NewPCG(seed, 0)))
	for round := range rounds {
		k.write(1+k.random.IntN(3), round)
		k.killAtCall(1 + k.random.IntN(14))
	}
	k.write(2, rounds)
	a := k.start()
	if !poll(30*time.Second, func() bool { return k.converged() == nil }) {
		t.Errorf("not converged: %v\n%s", k.converged(), a.log())
	}
	if err := a.end(); err != nil {
		t.Error(err)
	}
	if r := docker("volume", "inspect", "e2e-killed.data"); r.err != nil {
		t.Error(r.err)
	}
	if r := docker("exec", "e2e-killed.web.0", "/testapp", "cat", "/kept/hello"); r.err != nil || r.stdout != "kept" {
		t.Errorf("the volume's data is lost: %q %v", r.stdout, r.err)
	}
}

// killings is the state of the test.
type killings struct {
	t      *testing.T
	random *rand.Rand
	dir    string
	proxy  *proxy
	// What the manifests want now.
	copies, version int
}

func newKillings(t *testing.T, random *rand.Rand) *killings {
	k := &killings{t: t, random: random, dir: t.TempDir()}
	t.Cleanup(func() {
		if err := cleanUp(); err != nil {
			t.Error(err)
		}
	})
	p, err := newProxy(filepath.Join(k.dir, "engine.sock"))
	if err != nil {
		t.Fatal(err)
	}
	k.proxy = p
	t.Cleanup(p.close)
	if err := os.Mkdir(filepath.Join(k.dir, "m"), 0o755); err != nil {
		t.Fatal(err)
	}
	if r := docker("run", "--rm", "--volume", "e2e-killed-kept:/kept", "--name", "e2e-killed-writer", "--entrypoint", "/testapp",
		"berth.test/app:1", "-exit-after", "1ms", "-write", "/kept/hello=kept"); r.err != nil {
		t.Fatal(r.err)
	}
	return k
}

// write puts manifests down: some copies of a container that is replaced by every version, others beside, a network and volumes.
func (k *killings) write(copies, version int) {
	k.copies, k.version = copies, version
	var b strings.Builder
	container := func(name string, replicas int, rest string) {
		fmt.Fprintf(&b, "---\napiVersion: berth.dev/v1\nkind: Container\nmetadata: {name: %s, namespace: e2e-killed}\nspec:\n"+
			"  replicas: %d\n  image: berth.test/app:1\n  env: [{name: ROUND, value: \"%d\"}]\n%s", name, replicas, version, rest)
	}
	container("web", copies, "  networks: [{name: net}]\n  volumes: [{mountPath: /kept, volume: {name: kept}}, {mountPath: /data, volume: {name: data}}, {mountPath: /anonymous, volume: {}}]\n")
	container("other", 1, "")
	b.WriteString("---\napiVersion: berth.dev/v1\nkind: Network\nmetadata: {name: net, namespace: e2e-killed}\n" +
		"---\napiVersion: berth.dev/v1\nkind: Volume\nmetadata: {name: data, namespace: e2e-killed}\n" +
		"---\napiVersion: berth.dev/v1\nkind: Volume\nmetadata: {name: kept, namespace: e2e-killed}\nspec: {volumeName: e2e-killed-kept, external: true}\n")
	if err := os.WriteFile(filepath.Join(k.dir, "m", "all.yaml"), []byte(b.String()), 0o644); err != nil {
		k.t.Fatal(err)
	}
}

func (k *killings) start() *agent {
	a, err := startAgent(filepath.Join(k.dir, "log"), k.dir, k.proxy.host(), []string{"agent", "--manifests", "m", "--state", "state",
		"--listen", "none", "--socket", filepath.Join(k.dir, "berth.sock")})
	if err != nil {
		k.t.Fatal(err)
	}
	return a
}

// changing are the calls that change something.
var changing = regexp.MustCompile(`^(POST|DELETE) /(containers|networks|volumes)`)

// killAtCall runs an agent until it makes its nth changing call, and kills it just then; or, where there are fewer, once nothing is
// left to do.
func (k *killings) killAtCall(n int) {
	after := k.random.IntN(2) == 0
	what := fmt.Sprintf("call %d, after it: %v", n, after)
	reached := make(chan struct{})
	var left atomic.Int64
	left.Store(int64(n))
	k.proxy.setHook(func(call string, answered bool) {
		if answered == after && changing.MatchString(call) && left.Add(-1) == 0 {
			close(reached)
		}
	})
	a := k.start()
	came := poll(30*time.Second, func() bool {
		select {
		case <-reached:
			return true
		default:
			return k.converged() == nil
		}
	})
	if err := a.kill(); err != nil {
		k.t.Fatal(err)
	}
	k.proxy.setHook(nil)
	if !came {
		k.t.Fatalf("the agent neither made %s nor came to rest: %v\n%s", what, k.converged(), a.log())
	}
}

// converged says what is not as the manifests want it.
func (k *killings) converged() error {
	want := []string{"e2e-killed.other.0"}
	for i := range k.copies {
		want = append(want, fmt.Sprintf("e2e-killed.web.%d", i))
	}
	list := docker("ps", "--all", "--filter", "name=e2e-killed", "--format", "{{.Names}}")
	got := slices.Sorted(slices.Values(strings.Fields(list.stdout)))
	if list.err != nil || !slices.Equal(got, want) {
		return fmt.Errorf("containers are %q, want %q (%v)", got, want, list.err)
	}
	r := docker(append([]string{"inspect", "--format", "{{.Name}} {{.State.Status}} {{.Config.Env}}"}, want...)...)
	for line := range strings.Lines(r.stdout) {
		if !strings.Contains(line, " running ") || !strings.Contains(line, fmt.Sprintf("[ROUND=%d ", k.version)) {
			return fmt.Errorf("not of version %d, or not running: %s", k.version, line)
		}
	}
	return r.err
}
