package notify

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"berth.dev/berth/spec"
)

func TestTells(t *testing.T) {
	inTime(t, func(b *bench) {
		b.Tell(event("web", "one"))
		b.settle(0)
		b.Tell(event("web", "two"))
		b.settle(0)
		b.expect("one two")
		if s := b.status(); s != (Status{Delivered: 2}) {
			t.Errorf("status: %+v", s)
		}
	}, spec.NotificationSpec{})
}

func TestFilters(t *testing.T) {
	web := event("web-1", "m")
	web.Labels = map[string]string{"tier": "front", "team": ""}
	engine := Event{Type: spec.EventWarning, Reason: "EngineAway", Message: "m"}
	type filter = spec.NotificationFilter
	for _, tt := range []struct {
		name    string
		filters []filter
		event   Event
		want    bool
	}{
		{"none", nil, web, true},
		{"empty", []filter{{}}, web, true},
		{"kind", []filter{{Kinds: []spec.Kind{spec.KindJob, spec.KindContainer}}}, web, true},
		{"other kind", []filter{{Kinds: []spec.Kind{spec.KindJob}}}, web, false},
		{"namespace", []filter{{Namespaces: []string{"shop"}}}, web, true},
		{"other namespace", []filter{{Namespaces: []string{"sho"}}}, web, false},
		{"name", []filter{{Names: []string{"web-1"}}}, web, true},
		{"names like", []filter{{Names: []string{"db", "w*-*"}}}, web, true},
		{"a point is a point", []filter{{Names: []string{"web.1", "?eb-1", "web"}}}, web, false},
		{"reasons like", []filter{{Reasons: []string{"Un*"}}}, web, true},
		{"other reason", []filter{{Reasons: []string{"*un*"}}}, web, false},
		{"type", []filter{{Types: []spec.EventType{spec.EventWarning}}}, web, true},
		{"other type", []filter{{Types: []spec.EventType{spec.EventNormal}}}, web, false},
		{"label", []filter{{MatchLabels: map[string]string{"tier": "front"}}}, web, true},
		{"empty label", []filter{{MatchLabels: map[string]string{"team": ""}}}, web, true},
		{"label that is not there", []filter{{MatchLabels: map[string]string{"app": ""}}}, web, false},
		{"one of the fields does not", []filter{{Names: []string{"*"}, Reasons: []string{"Started"}}}, web, false},
		{"the second filter does", []filter{{Reasons: []string{"Started"}}, {Names: []string{"web*"}}}, web, true},
		{"no object", []filter{{Reasons: []string{"Engine*"}}}, engine, true},
		{"no object, any name", []filter{{Names: []string{"*"}}}, engine, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := wants(tt.filters, tt.event); got != tt.want {
				t.Errorf("wants: %v", got)
			}
		})
	}
}

func TestSameIsToldOnceWithinTheWindow(t *testing.T) {
	for _, tt := range []struct {
		name, first, second string
		same                bool
	}{
		{"the same", "it ended", "it ended", true},
		{"how often", "was restarted 3 times", "was restarted 14 times", true},
		{"when", "next start at 2026-01-02T03:04:05.678Z", "next start at 2026-01-02T03:04:09.000Z", true},
		{"which port", "port 8080 is taken", "port 9090 is taken", false},
		{"what limit", "cpu: 500m -> 250m", "cpu: 500m -> 100m", false},
		{"which copy", `"shop.web.0" ended`, `"shop.web.1" ended`, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(b *bench) {
				b.Tell(event("web", tt.first))
				b.settle(4 * time.Minute)
				b.Tell(event("web", tt.second))
				b.settle(0)
				if got := len(b.posts()) == 1; got != tt.same {
					t.Errorf("told %d times", len(b.posts()))
				}
			}, spec.NotificationSpec{})
		})
	}
}

func TestRepetitionsAreCounted(t *testing.T) {
	inTime(t, func(b *bench) {
		for range 4 {
			b.Tell(event("web", "m"))
			b.Tell(event("db", "m"))
			b.settle(time.Minute)
		}
		b.settle(time.Minute)
		b.Tell(event("web", "m"))
		b.settle(0)
		got := b.posts()
		if len(got) != 3 || got[0].body.Repeated != 0 || got[2].body.Repeated != 3 || got[2].body.Object.Name != "web" {
			t.Errorf("told: %+v", got)
		}
		b.count(resultDeduped, 6)
	}, spec.NotificationSpec{})
}

