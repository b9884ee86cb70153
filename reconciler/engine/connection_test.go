package engine_test

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"berth.dev/berth/reconciler/apply"
	"berth.dev/berth/reconciler/engine"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

func TestAnEngineThatIsTooOld(t *testing.T) {
	c := fake(t, "1.40", nil).client(t, engine.Config{})
	_, err := c.List(t.Context())
	wantFault(t, err, fault.DockerConfiguration, fault.Terminal, "(Docker 19.03.15) has API 1.40, and 1.41 is the oldest that works: upgrade it to Docker 20.10 or later")
}

func TestTheHighestCommonVersionIsSpoken(t *testing.T) {
	for engineHas, spoken := range map[string]string{"1.41": "/v1.41", "1.44": "/v1.44", "1.99": "/v1.51"} {
		f := fake(t, engineHas, map[string]http.HandlerFunc{"GET /containers/json": reply([]any{})})
		if _, err := f.client(t, engine.Config{}).List(t.Context()); err != nil || f.count(spoken) != 1 {
			t.Errorf("engine has %s: calls %v, error %v", engineHas, f.calls, err)
		}
	}
}

func TestAnExplicitVersionIsSpoken(t *testing.T) {
	f := fake(t, "1.44", map[string]http.HandlerFunc{"GET /containers/json": reply([]any{})})
	if _, err := f.client(t, engine.Config{Version: "v1.42"}).List(t.Context()); err != nil || f.count("/v1.42") != 1 {
		t.Errorf("calls %v, error %v", f.calls, err)
	}
}

// TestAnEngineComesBackUpgraded: the version is negotiated again after the connection broke, in both directions.
func TestAnEngineComesBackUpgraded(t *testing.T) {
	f := fake(t, "1.41", map[string]http.HandlerFunc{"GET /containers/json": reply([]any{}), "GET /info": hangUp})
	c := f.client(t, engine.Config{})
	for _, version := range []string{"1.41", "1.44", "1.42"} {
		f.upgrade(version)
		_, err := c.Info(t.Context())
		wantFault(t, err, fault.DockerConnection, fault.Retry, "cannot ask the engine about itself")
		if _, err := c.List(t.Context()); err != nil {
			t.Fatal(err)
		}
		if f.count("/v"+version) == 0 {
			t.Errorf("version %s is not spoken: %v", version, f.calls)
		}
	}
}

// TestNoConnectionLingers: a call that goes on while another finds the connection broken leaves none behind.
func TestNoConnectionLingers(t *testing.T) {
	begun, broken := make(chan struct{}), make(chan struct{})
	f := fake(t, "1.44", map[string]http.HandlerFunc{
		"GET /images/web:1/json": func(w http.ResponseWriter, _ *http.Request) {
			close(begun)
			<-broken
			answer(w, map[string]string{"Id": "i"})
		},
		"POST /containers/create": reply(map[string]string{"Id": "x"}),
		"GET /info":               hangUp,
	})
	c := f.client(t, engine.Config{})
	created := make(chan error)
	go func() {
		_, _, err := c.Create(t.Context(), plan.Create{Name: "web", Spec: spec.ContainerSpec{Image: "web:1"}})
		created <- err
	}()
	<-begun
	if _, err := c.Info(t.Context()); err == nil {
		t.Error("the connection is not broken")
	}
	close(broken)
	if err := <-created; err != nil {
		t.Fatal(err)
	}
	wait(t, "no connection is open", func() bool { return f.connections() == 0 })
}

func TestAnEngineThatIsAway(t *testing.T) {
	c, err := engine.New(engine.Config{Host: "unix://" + t.TempDir() + "/none.sock"})
	if err != nil {
		t.Fatal(err)
	}
	wantFault(t, c.Start(t.Context(), "x"), fault.DockerConnection, fault.Retry, `cannot start container "x": the engine does not answer`)
	err = c.Events(t.Context(), func() { t.Error("ready, but there is no engine") }, nil)
	wantFault(t, err, fault.DockerConnection, fault.Retry, "cannot follow the engine's events")
}

func TestAnEngineThatHangs(t *testing.T) {
	f := fake(t, "1.44", map[string]http.HandlerFunc{"GET /containers/json": hang, "GET /events": hang})
	c := f.client(t, engine.Config{Timeout: soon})
	_, err := c.List(t.Context())
	wantFault(t, err, fault.DockerConnection, fault.Retry, "cannot list containers: no answer from the engine within 50ms")
	err = c.Events(t.Context(), func() { t.Error("ready, but there is no subscription") }, nil)
	wantFault(t, err, fault.DockerConnection, fault.Retry, "no answer from the engine within 50ms")
}

