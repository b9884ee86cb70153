package main

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"berth.dev/berth/controller"
	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// status is an object with its Synced and Ready reasons; ! stands before one that does not hold.
func status(kind spec.Kind, name, synced, ready string, containers ...reconciler.ContainerStatus) controller.ObjectStatus {
	o := controller.ObjectStatus{Kind: kind, Namespace: "shop", Name: name, Source: "a.yaml:1", Generation: "g1", Replicas: 2, Image: "web:1"}
	o.Status.ObservedGeneration = "g1"
	for kind, reason := range map[string]string{reconciler.Synced: synced, reconciler.Ready: ready} {
		if reason != "" {
			o.Status.Set(reconciler.Condition{Type: kind, Status: !strings.HasPrefix(reason, "!"), Reason: strings.TrimPrefix(reason, "!"), Message: "because"}, time.Time{})
		}
	}
	o.Status.Containers = containers
	return o
}

func copyOf(ready bool, age time.Duration) reconciler.ContainerStatus {
	return reconciler.ContainerStatus{Ready: ready, StartedAt: time.Now().Add(-age), Ports: []string{"0.0.0.0:80->8080/tcp"}, Addresses: []string{"172.18.0.2"}}
}

// table lines end where the text does, so that an editor cannot change them.
func trimmed(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return b.String()
}

func TestTable(t *testing.T) {
	for _, tt := range []struct{ output, want string }{
		{"", `
KIND        NAMESPACE   NAME   READY   STATUS             RESTARTS   AGE
Container   shop        web    2/2     Running            3          65s
Container   shop        db     0/2     CrashLoopBackOff   0          -
Container   shop        new    0/2     Pending            0          -
Container   shop        gone   0/0     Missing            0          -
Network     shop        net    1/1     UpToDate           0          -
Volume      shop        data   0/1     VolumeImmutable    0          -
`},
		{"wide", `
KIND        NAMESPACE   NAME   READY   STATUS             RESTARTS   AGE   IMAGE   PORTS                                       ADDRESSES               SOURCE     MESSAGE
Container   shop        web    2/2     Running            3          65s   web:1   0.0.0.0:80->8080/tcp,0.0.0.0:80->8080/tcp   172.18.0.2,172.18.0.2   a.yaml:1
Container   shop        db     0/2     CrashLoopBackOff   0          -     web:1                                                                       a.yaml:1   because
Container   shop        new    0/2     Pending            0          -     web:1                                                                       a.yaml:1   nothing was done about it yet
Container   shop        gone   0/0     Missing            0          -                                                                                            it is not on the engine
Network     shop        net    1/1     UpToDate           0          -     web:1                                                                       a.yaml:1
Volume      shop        data   0/1     VolumeImmutable    0          -     web:1                                                                       a.yaml:1   because
`},
	} {
		synctest.Test(t, func(t *testing.T) {
			web := status(spec.KindContainer, "web", "UpToDate", "Running", copyOf(true, time.Hour), copyOf(true, 65*time.Second))
			web.Status.Restarts = 3
			fresh := status(spec.KindContainer, "new", "", "")
			fresh.Status.Set(reconciler.Condition{Type: reconciler.Valid, Status: true, Reason: "Loaded"}, time.Time{})
			objects := []controller.ObjectStatus{web,
				status(spec.KindContainer, "db", "UpToDate", "!CrashLoopBackOff"), fresh,
				{Kind: spec.KindContainer, Namespace: "shop", Name: "gone"},
				status(spec.KindNetwork, "net", "UpToDate", "UpToDate"),
				status(spec.KindVolume, "data", "!VolumeImmutable", "!VolumeImmutable")}
			var out bytes.Buffer
			table := newTable(&out, tt.output)
			table.print(objects)
			if diff := cmp.Diff(tt.want[1:], trimmed(out.String())); diff != "" {
				t.Errorf("-o %q (-want +got):\n%s", tt.output, diff)
			}
			out.Reset()
			time.Sleep(time.Minute)
			table.print(objects)
			if out.Len() > 0 {
				t.Errorf("printed again, and only time has passed: %s", &out)
			}
			objects[1] = status(spec.KindContainer, "db", "UpToDate", "Running", copyOf(true, 0), copyOf(true, 0))
			table.print(objects)
			if n := strings.Count(out.String(), "\n"); n != 1 || !strings.Contains(out.String(), "db") {
				t.Errorf("of what changed, printed:\n%s", &out)
			}
		})
	}
}

func TestEmptyTable(t *testing.T) {
	var out bytes.Buffer
	newTable(&out, "").print(nil)
	if out.String() != "no objects\n" {
		t.Errorf("%q", &out)
	}
}

