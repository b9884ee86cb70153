package probe

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// What is added comes due at its tick, in order, whatever the steps in which time advances; what is removed does not.
func TestWheel(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	zero := time.Unix(1000, 0)
	for range 50 {
		w := newWheel(zero)
		want, got := map[*asking]time.Time{}, map[*asking]time.Time{}
		var all []*asking
		for now := zero; now.Before(zero.Add(3 * time.Hour)); {
			for range min(r.IntN(5), 200-len(all)) {
				a := &asking{}
				a.timer.probe = a
				at := now.Add(time.Duration(r.Int64N(1 << (10 + r.Int64N(33)))))
				w.add(&a.timer, at)
				want[a], all = at, append(all, a)
			}
			if len(all) > 0 && r.IntN(3) == 0 {
				a := all[r.IntN(len(all))]
				if _, came := got[a]; !came {
					w.remove(&a.timer)
					delete(want, a)
				}
			}
			to := now.Add(time.Duration(r.Int64N(int64(10 * time.Minute))))
			if next, ok := w.next(); ok && next.Before(to) {
				to = next
			}
			now = to
			w.advance(now, func(a *asking) { got[a] = now })
		}
		for a, at := range want {
			came, ok := got[a]
			switch end := zero.Add(3*time.Hour - tick); {
			case !ok && at.Before(end):
				t.Fatalf("what was due after %s did not come", at.Sub(zero))
			case ok && (came.Before(at) || came.Sub(at) > 2*tick):
				t.Fatalf("what was due after %s came after %s", at.Sub(zero), came.Sub(zero))
			}
		}
		for a := range got {
			if _, ok := want[a]; !ok {
				t.Fatal("what was removed came due")
			}
		}
	}
}

func TestWheelKeepsOrder(t *testing.T) {
	zero := time.Unix(0, 0)
	w := newWheel(zero)
	var got, want []time.Duration
	for _, d := range []time.Duration{time.Hour, time.Second, 50 * time.Hour, 10 * time.Millisecond, 641 * time.Millisecond, 68 * 365 * 24 * time.Hour} {
		a := &asking{due: zero.Add(d)}
		a.timer.probe = a
		w.add(&a.timer, a.due)
		want = append(want, d)
	}
	w.advance(zero.Add(100*365*24*time.Hour), func(a *asking) { got = append(got, a.due.Sub(zero)) })
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got %s, want %s", got, want)
	}
	if _, ok := w.next(); ok {
		t.Error("something is left")
	}
}
