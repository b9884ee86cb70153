package main

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-logr/logr"
	"github.com/google/go-cmp/cmp"

	"berth.dev/berth/controller"
	"berth.dev/berth/controller/server"
	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/enginetest"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
	"berth.dev/berth/spec/load"
)

// command runs a command line, and gives what it prints and how it ends.
func command(t *testing.T, args ...string) (string, error) {
	t.Helper()
	root := rootCommand()
	var out bytes.Buffer
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(args)
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

// runningAgent serves an agent's API on an engine in memory, and gives its socket.
func runningAgent(t *testing.T, manifests string) string {
	t.Helper()
	e := enginetest.New()
	e.AddImage("web:1", plan.Image{})
	c := controller.New(e, controller.Options{Log: logr.Discard()})
	r := load.LoadFile(load.File{Path: "a.yaml", Data: []byte(manifests)}, load.Options{})
	for _, p := range r.Problems {
		t.Fatal(p)
	}
	c.Replace(t.Context(), controller.Desired{Catalog: controller.NewCatalog(r.Objects), At: time.Now()})
	socket := filepath.Join(t.TempDir(), "berth.sock")
	l, err := server.ListenUnix(socket)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 2)
	go func() { done <- c.Run(ctx) }()
	go func() { done <- server.Serve(ctx, l, server.API(c)) }()
	t.Cleanup(func() {
		cancel()
		if err := errors.Join(<-done, <-done); err != nil {
			t.Error(err)
		}
		e.Close()
	})
	for objects, changed := c.Objects(); !allSynced(objects); objects, changed = c.Objects() {
		select {
		case <-changed:
		case <-time.After(10 * time.Second):
			t.Fatalf("still %+v", objects)
		}
	}
	return socket
}

func allSynced(objects []controller.ObjectStatus) bool {
	for _, o := range objects {
		if !o.Status.Condition(reconciler.Synced).Status {
			return false
		}
	}
	return true
}

const shop = `
apiVersion: berth.dev/v1
kind: Container
metadata: {name: web, namespace: shop}
spec: {image: "web:1"}
---
apiVersion: berth.dev/v1
kind: Container
metadata: {name: db, namespace: shop}
spec: {image: "web:1"}
---
apiVersion: berth.dev/v1
kind: Container
metadata: {name: db, namespace: office}
spec: {image: "web:1"}
---
apiVersion: berth.dev/v1
kind: Network
metadata: {name: web, namespace: shop}
`

// TestAskCommands: what a person is told, of what is done and of what is not.
func TestAskCommands(t *testing.T) {
	socket := runningAgent(t, shop)
	for _, tt := range []struct {
		args string
		ok   bool
		want string
	}{
		{"stop web", true, "shop/web is stopped; `berth start web -n shop` starts it again\n"},
		{"start container/web", true, "shop/web starts\n"},
		{"restart web -n shop", true, "shop/web restarts, one copy after the other\n"},
		{"restart db", false, `"db" may be container/db -n office or container/db -n shop: say which`},
		{"restart db -n office", true, "office/db restarts"},
		{"stop wbe", false, `there is no Container "wbe"; did you mean container/web -n shop?`},
		{"stop web -n office", false, `there is no Container "web" in namespace "office"; did you mean container/web -n shop?`},
		{"stop zebra", false, "there is no Container \"zebra\": `berth get` lists what there is"},
		{"stop network/web", false, "network/web is no Container, and this is for those only"},
		{"stop container", false, `"container" is a kind: name an object, as in container/NAME`},
		{"stop", false, "accepts 1 arg"},

		{"hold web --for 2h", false, `"web" may be container/web -n shop or network/web -n shop: say which`},
		{"hold container/web --for 2d --reason looking", true, "(48h): looking; `berth release web -n shop` lets it go\n"},
		{"stop web", true, "what was asked for waits until then"},
		{"release container/web", true, "shop/web is released\n"},
		{"start web", true, "shop/web starts\n"},
		{"hold network/web --until 2126-01-01", true, "shop/web is held until 2126-01-01 00:00"},
		{"hold container/web", false, "say when the hold ends, either with --for, as in --for 2h, or with --until"},
		{"hold container/web --for 2h --until 18:00", false, "either with --for"},
		{"hold container/web --for soon", false, "want a duration such as 90m, 2h or 2d"},
		{"hold container/web --until soon", false, `--until "soon" is no time`},
		{"hold container/web --until 2020-01-01", false, "is over"},

		{"rollout pause web", true, "the rollout of shop/web is paused; `berth rollout resume web -n shop` goes on with it\n"},
		{"rollout restart web", false, "`berth rollout resume web -n shop` first"},
		{"rollout resume web", true, "the rollout of shop/web goes on\n"},
		{"rollout undo web --to-revision 7", false, "shop/web cannot go back"},
		{"rollout history web --revision 7", false, "revision"},
		{"rollout", true, "Available Commands"},

		{"rollout stauts web", false, `unknown command "stauts" for "berth rollout"; did you mean status?`},
		{"rolout status web", false, `unknown command "rolout" for "berth"; did you mean rollout?`},
		{"explode", false, `unknown command "explode" for "berth"; see berth --help`},
		{"hold web --fro 2h", false, "unknown flag: --fro; did you mean --for?"},
		{"stop web --zebra", false, "unknown flag: --zebra; see berth stop --help"},
		{"create job", false, `required flag(s) "from" not set`},
		{"create job --from cronjob/web", false, `there is no CronJob "web"`},
		{"create job --from container/web", false, "container/web is no CronJob"},
	} {
		out, err := command(t, append(strings.Fields(tt.args), "--socket", socket)...)
		if err != nil {
			out += err.Error()
		}
		if (err == nil) != tt.ok || !strings.Contains(out, tt.want) {
			t.Errorf("berth %s: %v\n%s\nwant %s", tt.args, err, out, tt.want)
		}
	}
}

