package server

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr/funcr"

	"berth.dev/berth/controller"
)

// post asks for something, and gives the status and the answer as text.
func (r *rig) post(path, body string) (int, string) {
	r.Helper()
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, "http://agent"+path, strings.NewReader(body))
	if err != nil {
		r.Fatal(err)
	}
	res, err := r.http.Do(req)
	if err != nil {
		r.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		r.Fatal(err)
	}
	if kind := res.Header.Get("Content-Type"); kind != "application/json" {
		r.Errorf("POST %s: the answer is %s", path, kind)
	}
	return res.StatusCode, string(b)
}

func TestAsk(t *testing.T) {
	r := newRig(t)
	until(r, http.MethodGet, "/v1/objects", synced)
	past := time.Now().Add(-time.Hour).Format(time.RFC3339)
	for _, tt := range []struct {
		path, body string
		status     int
		want       string
	}{
		{"Container/shop/web/hold", `{"for":"2h","reason":"why"}`, 200, `"reason":"why"`},
		{"container/shop/web/hold", `{"until":"2126-01-01T00:00:00Z"}`, 200, `"until":"2126-01-01T00:00:00Z"`},
		{"Container/shop/web/hold", `{}`, 400, "either for or until"},
		{"Container/shop/web/hold", ``, 400, "either for or until"},
		{"Container/shop/web/hold", `{"for":"1h","until":"2126-01-01T00:00:00Z"}`, 400, "either for or until"},
		{"Container/shop/web/hold", `{"until":"` + past + `"}`, 400, "is over"},
		{"Container/shop/web/hold", `{"for":"-1h"}`, 400, "is over"},
		{"Container/shop/web/hold", `{"for":"soon"}`, 400, "soon"},
		{"Container/shop/web/hold", `{"for":"1h","reasn":"x"}`, 400, `no field \"reasn\"`},
		{"Container/shop/web/hold", `{"for":"1h"} {}`, 400, "bad request"},
		{"Container/shop/web/hold", `{"for":`, 400, "bad request"},
		{"Container/shop/web/hold", `{"reason":"` + strings.Repeat("x", maxBody) + `"}`, 413, "too large"},
		{"Container/shop/web/release", ``, 200, "released"},
		{"Container/shop/web/release", `{"reason":"x"}`, 400, "no field"},
		{"Container/shop/web/stop", `{}`, 200, "is stopped"},
		{"Container/shop/web/restart", `{}`, 409, "berth start web -n shop"},
		{"Container/shop/web/start", `{}`, 200, "starts"},
		{"Container/shop/web/restart", `{}`, 200, "restarts"},
		{"Container/shop/web/rollout/pause", `{}`, 200, "paused"},
		{"Container/shop/web/rollout/undo", `{}`, 409, "rollout resume"},
		{"Container/shop/web/rollout/resume", `{}`, 200, "goes on"},
		{"Container/shop/web/rollout/undo", `{"toRevision":7}`, 409, "cannot go back"},
		{"Container/shop/web/rollout/undo", `{"toRevision":"7"}`, 400, "bad request"},
		{"Container/shop/web/rollout/restart", `{}`, 200, "new copies"},
		{"Container/shop/none/stop", `{}`, 404, "no Container shop/none"},
		{"CronJob/shop/none/run", `{"name":"now"}`, 404, "no CronJob shop/none"},
		{"Container/shop/web/run", ``, 400, "not a CronJob"},
		{"Pod/shop/web/stop", `{}`, 404, "no Pod shop/web"},
		{"Container/shop/web/explode", `{}`, 404, `\"explode\"`},
		{"Container/shop/web/rollout", `{}`, 404, `\"rollout\"`},
	} {
		if status, text := r.post("/v1/objects/"+tt.path, tt.body); status != tt.status || !strings.Contains(text, tt.want) {
			t.Errorf("POST %s %.60s: %d %s, want %d with %s", tt.path, tt.body, status, text, tt.status, tt.want)
		}
	}
	if res := r.open(http.MethodGet, "/v1/objects/Container/shop/web/stop"); res.StatusCode != http.StatusMethodNotAllowed {
		t.Errorf("GET of something to be done: %s", res.Status)
	}
}

// TestRefusalsAreJSON: whoever asks is told why not in a field.
func TestRefusalsAreJSON(t *testing.T) {
	r := newRig(t)
	_, text := r.post("/v1/objects/Container/shop/none/stop", "")
	var e Error
	if err := json.Unmarshal([]byte(text), &e); err != nil || e.Error == "" {
		t.Errorf("%s: %v", text, err)
	}
}

// TestAskIsSeen: those who watch are told of a hold at once.
func TestAskIsSeen(t *testing.T) {
	r := newRig(t)
	until(r, http.MethodGet, "/v1/objects", synced)
	lines := json.NewDecoder(r.open(http.MethodGet, "/v1/objects/watch").Body)
	if status, text := r.post("/v1/objects/Container/shop/web/hold", `{"for":"1h","reason":"why"}`); status != http.StatusOK {
		t.Fatal(text)
	}
	for end := time.Now().Add(deadline); ; {
		var o Objects
		if err := lines.Decode(&o); err != nil || time.Now().After(end) {
			t.Fatalf("the hold is not told: %v", err)
		}
		if h := o.Objects[0].Status.Hold; h != nil {
			if h.Reason != "why" {
				t.Errorf("%+v", h)
			}
			return
		}
	}
}

func TestRevisions(t *testing.T) {
	r := newRig(t)
	until(r, http.MethodGet, "/v1/objects", synced)
	if got := ask[Revisions](r, http.MethodGet, "/v1/objects/Container/shop/web/revisions"); len(got.Revisions) > 1 {
		t.Errorf("%+v", got)
	}
	for path, want := range map[string]int{
		"Container/shop/none/revisions":   http.StatusNotFound,
		"Network/shop/web/revisions":      http.StatusBadRequest,
		"Container/shop/web/revisions/99": http.StatusNotFound,
		"Container/shop/web/revisions/x":  http.StatusBadRequest,
	} {
		if res := r.open(http.MethodGet, "/v1/objects/"+path); res.StatusCode != want {
			t.Errorf("GET %s: %s, want %d", path, res.Status, want)
		}
	}
}

// TestAudit: the log says who asked, as the kernel knows it.
func TestAudit(t *testing.T) {
	lines := make(chan string, 100)
	log := funcr.New(func(_, args string) {
		if strings.Contains(args, "asked for by hand") {
			lines <- args
		}
	}, funcr.Options{})
	r := newRig(t, func(o *controller.Options) { o.Log = log })
	until(r, http.MethodGet, "/v1/objects", synced)
	r.post("/v1/objects/Container/shop/web/stop", "")
	want := fmt.Sprintf("uid %d (pid %d)", os.Getuid(), os.Getpid())
	if line := <-lines; !strings.Contains(line, want) || !strings.Contains(line, `"what"="stop"`) || !strings.Contains(line, "Container shop/web") {
		t.Errorf("logged %s, want %s", line, want)
	}
}
