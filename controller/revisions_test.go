package controller

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"

	"berth.dev/berth/reconciler/enginetest"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// history prints a history: each revision with what tells it from others, and how it is.
func (c *chronicle) print() string {
	var lines []string
	for _, r := range c.Revisions {
		lines = append(lines, strings.TrimSpace(fmt.Sprintf("%d %s/%s %s %s", r.Number, r.Generation, r.ImageID, r.State, r.Message)))
	}
	return strings.Join(lines, "; ")
}

// play does steps to a history: begin, deployed or failed with GENERATION/IMAGE, undo with a number.
func (c *chronicle) play(t *testing.T, steps string, limit int) (errs []string) {
	t.Helper()
	at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for step := range strings.SplitSeq(steps, ", ") {
		at = at.Add(time.Minute)
		verb, what, _ := strings.Cut(step, " ")
		gen, image, _ := strings.Cut(what, "/")
		switch verb {
		case "begin":
			c.begin(Revision{Generation: gen, ImageID: image, State: RevisionProgressing, Began: at}, limit)
		case "deployed":
			c.deployed(gen, image, at)
		case "failed":
			c.failed(gen, image, "boom", at)
		case "undo":
			n := 0
			if _, err := fmt.Sscan(what, &n); err != nil && what != "" {
				t.Fatal(err)
			}
			if _, err := c.undo(n, "", at); err != nil {
				errs = append(errs, err.Error())
			}
		default:
			t.Fatalf("no step %q", step)
		}
	}
	return errs
}

const twoGood = "begin a/1, deployed a/1, begin b/2, deployed b/2"

func TestChronicle(t *testing.T) {
	for _, tt := range []struct {
		name, steps, want string
	}{
		{"first", "begin a/1", "1 a/1 Progressing"},
		{"the same again", "begin a/1, begin a/1", "1 a/1 Progressing"},
		{"deployed", "begin a/1, deployed a/1", "1 a/1 Deployed"},
		{"a second", twoGood, "1 a/1 Superseded; 2 b/2 Deployed"},
		{"another image", "begin a/1, deployed a/1, begin a/2", "1 a/1 Deployed; 2 a/2 Progressing"},
		{"an image that was not there", "begin a/, begin a/1, deployed a/1", "1 a/1 Deployed"},
		{"an image that is gone", "begin a/1, deployed a/1, begin a/", "1 a/1 Deployed"},
		{"failed", "begin a/1, deployed a/1, begin b/2, failed b/2", "1 a/1 Deployed; 2 b/2 Failed boom"},
		{"failed, and looked at again", "begin a/1, deployed a/1, begin b/2, failed b/2, begin b/2, deployed b/2", "1 a/1 Deployed; 2 b/2 Failed boom"},
		{"what is deployed cannot fail", "begin a/1, deployed a/1, failed a/1", "1 a/1 Deployed"},
		{"nothing to go back to", "begin a/1, failed a/1, deployed a/1", "1 a/1 Deployed"},
		{"overtaken", "begin a/1, begin b/2", "1 a/1 Superseded another revision came before it was deployed; 2 b/2 Progressing"},
		{"the manifest goes back", twoGood + ", begin a/1", "2 b/2 Deployed; 3 a/1 Progressing"},
		{"a failed one comes back", "begin a/1, deployed a/1, begin b/2, failed b/2, begin a/1, begin b/2", "3 a/1 Deployed; 4 b/2 Progressing"},
		{"what never began", "deployed a/1, failed a/1", ""},

		{"undo", twoGood + ", undo", "1 a/1 Deployed; 2 b/2 Undone undone by hand"},
		{"undone, and looked at again", twoGood + ", undo, begin b/2, deployed b/2", "1 a/1 Deployed; 2 b/2 Undone undone by hand"},
		{"undone, and changed", twoGood + ", undo, begin c/3, deployed c/3", "1 a/1 Superseded; 2 b/2 Undone undone by hand; 3 c/3 Deployed"},
		{"undone, and the image changed", twoGood + ", undo, begin b/3", "1 a/1 Deployed; 2 b/2 Undone undone by hand; 3 b/3 Progressing"},
		{"undo what progresses", "begin a/1, deployed a/1, begin b/2, undo", "1 a/1 Deployed; 2 b/2 Undone undone by hand"},
		{"undo twice", twoGood + ", begin c/3, deployed c/3, undo, undo", "1 a/1 Deployed; 2 b/2 Superseded; 3 c/3 Undone undone by hand"},
		{"undo to one", twoGood + ", begin c/3, deployed c/3, undo 1", "1 a/1 Deployed; 2 b/2 Superseded; 3 c/3 Undone undone by hand"},
		{"undo after a failure", twoGood + ", begin c/3, failed c/3, undo", "1 a/1 Deployed; 2 b/2 Superseded; 3 c/3 Failed boom"},
		{"undo the undoing", twoGood + ", undo, undo 2", "1 a/1 Deployed; 2 b/2 Progressing"},
		{"undo the undoing, and it is deployed", twoGood + ", undo, undo 2, deployed b/2", "1 a/1 Superseded; 2 b/2 Deployed"},
		{"a failed one is tried again", "begin a/1, deployed a/1, begin b/2, failed b/2, undo 2", "1 a/1 Deployed; 2 b/2 Progressing"},
	} {
		var c chronicle
		for _, err := range c.play(t, tt.steps, 10) {
			t.Errorf("%s: %s", tt.name, err)
		}
		if got := c.print(); got != tt.want {
			t.Errorf("%s: %s\n got %s\nwant %s", tt.name, tt.steps, got, tt.want)
		}
	}
}

