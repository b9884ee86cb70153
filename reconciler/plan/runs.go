package plan

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Runs is what is known of the runs of a CronJob. Where it is lost, the names of containers still keep a tick from being run twice, and
// nothing that was missed until then is made up for.
type Runs struct {
	// Since is when the CronJob was first seen with its present schedule: nothing before it was missed.
	Since time.Time `json:"since"`
	// Claimed are the ticks that runs were begun for, or decided against. A clock that was far ahead by mistake leaves ticks of the
	// future here, which must not keep those before from being run: so that it is not enough to know the last.
	Claimed []Span `json:"claimed,omitempty"`
	// Pending are those of the claimed whose run is to begin, and of which no container was seen yet.
	Pending []time.Time `json:"pending,omitempty"`
	// Last is the tick that was begun last.
	Last time.Time `json:"last,omitzero"`
	// Manual are the runs that were asked for by hand, and of which no container was seen yet.
	Manual []string `json:"manual,omitempty"`
}

// Span is ticks of one schedule in a row.
type Span struct {
	First time.Time `json:"first"`
	Last  time.Time `json:"last"`
}

// maxSpans is how many interruptions of the series of ticks are remembered, each from a missed tick or a jump of the clock. Only a
// clock that is set back by more of them has a tick run twice.
const maxSpans = 256

// Has reports whether a tick is claimed.
func (r *Runs) Has(tick time.Time) bool { return r.span(tick) != nil }

func (r *Runs) span(tick time.Time) *Span {
	for i := range r.Claimed {
		if s := &r.Claimed[i]; !tick.Before(s.First) && !tick.After(s.Last) {
			return s
		}
	}
	return nil
}

func (r *Runs) pending(tick time.Time) bool { return slices.ContainsFunc(r.Pending, tick.Equal) }

// ClaimState says what became of a run.
type ClaimState string

// The states of claims, in their order.
const (
	ClaimBegin ClaimState = "begin" // its containers are about to be made
	ClaimSeen  ClaimState = "seen"  // there is a container of it: it never begins again
	ClaimSkip  ClaimState = "skip"  // it was decided against
)

// Claim is a decision about one run.
type Claim struct {
	Run   string
	Tick  time.Time // zero for a run that was asked for by hand
	After time.Time // the tick before; zero where there is none since the CronJob was first seen
	State ClaimState
	Why   string // of ClaimSkip
}

// With is what is known once some claims are made.
func (r Runs) With(claims []Claim) Runs {
	r.Claimed, r.Pending, r.Manual = slices.Clone(r.Claimed), slices.Clone(r.Pending), slices.Clone(r.Manual)
	for _, c := range claims {
		r.Manual = slices.DeleteFunc(r.Manual, func(run string) bool { return run == c.Run })
		if c.Tick.IsZero() {
			continue
		}
		r.claim(c)
		r.Pending = slices.DeleteFunc(r.Pending, c.Tick.Equal)
		if c.State == ClaimBegin {
			r.Pending, r.Last = append(r.Pending, c.Tick), c.Tick
		}
	}
	return r
}

// claim adds a tick to the span that it follows. The span that grew last comes last, and the first goes where there are too many.
func (r *Runs) claim(c Claim) {
	if r.Has(c.Tick) {
		return
	}
	grown := Span{c.Tick, c.Tick}
	for i, s := range r.Claimed {
		if !c.After.IsZero() && s.Last.Equal(c.After) {
			grown.First = s.First
			r.Claimed = slices.Delete(r.Claimed, i, i+1)
			break
		}
	}
	r.Claimed = append(r.Claimed, grown)
	if over := len(r.Claimed) - maxSpans; over > 0 {
		r.Claimed = slices.Delete(r.Claimed, 0, over)
	}
}

// Finished is how a Job ended.
type Finished struct {
	Revision string    `json:"revision"` // of its template
	At       time.Time `json:"at"`
	Failed   bool      `json:"failed,omitempty"`
	Reason   Reason    `json:"reason,omitempty"` // of a failure
	Message  string    `json:"message,omitempty"`
}

// Notes is what has to be remembered before a plan is carried out. Where it cannot be, the plan is not carried out.
type Notes struct {
	Claims []Claim
	Done   *Finished
}

// Empty reports whether there is nothing to remember.
func (n Notes) Empty() bool { return len(n.Claims) == 0 && n.Done == nil }

// String is a line for each note.
func (n Notes) String() string {
	var b strings.Builder
	for _, c := range n.Claims {
		fmt.Fprintf(&b, "claim %s: %s", c.Run, c.State)
		if c.Why != "" {
			fmt.Fprintf(&b, ", because %s", c.Why)
		}
		b.WriteByte('\n')
	}
	if d := n.Done; d != nil && d.Failed {
		fmt.Fprintf(&b, "failed at %s: %s\n", d.At.UTC().Format(time.RFC3339), d.Reason)
	} else if d != nil {
		fmt.Fprintf(&b, "complete at %s\n", d.At.UTC().Format(time.RFC3339))
	}
	return b.String()
}