func TestMemoryIsBounded(t *testing.T) {
	m, now := memory{}, time.Now()
	for i := range 3 * mostRemembered {
		m.note(fingerprintOf(event("web", fmt.Sprint("m", i))), now, time.Hour)
	}
	if len(m) > mostRemembered {
		t.Errorf("remembers %d", len(m))
	}
}

func TestRateIsLimited(t *testing.T) {
	inTime(t, func(b *bench) {
		for i := range 10 {
			b.Tell(event("web", fmt.Sprint("a", i)))
			b.settle(0)
		}
		b.expect("a0 a1 a2")
		b.settle(20 * time.Second) // one more every 20 s
		b.Tell(event("web", "b0"))
		b.settle(0)
		b.Tell(event("web", "b1"))
		b.settle(0)
		b.expect("a0 a1 a2 b0")
		if got := b.posts()[3].body.Untold; got != 7 {
			t.Errorf("says that %d were not told, want 7", got)
		}
		b.count(resultLimited, 8)
		b.settle(10 * time.Minute)
		b.expect("a0 a1 a2 b0") // what was held back does not come later
	}, spec.NotificationSpec{RateLimitPerMinute: new(int32(3))})
}

func TestRetries(t *testing.T) {
	for _, tt := range []struct {
		name        string
		answer      func() (*http.Response, error)
		least, most int // posts in an hour and a half
		failed      bool
	}{
		{"away", func() (*http.Response, error) { return nil, errRefused }, 18, 32, true},
		{"500", func() (*http.Response, error) { return answer(500), nil }, 18, 32, true},
		{"503 with a wait", func() (*http.Response, error) { return answer(503, "Retry-After", "1200"), nil }, 3, 4, true},
		{"429 with a wait", func() (*http.Response, error) { return answer(429, "Retry-After", "1200"), nil }, 3, 4, true},
		{"408", func() (*http.Response, error) { return answer(408), nil }, 18, 32, true},
		{"400", func() (*http.Response, error) { return answer(400), nil }, 1, 1, true},
		{"410", func() (*http.Response, error) { return answer(410), nil }, 1, 1, true},
		{"redirect", func() (*http.Response, error) { return answer(307, "Location", "http://other.example/"), nil }, 1, 1, true},
		{"202", func() (*http.Response, error) { return answer(202), nil }, 1, 1, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(b *bench) {
				b.answer = func(int, body) (*http.Response, error) { return tt.answer() }
				b.Tell(event("web", "m"))
				b.settle(90 * time.Minute)
				got := b.posts()
				if len(got) < tt.least || len(got) > tt.most {
					t.Errorf("posted %d times, want %d to %d", len(got), tt.least, tt.most)
				}
				for _, p := range got {
					if p.body.ID == "" || p.body.ID != got[0].body.ID {
						t.Errorf("the ID %q became %q", got[0].body.ID, p.body.ID)
					}
				}
				if s := b.status(); (s.Failed == 1) != tt.failed || (s.Trouble != "") != tt.failed || s.Waiting != 0 {
					t.Errorf("status: %+v", s)
				}
				if last := got[len(got)-1].after; last > giveUp+retryMost { // one that waits its turn is tried once more
					t.Errorf("tried after %s", last)
				}
			}, spec.NotificationSpec{})
		})
	}
}