func TestUndoRefuses(t *testing.T) {
	for _, tt := range []struct{ steps, want string }{
		{"undo", "no revision of it is known"},
		{"begin a/1, deployed a/1, undo", "no earlier revision that was deployed"},
		{"begin a/1, deployed a/1, undo 1", "is in force already"},
		{"begin a/1, deployed a/1, undo 2", "no revision 2; there is 1"},
		{twoGood + ", begin c/3, undo 7", "no revision 7; there are 1, 2 and 3"},
		{twoGood + ", undo, undo 1", "gone back to revision 1 already"},
		{twoGood + ", undo, undo", "no earlier revision"},
		{"begin a/1, deployed a/1, begin b/2, failed b/2, begin c/3, undo 2", "never deployed"},
		{"begin a/1, begin b/2, undo", "no earlier revision"},
	} {
		var c chronicle
		errs := c.play(t, tt.steps, 10)
		if len(errs) != 1 || !strings.Contains(errs[0], tt.want) {
			t.Errorf("%s: %q, want %q", tt.steps, errs, tt.want)
		}
	}
}

// TestHistoryLimit: the oldest go, and neither the present revision nor the one to fall back on.
func TestHistoryLimit(t *testing.T) {
	many := "begin a/1, deployed a/1"
	for i := 2; i <= 6; i++ {
		many += fmt.Sprintf(", begin g%d/%d, failed g%d/%d", i, i, i, i)
	}
	for limit, want := range map[int]string{
		0:  "1 a/1 Deployed; 6 g6/6 Failed boom",
		2:  "1 a/1 Deployed; 4 g4/4 Failed boom; 5 g5/5 Failed boom; 6 g6/6 Failed boom",
		10: "1 a/1 Deployed; 2 g2/2 Failed boom; 3 g3/3 Failed boom; 4 g4/4 Failed boom; 5 g5/5 Failed boom; 6 g6/6 Failed boom",
	} {
		var c chronicle
		c.play(t, many, limit)
		if got := c.print(); got != want {
			t.Errorf("limit %d:\n got %s\nwant %s", limit, got, want)
		}
	}
}

// manifestOf is a Container as manifests give it.
func manifestOf(t *testing.T, body string) *spec.Container {
	t.Helper()
	o, ok := desire(t, container("web", body)).Catalog.Get(web)
	if !ok {
		t.Fatal("no container")
	}
	return o.(*spec.Container)
}

