package updates

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// ours is an error that another answer of the registry, or none, would not change.
type ours struct{ error }

// refusal is why there is no answer.
type refusal struct {
	message string
	// registry: it is in trouble, or unreachable, and has no answer to other questions either.
	registry bool
	limited  bool          // it was asked too often
	wait     time.Duration // how long it wants to be left alone; zero where it did not say
}

func (r *refusal) Error() string { return r.message }

// advice says what to do about an answer, by HTTP status.
var advice = map[int]string{
	http.StatusUnauthorized:    "it does not let us in: run `docker login %s` as the agent's user",
	http.StatusForbidden:       "it forbids it: run `docker login %s` as the agent's user, as somebody who may",
	http.StatusNotFound:        "%s has no such image: push it, or correct spec.image",
	http.StatusTooManyRequests: "%s was asked too often: it is left alone for a while; a schedule further apart, or a login, helps",
}

// refused makes a refusal of an error. It has nothing of the request but its address.
func refused(q question, err error, wait time.Duration) *refusal {
	r := &refusal{wait: wait}
	status := statusOf(err)
	_, own := errors.AsType[ours](err)
	r.limited = status == http.StatusTooManyRequests
	r.registry = r.limited || status >= 500 || status == http.StatusRequestTimeout || status == 0 && !own
	r.message = fmt.Sprintf("cannot ask %s for %s: %s", q.Registry, q, reason(q, status, err))
	return r
}

func statusOf(err error) int {
	if e, ok := errors.AsType[*transport.Error](err); ok {
		return e.StatusCode
	}
	return 0
}

func reason(q question, status int, err error) string {
	switch text := advice[status]; {
	case text != "":
		return fmt.Sprintf(text, q.Registry)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no answer within %s", patience)
	}
	return short(err.Error())
}

// short makes one line of an error: a proxy's whole page may be in it.
func short(s string) string {
	const most = 300
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