func TestWaitsGrow(t *testing.T) {
	for tries := range 40 {
		want := min(time.Second<<min(tries, 20), retryMost)
		if got := backoff(tries + 1); got < want/2 || got > want {
			t.Errorf("after %d tries: %s, want %s to %s", tries+1, got, want/2, want)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for value, want := range map[string]time.Duration{
		"": 0, "7": 7 * time.Second, "-7": 0, "soon": 0, "99999999": giveUp,
		"Fri, 02 Jan 2026 03:05:05 GMT": time.Minute, "Fri, 02 Jan 2026 03:00:00 GMT": 0, "Fri, 02 Jan 2099 03:00:00 GMT": giveUp,
	} {
		if got := retryAfter(value, now); got != want {
			t.Errorf("%q: %s, want %s", value, got, want)
		}
	}
}

// A receiver that comes back gets everything, in the order of each object, and is not overrun.
func TestOutage(t *testing.T) {
	inTime(t, func(b *bench) {
		var down atomic.Bool
		down.Store(true)
		b.answer = func(int, body) (*http.Response, error) {
			if down.Load() {
				return nil, errRefused
			}
			return answer(200), nil
		}
		for i := range 3 {
			for _, name := range []string{"a", "b", "c", "d", "e", "f"} {
				b.Tell(event(name, fmt.Sprint(name, i)))
			}
		}
		b.settle(20 * time.Minute)
		if tries := len(b.posts()); tries > 20 {
			t.Errorf("posted %d times in 20 minutes without an answer", tries)
		}
		if s := b.status(); s.Waiting != 18 || !strings.Contains(s.Trouble, "refused") {
			t.Errorf("status: %+v", s)
		}
		down.Store(false)
		b.settle(2 * retryMost)
		last := map[string]string{}
		for m := range strings.FieldsSeq(b.messages()) {
			if m <= last[m[:1]] {
				t.Errorf("%s came after %s", m, last[m[:1]])
			}
			last[m[:1]] = m
		}
		if s := b.status(); s != (Status{Delivered: 18}) {
			t.Errorf("status: %+v", s)
		}
		if n := len(b.logged("")); n != 2 {
			t.Errorf("%d lines, want one of the trouble and one of its end: %q", n, b.logged(""))
		}
	}, each)
}

func (b *bench) logged(text string) (lines []string) {
	b.logMu.Lock()
	defer b.logMu.Unlock()
	for _, l := range b.log {
		if strings.Contains(l, text) {
			lines = append(lines, l)
		}
	}
	return lines
}

// One event that the receiver cannot digest holds up no other object's.
func TestPoisonHarmsOnlyItsObject(t *testing.T) {
	inTime(t, func(b *bench) {
		b.answer = func(_ int, p body) (*http.Response, error) {
			if p.Message == "poison" {
				return answer(500), nil
			}
			return answer(200), nil
		}
		b.Tell(event("a", "poison"))
		b.Tell(event("a", "after"))
		for i := range 20 {
			b.Tell(event("b", fmt.Sprint("b", i)))
			b.settle(10 * time.Second)
		}
		if got := len(strings.Fields(b.messages())); got < 20 {
			t.Errorf("%d of 20 arrived: %s", got, b.messages())
		}
		b.settle(2 * time.Hour)
		if got := b.messages(); !strings.HasSuffix(got, " after") {
			t.Errorf("what came after the poison is not there: %s", got)
		}
	}, each)
}

func TestInFlightIsBoundedAndOneAnObject(t *testing.T) {
	inTime(t, func(b *bench) {
		b.slow = time.Second
		for i := range 12 {
			b.Tell(event(fmt.Sprint("n", i), "m"))
		}
		b.settle(3 * time.Second)
		if b.most != mostInFlight || len(b.posts()) != 12 {
			t.Errorf("%d at once, %d in all", b.most, len(b.posts()))
		}
		b.most = 0
		for range 3 {
			b.Tell(event("web", "m"))
		}
		b.settle(3 * time.Second)
		if b.most != 1 {
			t.Errorf("%d of one object at once", b.most)
		}
	}, each)
}

func TestNoAnswer(t *testing.T) {
	inTime(t, func(b *bench) {
		b.slow = time.Hour
		b.Tell(event("web", "m"))
		b.settle(4 * time.Second)
		if s := b.status(); s.Trouble != "cannot reach hooks.example: no answer within 3s" {
			t.Errorf("status: %+v", s)
		}
	}, spec.NotificationSpec{Webhook: spec.Webhook{Timeout: new(spec.Duration(3 * time.Second))}})
}

// Whoever tells never waits, and the oldest goes where there is too much.
func TestQueueIsBounded(t *testing.T) {
	inTime(t, func(b *bench) {
		b.slow = time.Second
		before := time.Now()
		for i := range mostQueued + 50 {
			b.Tell(event("web", fmt.Sprint("m", i)))
		}
		if time.Since(before) != 0 {
			t.Error("telling took time")
		}
		b.settle(time.Hour)
		b.count(resultDropped, 50)
		got := b.posts()
		if last := got[len(got)-1].body.Message; len(got) != mostQueued || last != fmt.Sprint("m", mostQueued+49) {
			t.Errorf("%d arrived, the last is %s", len(got), last)
		}
		untold := 0
		for _, p := range got {
			untold += p.body.Untold
		}
		if untold != 50 {
			t.Errorf("the deliveries say that %d were not told, want 50", untold)
		}
	}, each)
}

func TestEnd(t *testing.T) {
	for _, tt := range []struct {
		name    string
		slow    time.Duration
		answer  error
		takes   time.Duration
		arrived int
	}{
		{"nothing to wait for", 0, nil, 0, 3},
		{"what is on its way arrives", time.Second, nil, time.Second, 3},
		{"no longer than a moment", time.Minute, nil, drainTime, 0},
		{"no wait for a receiver that is away", 0, errRefused, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(b *bench) {
				b.slow = tt.slow
				if tt.answer != nil {
					b.answer = func(int, body) (*http.Response, error) { return nil, tt.answer }
				}
				for _, name := range []string{"a", "b", "c"} {
					b.Tell(event(name, name))
				}
				before := time.Now()
				b.end()
				if took := time.Since(before); took != tt.takes {
					t.Errorf("took %s, want %s", took, tt.takes)
				}
				if got := len(strings.Fields(b.messages())); got != tt.arrived {
					t.Errorf("%d arrived, want %d", got, tt.arrived)
				}
				b.count(resultDropped, 3-tt.arrived)
				b.Tell(event("a", "late")) // it is too late, and harms nothing
				b.set()
			}, each)
		})
	}
}