// TestRollout: what the planner is told.
func TestRollout(t *testing.T) {
	at := time.Now().Round(0)
	dir := t.TempDir()
	one, two := manifestOf(t, "env: [{name: A, value: one}]"), manifestOf(t, "env: [{name: A, value: two}]")
	s := newRevisions(dir, logr.Discard())
	check := func(step string, now *spec.Container, image string, deployed bool, good string, number int, quarantine string) {
		t.Helper()
		for life, s := range map[string]*revisions{"the same": s, "the next": newRevisions(dir, logr.Discard())} {
			r := s.rollout(now, image)
			got := ""
			if r.Good != nil {
				got = r.Good.Spec.Env[0].Value + " " + r.Good.Spec.Image
			}
			why := ""
			if r.Quarantine != nil {
				why = r.Quarantine.Reason
			}
			if r.Deployed != deployed || got != good || r.GoodNumber != number || why != quarantine {
				t.Errorf("%s, in %s life of the agent: deployed %v, good %q (%d), quarantine %q", step, life, r.Deployed, got, r.GoodNumber, why)
			}
		}
	}
	check("nothing", one, "i1", false, "", 0, "")
	s.begin(one, one, "i1", at)
	check("begun", one, "i1", false, "", 0, "")
	if r := s.rollout(one, "i1"); !r.Progress.Equal(at) {
		t.Errorf("progress is %s, want %s", r.Progress, at)
	}
	s.deployed(web, generation(one), "i1", at)
	check("deployed", one, "i1", true, "", 1, "")
	s.begin(two, two, "i1", at)
	check("a second", two, "i1", false, "one web:1", 1, "")
	s.failed(web, generation(two), "i1", "it crashes", at)
	check("failed", two, "i1", false, "one web:1", 1, "it crashes")
	check("failed, its image gone", two, "", false, "one web:1", 1, "it crashes")
	check("a changed manifest", manifestOf(t, "env: [{name: A, value: three}]"), "i1", false, "one web:1", 1, "")
	check("a changed image, to which the reference of the good one has moved, too", two, "i2", false, "one i1", 1, "")
	s.begin(two, two, "i2", at)
	s.deployed(web, generation(two), "i2", at)
	check("deployed with another image", two, "i2", true, "", 3, "")
	if _, _, err := s.undo(web, 0, "uid 7", at); err != nil {
		t.Fatal(err)
	}
	check("undone", two, "i2", false, "one i1", 1, "undone by hand, by uid 7")
}

// TestRevisionsReadBack: a manifest comes back from its history just as it was, whatever is in it.
func TestRevisionsReadBack(t *testing.T) {
	c := manifestOf(t, `replicas: 3, resources: {requests: {cpu: 250m, memory: 64Mi}, limits: {cpu: "1", memory: 256Mi, swap: 0, pids: 200}},
  ports: [{containerPort: 8080, hostPort: 8080-8090, hostIP: 127.0.0.1}, {name: admin, containerPort: 53}],
  healthcheck: {command: [/check], interval: 1m30s}, strategy: {rollingUpdate: {maxSurge: 25%, maxUnavailable: 1}},
  volumes: [{mountPath: /data, volume: {name: data}}, {mountPath: /tmp, tmpfs: {size: 64Mi, mode: "1777"}}],
  readinessProbe: {httpGet: {path: /, port: admin}, periodSeconds: 2}, lifecycle: {preStop: {sleep: {seconds: 1}}},
  securityContext: {noNewPrivileges: false, capabilities: {add: [NET_ADMIN]}}, sysctls: {net.core.somaxconn: "1"}`)
	r := Revision{Object: encodeObject(c)}
	back, err := r.object()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(encodeObject(c)), string(encodeObject(back))); diff != "" {
		t.Errorf("(-was +is):\n%s", diff)
	}
}

