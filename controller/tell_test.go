package controller

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/enginetest"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
	"berth.dev/berth/spec/load"
	"berth.dev/berth/watcher"
)

// webhook takes deliveries, by the host of their URL.
type webhook struct {
	mu   sync.Mutex
	told map[string][]told
	down bool
}

type told struct {
	Type, Reason, Message, Source, Action string
	Object                                struct{ Kind, Namespace, Name string }
	Labels                                map[string]string
}

func (t told) String() string {
	s := t.Reason
	if t.Type == string(spec.EventWarning) {
		s = "!" + s
	}
	if t.Object.Name != "" {
		s += " " + t.Object.Name
	}
	return s
}

func (w *webhook) RoundTrip(r *http.Request) (*http.Response, error) {
	var t told
	if err := json.NewDecoder(r.Body).Decode(&t); err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.down && r.URL.Host == "all" {
		return nil, errors.New("refused")
	}
	w.told[r.URL.Host] = append(w.told[r.URL.Host], t)
	return &http.Response{StatusCode: http.StatusNoContent, Body: http.NoBody}, nil
}

func (w *webhook) set(down bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.down = down
}

// take gives what came since it was last asked.
func (w *webhook) take(host string) []told {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := w.told[host]
	delete(w.told, host)
	return out
}

// expectTold compares what came, whatever its order: that of different objects is nobody's promise.
func (w *webhook) expectTold(t testing.TB, host, want string) {
	t.Helper()
	var got []string
	for _, e := range w.take(host) {
		got = append(got, e.String())
	}
	slices.Sort(got)
	if all := strings.Join(got, ", "); all != want {
		t.Errorf("told %q, want %q", all, want)
	}
}

func notification(name, body string) string {
	return object(spec.KindNotification, name, fmt.Sprintf(`webhook: {url: "http://%s/s3cret"}, rateLimitPerMinute: 6000, dedupeWindow: 0s`, name)+body)
}

// withWebhook runs a test with an agent that tells everything to the webhook "all".
func withWebhook(t *testing.T, f func(*agent, *webhook)) {
	t.Helper()
	w := &webhook{told: map[string][]told{}}
	inTime(t, func(a *agent) { f(a, w) }, func(o *Options) { o.Deliver = w })
}

var notifyKey = key(spec.KindNotification, "all")

func TestWhatIsTold(t *testing.T) {
	unhealthy := enginetest.Behaviour{ExitAfter: 10 * time.Millisecond, ExitCode: 1}
	for _, tt := range []struct {
		name   string
		before []string
		do     func(*agent)
		want   string
	}{
		{"a container comes", nil, func(a *agent) { a.want(container("web", "")) }, "Created web, Running web"},
		{"a network comes", nil, func(a *agent) { a.want(object(spec.KindNetwork, "net", "")) }, "Created net"},
		{"a container goes", []string{container("web", ""), container("db", ""), container("c", "")},
			func(a *agent) { a.want(container("db", ""), container("c", "")) }, "Removed web"},
		{"another manifest", []string{container("web", "")}, func(a *agent) { a.want(container("web", "user: root")) }, "Promoted web, Removed web, Surged web"},
		{"a limit", []string{container("web", "resources: {limits: {memory: 64Mi}}")},
			func(a *agent) { a.want(container("web", "resources: {limits: {memory: 32Mi}}")) }, "Updated web"},
		{"drift", []string{container("web", "")}, func(a *agent) { a.engine.StopByHand("shop.web.0") }, "Repaired web"},
		{"something in the way", nil, func(a *agent) {
			a.engine.RunForeign("shop.web.0", nil)
			a.want(container("web", ""))
		}, "!NameTaken web"},
		{"no image", nil, func(a *agent) { a.want(object(spec.KindContainer, "web", `image: "missing:1"`)) }, "!ImageError web"},
		{"a call fails for an hour", nil, func(a *agent) {
			a.engine.Fail("Create", "*", fault.New(fault.RuntimeContainer, fault.Retry, "no"), -1)
			a.want(container("web", ""))
			a.settle(time.Hour)
		}, "!ContainerError web"},
		{"an object cannot be observed", []string{container("web", "")}, func(a *agent) {
			a.engine.Fail("List", "*", fault.New(fault.DockerAPI, fault.Retry, "no"), 3)
			a.want(container("web", "restartPolicy: Never"))
		}, "!DockerAPIError web, Updated web"},
		{"the engine goes and comes back", []string{container("web", "")}, func(a *agent) {
			a.engine.Down()
			a.settle(time.Minute)
			a.engine.Up()
			a.settle(time.Minute)
		}, "!EngineAway, EngineBack"},
		{"everything would go", []string{container("web", "")}, func(a *agent) { a.want() }, "!PrunePending web"},
		{"a crash loop", nil, func(a *agent) {
			a.engine.Behave("bad:1", unhealthy)
			a.want(object(spec.KindContainer, "web", `image: "bad:1"`))
			a.settle(9 * time.Minute)
		}, "!CrashLoopBackOff web, Created web, Running web, Running web"},
		{"nothing happens", []string{container("web", "")}, func(a *agent) { a.settle(time.Hour) }, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			withWebhook(t, func(a *agent, w *webhook) {
				a.want(tt.before...)
				a.settle(time.Minute)
				w.take("all")
				tt.do(a)
				a.settle(time.Minute)
				w.expectTold(t, "all", tt.want)
			})
		})
	}
}

