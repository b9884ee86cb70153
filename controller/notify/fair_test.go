package notify

import (
	"net/http"
	"testing"
	"time"

	"berth.dev/berth/spec"
)

// What was lost is said by the next delivery, and by every try of it.
func TestLostIsSaidOverRetries(t *testing.T) {
	inTime(t, func(b *bench) {
		b.answer = func(n int, _ body) (*http.Response, error) {
			return []*http.Response{answer(403), nil, answer(200), answer(200)}[n], []error{nil, errRefused, nil, nil}[n]
		}
		for _, m := range []string{"lost", "later", "last"} {
			b.Tell(event("web", m))
			b.settle(time.Minute)
		}
		var untold []int
		for _, p := range b.posts() {
			untold = append(untold, p.body.Untold)
		}
		if len(untold) != 4 || untold[1] != 1 || untold[2] != 1 || untold[3] != 0 {
			t.Errorf("untold: %v, want 0 1 1 0", untold)
		}
	}, each)
}

func TestFailuresSideBySideCountAsOne(t *testing.T) {
	inTime(t, func(b *bench) {
		b.slow = time.Second
		b.answer = func(int, body) (*http.Response, error) { return nil, errRefused }
		for _, name := range []string{"a", "b", "c", "d"} {
			b.Tell(event(name, "m"))
		}
		b.settle(time.Second + retryFirst + time.Millisecond)
		if n := len(b.posts()); n != 5 {
			t.Errorf("%d posts, want 5: the next try after one first wait", n)
		}
	}, each)
}

// A receiver that asks for patience gets it for all events, not only for the one that it refused.
func TestRetryAfterHoldsForAll(t *testing.T) {
	inTime(t, func(b *bench) {
		b.answer = func(n int, _ body) (*http.Response, error) {
			if n == 0 {
				return answer(429, "Retry-After", "1200"), nil
			}
			return answer(200), nil
		}
		b.Tell(event("a", "a"))
		b.settle(time.Second)
		b.Tell(event("b", "b"))
		b.settle(1190 * time.Second)
		if n := len(b.posts()); n != 1 {
			t.Errorf("%d posts before the time", n)
		}
		b.settle(time.Minute)
		if n := len(b.posts()); n != 3 {
			t.Errorf("%d posts, want 3", n)
		}
	}, each)
}

func TestTriesFirstWhatWasTriedLeast(t *testing.T) {
	s := newSender(New(Options{}), &spec.Notification{Spec: each})
	s.tell("1", event("a", "poison"))
	s.tell("2", event("b", "new"))
	s.items[0].tries, s.failures = 3, 3
	if next, _ := s.take(time.Now()); next.id != "2" {
		t.Errorf("tries %s first", next.event.Message)
	}
}
