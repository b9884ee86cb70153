package controller

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"berth.dev/berth/reconciler/enginetest"
	"berth.dev/berth/reconciler/plan"
)

// notes counts the volumes on an engine that knocking made.
func notes(t *testing.T, e *enginetest.Engine) (n int) {
	t.Helper()
	all, err := e.Volumes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, v := range all {
		if isNote(v.Name) {
			n++
		}
	}
	return n
}

func TestKnockWhereNobodyIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		defer e.Close()
		if err := Knock(context.Background(), e, "E", Holder{}); err != nil {
			t.Error(err)
		}
		if n := notes(t, e); n != 0 {
			t.Errorf("%d notes are left", n)
		}
	})
}

func TestKnockWhereAnAgentIs(t *testing.T) {
	holder := Holder{Host: "there", PID: 7, Command: "berth agent"}
	inTime(t, func(a *agent) {
		a.engine.Allow(knockPrefix+"*", answerPrefix+"*")
		a.settle(soon)
		err := Knock(context.Background(), a.engine, "E", Holder{Host: "here"})
		var held *HeldError
		if !errors.As(err, &held) || held.Holder != holder || !strings.Contains(err.Error(), "there") {
			t.Errorf("the newcomer got %v", err)
		}
		if n := notes(t, a.engine); n != 0 {
			t.Errorf("%d notes are left", n)
		}
	}, func(o *Options) { o.Identity = holder })
}

// TestKnockAtOnce: of several that start at once, one goes on.
func TestKnockAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		defer e.Close()
		e.Latency("*", 5*time.Millisecond)
		const newcomers = 5
		results := make(chan error, newcomers)
		for range newcomers {
			go func() { results <- Knock(context.Background(), e, "E", Holder{}) }()
		}
		through := 0
		for range newcomers {
			var held *HeldError
			switch err := <-results; {
			case err == nil:
				through++
			case !errors.As(err, &held):
				t.Error(err)
			}
		}
		if through != 1 {
			t.Errorf("%d of %d went on, want 1", through, newcomers)
		}
	})
}

// TestKnockThatWasLeft: a newcomer that was killed while it knocked keeps nobody out, and its note goes.
func TestKnockThatWasLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		defer e.Close()
		if err := leaveNote(context.Background(), e, knockPrefix+"0", Holder{}); err != nil {
			t.Fatal(err)
		}
		users := plan.VolumeCreate{Name: knockPrefix + "1"} // has the name, before all others, and not the label
		if err := e.CreateVolume(context.Background(), users); err != nil {
			t.Fatal(err)
		}
		for _, wait := range []time.Duration{0, knockStale - knockRival - 2*knockWait, knockStale} { // the second becomes stale while it is waited for
			<-time.After(wait)
			if err := Knock(context.Background(), e, "E", Holder{}); err != nil {
				t.Errorf("a note of %s: got %v", wait, err)
			}
		}
		if n := notes(t, e); n != 1 {
			t.Errorf("%d notes are left, want the user's own volume", n)
		}
	})
}

func TestKnockEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		e := enginetest.New()
		defer e.Close()
		ctx, cancel := context.WithTimeout(context.Background(), knockWait/2)
		defer cancel()
		if err := Knock(ctx, e, "E", Holder{}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
		if n := notes(t, e); n != 0 {
			t.Errorf("%d notes are left", n)
		}
	})
}