func TestAnEngineThatHangsAtOnce(t *testing.T) {
	c := fake(t, "1.44", map[string]http.HandlerFunc{"HEAD /_ping": hang, "GET /_ping": hang}).client(t, engine.Config{Timeout: soon})
	_, err := c.List(t.Context())
	wantFault(t, err, fault.DockerConnection, fault.Retry, "no answer from the engine within 50ms")
}

func TestAnAnswerThatBreaksOff(t *testing.T) {
	torn := func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`[{"Id": "x`)) }
	c := fake(t, "1.44", map[string]http.HandlerFunc{"GET /containers/json": torn}).client(t, engine.Config{})
	_, err := c.List(t.Context())
	wantFault(t, err, fault.DockerConnection, fault.Retry, "cannot list containers: unexpected EOF")
}

func TestACallerThatGivesUp(t *testing.T) {
	f := fake(t, "1.44", map[string]http.HandlerFunc{"GET /info": hang, "GET /containers/json": reply([]any{})})
	c := f.client(t, engine.Config{})
	if _, err := c.List(t.Context()); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(soon, cancel)
	if _, err := c.Info(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if _, err := c.List(t.Context()); err != nil || f.count("HEAD /_ping") != 1 {
		t.Errorf("%d negotiations, want one: the connection is not at fault; error %v", f.count("HEAD /_ping"), err)
	}
}

// TestAStopTakesAsLongAsItsGracePeriod: longer than the timeout of a short call, which here is far shorter.
func TestAStopTakesAsLongAsItsGracePeriod(t *testing.T) {
	inspected := make(chan struct{})
	f := fake(t, "1.44", map[string]http.HandlerFunc{
		"POST /containers/x/stop": func(http.ResponseWriter, *http.Request) { <-inspected },
		"GET /containers/x/json": func(w http.ResponseWriter, _ *http.Request) {
			answer(w, map[string]any{"Id": "x", "Config": map[string]any{"StopTimeout": 30}})
			close(inspected)
		},
	})
	if err := f.client(t, engine.Config{Timeout: soon}).Stop(t.Context(), "x"); err != nil {
		t.Error(err)
	}
}

func TestLongCallsEndWhenTheEngineHangs(t *testing.T) {
	f := fake(t, "1.44", map[string]http.HandlerFunc{
		"POST /containers/x/stop": hang, "GET /containers/x/json": hang,
		"DELETE /containers/x": hang, "POST /images/create": hang,
	})
	c := f.client(t, engine.Config{Timeout: soon})
	if _, err := c.Info(t.Context()); !fault.Is(err, fault.NotFound) { // connects
		t.Fatal(err)
	}
	f.mu.Lock()
	f.on["HEAD /_ping"], f.on["GET /_ping"] = hang, hang
	f.mu.Unlock()
	for name, err := range map[string]error{
		"stop":   c.Stop(t.Context(), "x"),
		"remove": c.Remove(t.Context(), "x"),
		"pull":   c.Pull(t.Context(), "x", "", nil),
	} {
		t.Run(name, func(t *testing.T) {
			wantFault(t, err, fault.DockerConnection, fault.Retry, "no answer from the engine within 50ms")
		})
	}
}

func TestAnEventStreamThatBreaks(t *testing.T) {
	f := fake(t, "1.44", map[string]http.HandlerFunc{
		"GET /events": func(w http.ResponseWriter, _ *http.Request) {
			answer(w, map[string]any{"Type": "container", "Action": "die", "Actor": map[string]any{"ID": "x", "Attributes": map[string]string{"name": "n"}}})
		},
		"GET /containers/json": reply([]any{}),
	})
	c := f.client(t, engine.Config{})
	var seen []plan.Event
	ready := 0
	err := c.Events(t.Context(), func() { ready++ }, func(e plan.Event) { seen = append(seen, e) })
	wantFault(t, err, fault.DockerConnection, fault.Retry, "cannot follow the engine's events: the engine ended the stream")
	if ready != 1 || len(seen) != 1 || seen[0].ID != "x" || seen[0].Name != "n" {
		t.Errorf("ready %d times, events %+v", ready, seen)
	}
	if _, err := c.List(t.Context()); err != nil || f.count("HEAD /_ping") != 2 {
		t.Errorf("%d negotiations, want another one after the break; error %v", f.count("HEAD /_ping"), err)
	}
}

func TestAFieldThatTheEngineIsTooOldFor(t *testing.T) {
	f := fake(t, "1.41", map[string]http.HandlerFunc{
		"GET /version":            reply(map[string]string{"Version": "20.10.24"}),
		"POST /containers/create": func(http.ResponseWriter, *http.Request) { t.Error("the engine was asked") },
	})
	_, _, err := f.client(t, engine.Config{}).Create(t.Context(), plan.Create{Name: "web", Spec: parse(t, `{image: x, annotations: {a: b}}`)})
	wantFault(t, err, fault.DockerConfiguration, fault.Terminal,
		`cannot create container "web": annotations needs engine API 1.43; the engine has 1.41 (Docker 20.10.24): upgrade the engine or remove the field`)
}

const pullStream = `{"status":"Pulling from x","id":"1"}
{"status":"Pulling fs layer","progressDetail":{},"id":"aa"}
{"status":"Pulling fs layer","progressDetail":{},"id":"bb"}
{"status":"Already exists","progressDetail":{},"id":"cc"}
{"status":"Downloading","progressDetail":{"current":30,"total":100},"id":"aa"}
{"status":"Download complete","progressDetail":{},"id":"aa"}
{"status":"Extracting","progressDetail":{"current":1,"total":100},"id":"aa"}
{"status":"Pull complete","progressDetail":{},"id":"aa"}
`

func TestPull(t *testing.T) {
	t.Setenv("DOCKER_CONFIG", t.TempDir())
	for name, test := range map[string]struct {
		stream string
		check  func(*testing.T, error)
	}{
		"done": {`{"status":"Pull complete","progressDetail":{},"id":"bb"}`, func(t *testing.T, err error) {
			if err != nil {
				t.Error(err)
			}
		}},
		"error": {`{"errorDetail":{"message":"no basic auth credentials"},"error":"no basic auth credentials"}`, func(t *testing.T, err error) {
			wantFault(t, err, fault.RuntimeImage, fault.Retry, `cannot pull image "reg.test/x:1": no basic auth credentials`)
		}},
		"other platform": {`{"errorDetail":{"message":"no matching manifest for linux/riscv64 in the manifest list entries"}}`, func(t *testing.T, err error) {
			wantFault(t, err, fault.RuntimeImage, fault.Terminal, "no matching manifest")
		}},
		"torn": {`{"status":"Pull`, func(t *testing.T, err error) {
			wantFault(t, err, fault.DockerConnection, fault.Retry, "unexpected EOF")
		}},
	} {
		t.Run(name, func(t *testing.T) {
			f := fake(t, "1.44", map[string]http.HandlerFunc{"POST /images/create": func(w http.ResponseWriter, r *http.Request) {
				if q := r.URL.Query(); q.Get("fromImage") != "reg.test/x" || q.Get("tag") != "1" || q.Get("platform") != "linux/arm64" {
					t.Errorf("query %v", q)
				}
				_, _ = w.Write([]byte(pullStream + test.stream))
			}})
			var last apply.Progress
			err := f.client(t, engine.Config{}).Pull(t.Context(), "reg.test/x:1", "linux/arm64", func(p apply.Progress) { last = p })
			test.check(t, err)
			want := apply.Progress{Current: 100, Total: 100, Layers: 3, Done: 2}
			if err == nil {
				want.Done = 3
			}
			if last != want {
				t.Errorf("progress %+v, want %+v", last, want)
			}
		})
	}
}

func TestPullWithCredentials(t *testing.T) {
	var header string
	f := fake(t, "1.44", map[string]http.HandlerFunc{"POST /images/create": func(_ http.ResponseWriter, r *http.Request) { header = r.Header.Get("X-Registry-Auth") }})
	c := f.client(t, engine.Config{})
	dockerConfig(t, `{"auths": {"reg.test": {"auth": "dTpw"}}}`) // u:p
	if err := c.Pull(t.Context(), "reg.test/x", "", nil); err != nil {
		t.Fatal(err)
	}
	if got := decode(t, header); !strings.Contains(got, `"username":"u","password":"p"`) {
		t.Errorf("credentials %s", got)
	}
}
