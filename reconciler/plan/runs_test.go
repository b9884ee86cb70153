package plan

import (
	"fmt"
	"testing"
	"time"
)

// TestClaims follows what is remembered of ticks, an hour apart.
func TestClaims(t *testing.T) {
	for _, tt := range []struct {
		name    string
		claims  []Claim
		claimed string // first-last of each span
		pending string
		last    int
	}{
		{"one after the other is one span", []Claim{tick(1, 0, ClaimBegin), tick(1, 0, ClaimSeen), tick(2, 1, ClaimSkip), tick(3, 2, ClaimBegin)}, "[1-3]", "[3]", 3},
		{"what was missed is not claimed", []Claim{tick(1, 0, ClaimSeen), tick(4, 3, ClaimBegin)}, "[1-1 4-4]", "[4]", 4},
		{"back from a clock that was ahead", []Claim{tick(1, 0, ClaimBegin), tick(90, 89, ClaimBegin), tick(2, 1, ClaimBegin)}, "[90-90 1-2]", "[1 90 2]", 2},
		{"what was given up is not pending", []Claim{tick(1, 0, ClaimBegin), tick(1, 0, ClaimSkip)}, "[1-1]", "[]", 1},
		{"the first of all follows none", []Claim{tick(1, -1, ClaimSeen), tick(2, -1, ClaimSeen)}, "[1-1 2-2]", "[]", -1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := Runs{}.With(tt.claims)
			spans := []string{}
			for _, s := range r.Claimed {
				spans = append(spans, fmt.Sprintf("%d-%d", hours(s.First), hours(s.Last)))
			}
			pending := []int{}
			for _, p := range r.Pending {
				pending = append(pending, hours(p))
			}
			if got := fmt.Sprint(spans); got != tt.claimed {
				t.Errorf("claimed are %s, want %s", got, tt.claimed)
			}
			if got := fmt.Sprint(pending); got != tt.pending {
				t.Errorf("pending are %s, want %s", got, tt.pending)
			}
			if got := hours(r.Last); got != tt.last {
				t.Errorf("the last is %d, want %d", got, tt.last)
			}
		})
	}
}

// TestClaimsAreBounded: the series that goes on is never forgotten, however many others there were.
func TestClaimsAreBounded(t *testing.T) {
	r := Runs{}.With([]Claim{tick(1, 0, ClaimSeen)})
	for i := 2; i < 2000; i++ {
		r = r.With([]Claim{tick(10_000+2*i, 10_000+2*i-1, ClaimSeen), tick(i, i-1, ClaimSeen)})
	}
	if len(r.Claimed) > maxSpans {
		t.Errorf("%d spans", len(r.Claimed))
	}
	for i := 1; i < 2000; i++ {
		if !r.Has(hour(i)) {
			t.Fatalf("tick %d is forgotten", i)
		}
	}
}

func TestClaimsLeaveWhatWasKnown(t *testing.T) {
	before := Runs{Claimed: []Span{{hour(1), hour(1)}}, Pending: []time.Time{hour(1)}, Manual: []string{"m1", "m2"}}
	after := before.With([]Claim{tick(2, 1, ClaimBegin), tick(1, 0, ClaimSeen), {Run: "m1", State: ClaimSeen}})
	if got := fmt.Sprint(before.Manual, len(before.Claimed), before.Claimed[0].Last.Equal(hour(1)), len(before.Pending)); got != "[m1 m2] 1 true 1" {
		t.Errorf("what was known is %s", got)
	}
	if got := fmt.Sprint(after.Manual); got != "[m2]" {
		t.Errorf("by hand are %s", got)
	}
}

// tick claims the nth hour, after another; a negative one for none.
func tick(n, after int, state ClaimState) Claim {
	c := Claim{Run: fmt.Sprint(n), Tick: hour(n), State: state}
	if after >= 0 {
		c.After = hour(after)
	}
	return c
}

func hour(n int) time.Time { return time.Unix(int64(n)*3600, 0).UTC() }

func hours(t time.Time) int {
	if t.IsZero() {
		return -1
	}
	return int(t.Unix() / 3600)
}