// want puts manifests in force beside the notification.
func (a *agent) want(manifests ...string) {
	a.Helper()
	a.replace(append([]string{notification("all", "")}, manifests...)...)
}

func TestToldWithLabelsAndSource(t *testing.T) {
	withWebhook(t, func(a *agent, w *webhook) {
		labelled := strings.Replace(container("web", ""), "namespace: shop", "namespace: shop, labels: {tier: front}", 1)
		hooks := []string{notification("all", ""), notification("front", ", filters: [{matchLabels: {tier: front}, reasons: [Removed, Created]}]"),
			container("db", ""), container("c", "")}
		a.replace(append(hooks, labelled)...)
		a.settle(soon)
		a.replace(hooks...)
		a.settle(soon)
		got := w.take("front")
		if len(got) != 2 || got[0].Action != "create" || !strings.HasPrefix(got[0].Source, "test.yaml:") || got[1].Reason != "Removed" || got[1].Labels["tier"] != "front" {
			t.Errorf("told %#v", got)
		}
	})
}

// An agent that begins tells nothing of what runs as it should.
func TestBeginningIsNoNews(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		defer e.Close()
		e.AddImage("web:1", plan.Image{})
		w := &webhook{told: map[string][]told{}}
		for range 2 {
			a := startAgent(t, e, func(o *Options) { o.Deliver = w })
			a.want(container("web", ""), object(spec.KindNetwork, "net", ""))
			a.settle(time.Minute)
			a.stop()
		}
		w.expectTold(t, "all", "Created net, Created web, Running web")
	})
}

// What the last passes did is told before the agent ends.
func TestEndIsTold(t *testing.T) {
	withWebhook(t, func(a *agent, w *webhook) {
		a.engine.Behave("web:2", enginetest.Behaviour{StopTakes: 5 * time.Second})
		rest := []string{container("db", ""), container("c", "")}
		a.want(append(rest, object(spec.KindContainer, "web", `image: "web:2"`))...)
		a.settle(soon)
		w.take("all")
		a.want(rest...)
		a.settle(time.Second)
		a.stop()
		w.expectTold(t, "all", "Removed web")
	})
}