// TestAskWithoutAnAgent: these commands need one, and say so.
func TestAskWithoutAnAgent(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "none")
	for _, args := range []string{"hold web --for 1h", "release web", "stop web", "start web", "restart web", "create job --from x",
		"rollout status web", "rollout history web", "rollout undo web", "rollout restart web", "rollout pause web", "rollout resume web"} {
		_, err := command(t, append(strings.Fields(args), "--socket", socket)...)
		if err == nil || !strings.Contains(err.Error(), "only an agent can do this") || !strings.Contains(err.Error(), socket) {
			t.Errorf("berth %s: %v", args, err)
		}
	}
}

func TestDurations(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"90m": 90 * time.Minute, "2h": 2 * time.Hour, "2d": 48 * time.Hour, "1d12h": 36 * time.Hour, "1.5h": 90 * time.Minute,
		"": 0, "0": 0, "-1h": 0, "d": 0, "2": 0, "1d1d": 0, "soon": 0, "-1d": 0,
	} {
		var d duration
		if err := d.Set(text); time.Duration(d) != want || (err == nil) != (want != 0) {
			t.Errorf("%q is %s, %v; want %s", text, time.Duration(d), err, want)
		}
	}
	for d, want := range map[time.Duration]string{2 * time.Hour: "2h", 90 * time.Minute: "1h30m", 10 * time.Minute: "10m", 48 * time.Hour: "48h",
		59 * time.Second: "59s", 2*time.Hour - time.Millisecond: "2h", time.Hour + 29*time.Second: "1h"} {
		if got := spanText(d); got != want {
			t.Errorf("%s is shown as %s, want %s", d, got, want)
		}
	}
}