func TestSet(t *testing.T) {
	down := func(b *bench) {
		b.answer = func(n int, _ body) (*http.Response, error) {
			if n == 0 {
				return nil, errRefused
			}
			return answer(200), nil
		}
		b.Tell(event("web", "m"))
		b.settle(0)
		b.Tell(event("web", "later"))
	}
	suspended := each
	suspended.Suspend = true
	mended := each
	mended.Webhook.URL = "http://other.example/"
	for _, tt := range []struct {
		name, arrived string
		do            func(b *bench)
	}{
		{"the same again", "m later", func(b *bench) { b.set(each) }},
		{"another address is tried at once", "m later", func(b *bench) { b.set(mended); b.settle(0); b.expect("m later") }},
		{"gone", "", func(b *bench) { b.set() }},
		{"suspended", "", func(b *bench) { b.set(suspended); b.Tell(event("web", "meanwhile")) }},
		{"gone and back", "new", func(b *bench) { b.set(); b.set(each); b.Tell(event("web", "new")) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inTime(t, func(b *bench) {
				down(b)
				tt.do(b)
				b.settle(time.Hour)
				b.expect(tt.arrived)
			}, each)
		})
	}
}

// A notification that fails would else have one more to deliver by every failure.
func TestTellsItselfNothingOfItself(t *testing.T) {
	inTime(t, func(b *bench) {
		e := event("hook0", "m")
		e.Object.Kind, e.Object.Namespace = spec.KindNotification, "ops"
		b.Tell(e)
		b.settle(0)
		if n := len(b.posts()); n != 1 {
			t.Errorf("told %d times, want once: by the other", n)
		}
	}, each, each)
}

func TestChangedIsTold(t *testing.T) {
	inTime(t, func(b *bench) {
		var said []string
		var mu sync.Mutex
		b.changed = func(k spec.Key) {
			s, _ := b.Status(k)
			mu.Lock()
			defer mu.Unlock()
			said = append(said, fmt.Sprint(s.Delivered, s.Failed, s.Trouble != ""))
		}
		b.answer = func(n int, _ body) (*http.Response, error) {
			return []*http.Response{answer(200), answer(403), nil, answer(200)}[n], []error{nil, nil, errors.New("reset"), nil}[n]
		}
		for range 3 {
			b.Tell(event("web", "m"))
			b.settle(time.Minute)
		}
		mu.Lock()
		defer mu.Unlock()
		if got := strings.Join(said, ", "); got != "1 0 false, 1 1 true, 1 1 true, 2 1 false" {
			t.Errorf("said %s", got)
		}
	}, each)
}