func TestRevisionFiles(t *testing.T) {
	dir := t.TempDir()
	s := newRevisions(dir, logr.Discard())
	s.begin(manifestOf(t, ""), manifestOf(t, ""), "i1", time.Now())
	info, err := os.Stat(s.file(web))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", info.Mode(), err)
	}
	if err := os.Truncate(s.file(web), info.Size()/2); err != nil {
		t.Fatal(err)
	}
	torn := newRevisions(dir, logr.Discard())
	if list := torn.list(web); len(list) > 0 {
		t.Errorf("read from half a file: %+v", list)
	}
	if _, err := os.Stat(s.file(web) + ".broken"); err != nil {
		t.Error(err)
	}
	torn.begin(manifestOf(t, ""), manifestOf(t, ""), "i1", time.Now())
	if list := newRevisions(dir, logr.Discard()).list(web); len(list) != 1 {
		t.Errorf("after a torn file nothing is kept: %+v", list)
	}
	torn.forget(web)
	if _, err := os.Stat(s.file(web)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the file is there still: %v", err)
	}
	if names, err := filepath.Glob(filepath.Join(dir, "revisions", "*.tmp")); err != nil || len(names) > 0 {
		t.Errorf("left behind: %v, %v", names, err)
	}
}

// TestGoneMeanwhile: what is remembered of an object that went while no agent ran is dropped, and nothing else is.
func TestGoneMeanwhile(t *testing.T) {
	gone := key(spec.KindContainer, "gone")
	dir := t.TempDir()
	i, r := newIntents(dir, logr.Discard()), newRevisions(dir, logr.Discard())
	for _, k := range []spec.Key{web, gone} {
		if err := i.change(k, func(i *intent) { i.Paused = true }); err != nil {
			t.Fatal(err)
		}
		o, _ := desire(t, container(k.Name, "")).Catalog.Get(k)
		r.begin(o.(*spec.Container), o.(*spec.Container), "i1", time.Now())
	}
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		defer e.Close()
		e.AddImage("web:1", plan.Image{})
		a := startAgent(t, e, func(o *Options) { o.StateDir = dir })
		a.replace(container("web", ""))
		a.settle(soon)
		for k, want := range map[spec.Key]bool{web: true, gone: false} {
			if paused, n := a.intents.get(k, time.Now()).Paused, len(a.revisions.list(k)); paused != want || (n > 0) != want {
				t.Errorf("%s: paused %v, %d revisions", k, paused, n)
			}
		}
		a.stop()
	})
}

// TestRevisionsHideSecrets: no value that may be a secret leaves the agent.
func TestRevisionsHideSecrets(t *testing.T) {
	inTime(t, func(a *agent) {
		const hush = "xyzzy"
		body := `env: [{name: DB_PASSWORD, value: xyzzy}, {name: MODE, value: plain}], labels: {api-token: xyzzy}, annotations: {auth: xyzzy},
  logging: {driver: json-file, options: {token: xyzzy}}, initContainers: [{name: init, env: [{name: KEY, value: xyzzy}]}],
  readinessProbe: {httpGet: {port: 80, httpHeaders: [{name: X-Any, value: xyzzy}]}},
  lifecycle: {preStop: {httpGet: {port: 80, httpHeaders: [{name: Cookie, value: xyzzy}]}}}`
		a.replace(container("web", body))
		a.settle(soon)
		list, err := a.Revisions(web)
		if err != nil || len(list) != 1 || list[0].Object != nil {
			t.Errorf("%+v, %v", list, err)
		}
		r, err := a.Revision(web, 1)
		if err != nil {
			t.Fatal(err)
		}
		if text := string(r.Object); strings.Contains(text, hush) || !strings.Contains(text, "plain") || strings.Count(text, "(hidden)") != 7 {
			t.Errorf("shown: %s", text)
		}
		if _, err := a.Revision(web, 2); !errors.Is(err, ErrNotFound) || !strings.Contains(err.Error(), "there is 1") {
			t.Errorf("a revision that is not there: %v", err)
		}
		if a.revisions.rollout(manifestOf(t, ""), "").Good != nil || !strings.Contains(string(a.revisions.list(web)[0].Object), hush) {
			t.Error("what is kept has changed")
		}
		if _, err := a.Revisions(key(spec.KindNetwork, "net")); !errors.Is(err, ErrInvalid) {
			t.Errorf("revisions of a network: %v", err)
		}
	})
}