func TestUntil(t *testing.T) {
	now := time.Date(2026, 3, 1, 14, 0, 30, 0, time.Local)
	for text, want := range map[string]string{
		"18:00": "2026-03-01 18:00", "14:01": "2026-03-01 14:01", "14:00": "2026-03-02 14:00", "03:00": "2026-03-02 03:00",
		"2026-03-05 12:00": "2026-03-05 12:00", "2026-03-05T12:00": "2026-03-05 12:00", "2026-03-05": "2026-03-05 00:00",
	} {
		if got, err := parseUntil(text, now); err != nil || got.Format("2006-01-02 15:04") != want {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
	if got, err := parseUntil("2026-03-05T12:00:00+02:00", now); err != nil || !got.Equal(time.Date(2026, 3, 5, 10, 0, 0, 0, time.UTC)) {
		t.Errorf("with a zone: %s, %v", got, err)
	}
	hold := &plan.Hold{Until: now.Add(2 * time.Hour), Reason: "why"}
	web := spec.Key{Kind: spec.KindContainer, Namespace: "shop", Name: "web"}
	if got := heldText(web, hold, now); got != "shop/web is held until 16:00 (2h): why; `berth release web -n shop` lets it go" {
		t.Error(got)
	}
}

// rolling is a Container with a rollout.
func rolling(r reconciler.RolloutStatus) controller.ObjectStatus {
	o := status(spec.KindContainer, "web", "!Progressing", "Running")
	r.Revision, r.Total, r.Ready = 5, 3, 3
	o.Status.Rollout = &r
	return o
}

func TestRolloutStatus(t *testing.T) {
	older, unseen := rolling(reconciler.RolloutStatus{Phase: plan.RolloutComplete}), status(spec.KindContainer, "web", "", "")
	older.Generation = "g2"
	for _, tt := range []struct {
		name          string
		o             controller.ObjectStatus
		ended, failed bool
		want          string
	}{
		{"on its way", rolling(reconciler.RolloutStatus{Phase: plan.RolloutProgressing, Updated: 1}), false, false, "revision 5: 1 of 3 copies updated, 3 ready: because"},
		{"complete", rolling(reconciler.RolloutStatus{Phase: plan.RolloutComplete, Updated: 3}), true, false, "revision 5 is deployed, 3 of 3 copies ready"},
		{"failed", rolling(reconciler.RolloutStatus{Phase: plan.RolloutFailed, Message: "boom"}), true, true, "revision 5: 0 of 3 copies updated, 3 ready: failed: boom"},
		{"rolled back", rolling(reconciler.RolloutStatus{Phase: plan.RolloutRolledBack, Updated: 3, Message: "boom"}), true, true, "rolled back: boom"},
		{"paused", rolling(reconciler.RolloutStatus{Phase: plan.RolloutPaused, Updated: 1}), false, false, "paused: because"},
		{"of an older manifest", older, false, false, "because"},
		{"not looked at", unseen, false, false, "waits for the agent to look at its manifest"},
	} {
		line, ended, failed := rolloutLine(tt.o)
		if ended != tt.ended || failed != tt.failed || !strings.HasPrefix(line, "Container shop/web: ") || !strings.HasSuffix(line, tt.want) {
			t.Errorf("%s: %s (ended %v, failed %v), want %s", tt.name, line, ended, failed, tt.want)
		}
	}
}

// TestRolloutFollower: each state is told once, and an object that goes ends the wait.
func TestRolloutFollower(t *testing.T) {
	var out bytes.Buffer
	f := &rolloutFollower{key: spec.Key{Kind: spec.KindContainer, Namespace: "shop", Name: "web"}, out: &out}
	begun := rolling(reconciler.RolloutStatus{Phase: plan.RolloutProgressing})
	for _, objects := range [][]controller.ObjectStatus{{begun}, {begun}} {
		if ended, _ := f.show(objects); ended {
			t.Error("it has ended")
		}
	}
	if ended, failed := f.show(nil); !ended || !failed {
		t.Error("it waits for what is gone")
	}
	want := "Container shop/web: revision 5: 0 of 3 copies updated, 3 ready: because\nContainer shop/web is gone\n"
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestRolloutStatusEnds: a wait ends with its timeout, or at once where one is not wanted.
func TestRolloutStatusEnds(t *testing.T) {
	socket := runningAgent(t, shop)
	if _, err := command(t, "rollout", "status", "web", "--watch=false", "--socket", socket); err != nil {
		t.Error(err)
	}
	if _, err := command(t, "rollout", "pause", "web", "--socket", socket); err != nil {
		t.Fatal(err)
	}
	if _, err := command(t, "rollout", "status", "web", "--timeout", "100ms", "--socket", socket); err != exitFailed {
		t.Errorf("after the timeout: %v", err)
	}
}

func TestRevisionTable(t *testing.T) {
	now := time.Now()
	list := []controller.Revision{
		{Number: 1, State: controller.RevisionDeployed, Began: now.Add(-3 * time.Hour), Image: "web:1", Generation: "aaa"},
		{Number: 12, State: controller.RevisionFailed, Began: now.Add(-time.Minute), Image: "web:2", Generation: "bbb", Message: "boom"},
	}
	var out bytes.Buffer
	if err := printRevisions(&out, list, "", now); err != nil {
		t.Fatal(err)
	}
	want := `
REVISION   STATE      AGE   IMAGE   GENERATION   MESSAGE
1          Deployed   3h    web:1   aaa
12         Failed     60s   web:2   bbb          boom
`
	if diff := cmp.Diff(want[1:], trimmed(out.String())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	out.Reset()
	r := list[1]
	r.Object = []byte(`{"kind":"Container","spec":{"image":"web:2"}}`)
	if err := printRevision(&out, r, ""); err != nil || out.String() != "# revision 12: Failed, boom\nkind: Container\nspec:\n  image: web:2\n" {
		t.Errorf("%s, %v", &out, err)
	}
}

// TestMarks: a table shows what a person has asked for, once.
func TestMarks(t *testing.T) {
	for _, tt := range []struct {
		change func(*controller.ObjectStatus)
		want   string
	}{
		{func(*controller.ObjectStatus) {}, "Running"},
		{func(o *controller.ObjectStatus) { o.Status.Hold = &plan.Hold{} }, "Running,Held"},
		{func(o *controller.ObjectStatus) {
			*o = status(spec.KindContainer, "web", "!Held", "Running")
			o.Status.Hold = &plan.Hold{}
		}, "Held"},
		{func(o *controller.ObjectStatus) { o.Status.Hold, o.Status.Stopped = &plan.Hold{}, true }, "Running,Held,Stopped"},
		{func(o *controller.ObjectStatus) {
			o.Status.Rollout = &reconciler.RolloutStatus{Phase: plan.RolloutPaused}
		}, "Running,Paused"},
	} {
		o := status(spec.KindContainer, "web", "UpToDate", "Running")
		tt.change(&o)
		if got := newTable(nil, "").row(o, false)[4]; got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