// TestTableOverTime: a watcher that began before there was anything is told what the columns are, and of what goes.
func TestTableOverTime(t *testing.T) {
	var out bytes.Buffer
	table := newTable(&out, "")
	net := []controller.ObjectStatus{status(spec.KindNetwork, "net", "UpToDate", "UpToDate")}
	for _, objects := range [][]controller.ObjectStatus{nil, nil, net, net, nil, nil} {
		table.print(objects)
	}
	want := `no objects
KIND      NAMESPACE   NAME   READY   STATUS     RESTARTS   AGE
Network   shop        net    1/1     UpToDate   0          -
Network   shop   net   -   Removed   -   -
`
	if diff := cmp.Diff(want, trimmed(out.String())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestAge(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0s", 119 * time.Second: "119s", 2 * time.Minute: "2m", 119 * time.Minute: "119m", 2 * time.Hour: "2h", 47 * time.Hour: "47h", 72 * time.Hour: "3d",
	} {
		if got := ageText(d); got != want {
			t.Errorf("%s is shown as %s, want %s", d, got, want)
		}
	}
}

func TestJudge(t *testing.T) {
	ready := status(spec.KindContainer, "a", "UpToDate", "Running")
	older := ready
	older.Status.ObservedGeneration = "g0"
	olderHopeless := status(spec.KindContainer, "a", "!NameTaken", "!NameTaken")
	olderHopeless.Status.ObservedGeneration = "g0"
	for _, tt := range []struct {
		name    string
		objects []controller.ObjectStatus
		unready int
		settled bool
	}{
		{"nothing", nil, 0, true},
		{"ready", []controller.ObjectStatus{ready}, 0, true},
		{"ready by an older manifest", []controller.ObjectStatus{older}, 1, false},
		{"not looked at", []controller.ObjectStatus{status(spec.KindContainer, "a", "", "")}, 1, false},
		{"starting", []controller.ObjectStatus{ready, status(spec.KindContainer, "b", "UpToDate", "!Starting")}, 1, false},
		{"an error that may go", []controller.ObjectStatus{status(spec.KindContainer, "a", "!DockerAPIError", "!DockerAPIError")}, 1, false},
		{"hopeless", []controller.ObjectStatus{ready, status(spec.KindContainer, "b", "!NameTaken", "!NameTaken")}, 1, true},
		{"hopeless by an older manifest", []controller.ObjectStatus{olderHopeless}, 1, false},
		{"hopeless and starting", []controller.ObjectStatus{status(spec.KindContainer, "a", "!Stalled", "Running"), status(spec.KindContainer, "b", "UpToDate", "!Starting")}, 2, false},
		{"failed for good", []controller.ObjectStatus{ready, status(spec.KindContainer, "b", "UpToDate", "!Failed")}, 1, true},
		{"held", []controller.ObjectStatus{ready, status(spec.KindContainer, "b", "!PrunePending", "Running")}, 1, true},
	} {
		if unready, settled := judge(tt.objects); len(unready) != tt.unready || settled != tt.settled {
			t.Errorf("%s: %d not ready, settled %v; want %d, %v", tt.name, len(unready), settled, tt.unready, tt.settled)
		}
	}
}

func TestUnreadyAndProgress(t *testing.T) {
	objects := []controller.ObjectStatus{
		status(spec.KindContainer, "a", "!NameTaken", "!Progressing"), status(spec.KindContainer, "b", "UpToDate", "!Starting"),
		status(spec.KindContainer, "c", "", ""), status(spec.KindContainer, "d", "UpToDate", "Running"),
	}
	var out bytes.Buffer
	printUnready(&out, objects[:3])
	p := newProgress(&out)
	p.show(objects)
	p.show(objects)
	want := `Container shop/a is not ready: NameTaken: because
Container shop/b is not ready: Starting: because
Container shop/c is not ready: Pending: nothing was done about it yet
Container shop/a: NameTaken: because
Container shop/b: Starting: because
Container shop/d: ready
`
	if diff := cmp.Diff(want, out.String()); diff != "" {
		t.Error(diff)
	}
}

func TestSelection(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.yaml")
	manifest := "apiVersion: berth.dev/v1\nkind: Network\nmetadata: {name: net, namespace: shop}\n"
	if err := os.WriteFile(file, []byte(manifest+"---\n"+strings.Replace(manifest, "name: net", "name: absent", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	all := []controller.ObjectStatus{status(spec.KindContainer, "web", "", ""), status(spec.KindNetwork, "net", "", ""), status(spec.KindNetwork, "web", "", "")}
	for _, tt := range []struct {
		args      string
		namespace string
		want      string
	}{
		{"", "", "Container/web Network/net Network/web"},
		{"", "other", ""},
		{"container", "", "Container/web"},
		{"Networks", "", "Network/net Network/web"},
		{"web", "", "Container/web Network/web"},
		{"network/web", "", "Network/web"},
		{"containers/web networks/net", "shop", "Container/web Network/net"},
		{"pod/web", "", ""},
		{"none", "", ""},
		{file, "", "Network/absent Network/net"},
		{file + " web", "", "Container/web Network/absent Network/net Network/web"},
		{"-", "", "Network/net"},
	} {
		s, err := newSelection(strings.Fields(tt.args), tt.namespace, strings.NewReader(manifest))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, o := range s.of(all) {
			got = append(got, string(o.Kind)+"/"+o.Name)
		}
		if diff := cmp.Diff(tt.want, strings.Join(got, " ")); diff != "" {
			t.Errorf("get %s -n %q (-want +got):\n%s", tt.args, tt.namespace, diff)
		}
	}
}

func TestPlans(t *testing.T) {
	k := spec.Key{Kind: spec.KindContainer, Namespace: "shop", Name: "web"}
	change := plan.Plan{Key: k, Actions: []plan.Action{{Kind: plan.ActionStart, Target: "shop.web.0", Why: []plan.Change{{Field: "state", From: "exited", To: "running"}},
		Ops: []plan.Op{{Verb: plan.StartContainer, Target: "shop.web.0"}}}}}
	blocked := plan.Plan{Key: k, Blocks: []plan.Block{{Reason: plan.ReasonNameTaken, Message: "it is taken"}}}
	for _, tt := range []struct {
		name     string
		plans    []plan.Plan
		problems int
		want     error
	}{
		{"nothing to do", []plan.Plan{{Key: k}}, 0, nil},
		{"changes", []plan.Plan{{Key: k}, change}, 0, exitChanges},
		{"blocked", []plan.Plan{blocked}, 0, nil},
		{"problems", []plan.Plan{change}, 1, exitFailed},
	} {
		if got := planExit(tt.plans, tt.problems); got != tt.want {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
	var out bytes.Buffer
	if err := printPlans(&out, []plan.Plan{change, blocked}, 2, ""); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"shop.web.0", "Container shop/web waits (NameTaken)\n  it is taken\n", "1 action for 2 objects\n", "2 objects on the engine not in these files"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%q is not in:\n%s", want, &out)
		}
	}
	out.Reset()
	if err := printPlans(&out, []plan.Plan{change, blocked, {Key: k}}, 0, "json"); err != nil {
		t.Fatal(err)
	}
	var views []planView
	if err := json.Unmarshal(out.Bytes(), &views); err != nil || len(views) != 2 || views[0].Actions[0].Reasons[0].To != "running" || views[1].Blocked[0].Reason != "NameTaken" {
		t.Errorf("%v\n%s", err, &out)
	}
	if err := encode(&out, "xml", nil); err == nil {
		t.Error("-o xml is no error")
	}
}

func TestExitCodes(t *testing.T) {
	good := write(t, "good.yaml", "apiVersion: berth.dev/v1\nkind: Network\nmetadata: {name: net}\n")
	bad := write(t, "bad.yaml", "kind: [\n")
	noEngine := "unix://" + filepath.Join(t.TempDir(), "docker.sock")
	for _, tt := range []struct {
		args string
		want int
	}{
		{"validate " + good, 0},
		{"validate " + bad, 1},
		{"validate", 1},
		{"validate /no/such/path", 1},
		{"schema container", 0},
		{"schema pod", 1},
		{"nothing", 1},
		{"agent --no-such-flag", 1},
		{"agent", 1},
		{"plan -H " + noEngine + " " + good, 1},
		{"get -H " + noEngine + " --socket " + filepath.Join(t.TempDir(), "none"), 1},
		{"prune --socket " + filepath.Join(t.TempDir(), "none"), 1},
		{"version -H " + noEngine, 0},
	} {
		if got := run(t.Context(), strings.Fields(tt.args)); got != tt.want {
			t.Errorf("berth %s: exit code %d, want %d", tt.args, got, tt.want)
		}
	}
}

// Each problem is told once, and what is good beside it is there.
func TestLoadPaths(t *testing.T) {
	good := write(t, "good.yaml", "apiVersion: berth.dev/v1\nkind: Network\nmetadata: {name: net}\n")
	bad := write(t, "bad.yaml", "kind: [\n")
	l, err := loadPaths([]string{good, bad, "-"}, strings.NewReader("apiVersion: berth.dev/v1\nkind: Network\nmetadata: {name: net}\n"))
	if err != nil || len(l.objects) != 1 || len(l.problems) != 2 {
		t.Errorf("%v: %d objects, problems %v", err, len(l.objects), l.problems)
	}
}