func TestNotificationStatus(t *testing.T) {
	withWebhook(t, func(a *agent, w *webhook) {
		ready := func(want, message string) {
			t.Helper()
			a.expect(notifyKey, "UpToDate")
			s, _ := a.store.get(notifyKey)
			c := s.Status.Condition(reconciler.Ready)
			if got := fmt.Sprint(c.Status, " ", c.Reason); got != want || !strings.Contains(c.Message, message) || strings.Contains(c.Message, "s3cret") || s.Status.ObservedGeneration != s.Generation {
				t.Errorf("Ready: %+v, want %s and %q", c, want, message)
			}
		}
		other := notification("other", ", filters: [{kinds: [Notification]}]")
		a.replace(notification("all", ""), other)
		a.settle(soon)
		ready("true Idle", "0 delivered")
		a.replace(notification("all", ""), other, container("web", ""))
		a.settle(soon)
		ready("true Delivered", "2 delivered")
		w.set(true)
		a.engine.StopByHand("shop.web.0")
		a.settle(soon)
		ready("false Failing", "cannot reach all: refused (2 delivered, 0 given up, 0 held back, 1 waiting)")
		w.set(false)
		a.settle(time.Minute)
		ready("true Delivered", "3 delivered")
		w.expectTold(t, "other", "!Failing all, Delivered all")
		a.replace(notification("all", ", suspend: true"), other, container("web", ""))
		ready("true Suspended", "")
		a.replace(other, container("web", ""))
		a.settle(soon)
		a.expect(notifyKey, "")
		a.settle(time.Hour)
		a.expect(notifyKey, "")
	})
}

// A Notification costs the engine nothing, needs none, and is nothing that could be left over on it.
func TestNotificationNeedsNoEngine(t *testing.T) {
	withWebhook(t, func(a *agent, _ *webhook) {
		a.settle(soon)
		calls := a.calls(func() { a.replace(notification("all", "")); a.settle(soon) })
		if changes(calls) > 0 || calls["Inspect"] > 0 {
			t.Errorf("calls: %v", calls)
		}
		if n := len(a.changed); n != 0 {
			t.Errorf("%d changes have not converged", n)
		}
		a.engine.Down()
		a.settle(soon)
		a.replace(notification("all", ""), notification("other", ""))
		a.expect(key(spec.KindNotification, "other"), "UpToDate")
	})
}

// Problems with manifests are told to the notifications that are in force with them, even where that is the first time.
func TestManifestProblemsAreTold(t *testing.T) {
	withWebhook(t, func(a *agent, w *webhook) {
		f := &follower{c: a.Controller, intake: newIntake(newHistory("", a.Controller.log)), stopEnv: func() {}}
		dir := t.TempDir()
		take := func(files map[string]string) {
			s := watcher.Snapshot{At: time.Now(), Roots: []watcher.RootStatus{{Path: dir, State: watcher.Present}}}
			for name, text := range files {
				s.Files = append(s.Files, watcher.File{Path: filepath.Join(dir, name), Data: []byte(text)})
			}
			f.last = s
			f.take(t.Context())
			a.settle(soon)
		}
		good, bad := notification("all", ""), container("web", "imagee: x")
		take(map[string]string{"a.yaml": good, "b.yaml": bad})
		got := w.take("all")
		if len(got) != 1 || got[0].String() != "!ManifestInvalid" || !strings.HasSuffix(got[0].Source, "b.yaml:4") || !strings.Contains(got[0].Message, "imagee") {
			t.Errorf("told %+v", got)
		}
		take(map[string]string{"a.yaml": good, "b.yaml": bad, "c.yaml": "# nothing\n"})
		w.expectTold(t, "all", "")
	})
}

// The examples are as they should be, and tell nobody of those who try them out.
func TestNotificationExamples(t *testing.T) {
	paths, err := filepath.Glob("../examples/notifications/*.yaml")
	if err != nil || len(paths) != 2 {
		t.Fatal(paths, err)
	}
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		r := load.LoadFile(load.File{Path: path, Data: data}, load.Options{})
		for _, p := range r.Problems {
			t.Error(p)
		}
		for _, o := range r.Objects {
			if n, ok := o.(*spec.Notification); !ok || !n.Spec.Suspend {
				t.Errorf("%s: %s tells somebody", path, o.Key())
			}
		}
	}
}
