package server

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"berth.dev/berth/controller"
	"berth.dev/berth/spec"
)

// Ask is the body of a POST to /v1/objects/KIND/NAMESPACE/NAME/VERB. Each verb has its own fields; the others are left out.
type Ask struct {
	// For and Until are of hold: how long, or until when. One of the two is given.
	For   spec.Duration `json:"for,omitempty"`
	Until time.Time     `json:"until,omitzero"`
	// Reason is of hold.
	Reason string `json:"reason,omitempty"`
	// ToRevision is of rollout/undo; 0 stands for the revision before.
	ToRevision int `json:"toRevision,omitempty"`
	// Name is of run: that of the run; one is made up where it is left out.
	Name string `json:"name,omitempty"`
}

// Revisions is the answer to GET /v1/objects/KIND/NAMESPACE/NAME/revisions.
type Revisions struct {
	Revisions []controller.Revision `json:"revisions"`
}

// Error is the answer to a request that is not granted.
type Error struct {
	Error string `json:"error"`
}

// maxBody is how large a request may be, in bytes.
const maxBody = 16 << 10

// verb is something that can be asked of an object.
type verb struct {
	fields []string // of Ask
	do     func(c *controller.Controller, key spec.Key, by string, a Ask) (controller.Answer, error)
}

// plain is a verb without fields.
func plain(do func(*controller.Controller, spec.Key, string) (controller.Answer, error)) verb {
	return verb{do: func(c *controller.Controller, key spec.Key, by string, _ Ask) (controller.Answer, error) {
		return do(c, key, by)
	}}
}

// verbs are all that can be asked of an object.
var verbs = map[string]verb{
	"hold":            {[]string{"for", "until", "reason"}, hold},
	"release":         plain((*controller.Controller).Release),
	"stop":            plain((*controller.Controller).Stop),
	"start":           plain((*controller.Controller).Start),
	"restart":         plain((*controller.Controller).Restart),
	"rollout/pause":   plain((*controller.Controller).RolloutPause),
	"rollout/resume":  plain((*controller.Controller).RolloutResume),
	"rollout/restart": plain((*controller.Controller).RolloutRestart),
	"rollout/undo":    {[]string{"toRevision"}, undo},
	"run":             {[]string{"name"}, run},
}

func hold(c *controller.Controller, key spec.Key, by string, a Ask) (controller.Answer, error) {
	if (a.For != 0) == !a.Until.IsZero() {
		return controller.Answer{}, fmt.Errorf("%w: want either for or until", errBadRequest)
	}
	if a.For != 0 {
		a.Until = time.Now().Add(time.Duration(a.For))
	}
	return c.Hold(key, by, a.Until, a.Reason)
}

func undo(c *controller.Controller, key spec.Key, by string, a Ask) (controller.Answer, error) {
	return c.RolloutUndo(key, by, a.ToRevision)
}

func run(c *controller.Controller, key spec.Key, by string, a Ask) (controller.Answer, error) {
	name, err := c.RunNow(key, a.Name)
	if err != nil {
		return controller.Answer{}, err
	}
	c.Audit(key, by, "run", "run", name)
	return controller.Answer{Message: fmt.Sprintf("run %s of %s begins", name, key)}, nil
}

var errBadRequest = errors.New("bad request")

// grant answers a request for something to be done with an object.
func grant(w http.ResponseWriter, r *http.Request, c *controller.Controller) {
	v, ok := verbs[r.PathValue("verb")]
	if !ok {
		fail(w, http.StatusNotFound, fmt.Errorf("there is no %q to ask for", r.PathValue("verb")))
		return
	}
	body, err := decode(w, r, v.fields)
	if err != nil {
		fail(w, statusOf(err), err)
		return
	}
	answer(w)(v.do(c, keyOf(r), peer(r.Context()), body))
}

// decode reads a body strictly: what is not understood might be what matters.
func decode(w http.ResponseWriter, r *http.Request, fields []string) (a Ask, err error) {
	b, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		return a, err
	}
	if len(strings.TrimSpace(string(b))) == 0 {
		return a, nil
	}
	var given map[string]json.RawMessage
	if err := json.Unmarshal(b, &given); err != nil {
		return a, fmt.Errorf("%w: %w", errBadRequest, err)
	}
	for field := range given {
		if !slices.Contains(fields, field) {
			return a, fmt.Errorf("%w: there is no field %q here; there are %q", errBadRequest, field, fields)
		}
	}
	if err := json.Unmarshal(b, &a); err != nil {
		return a, fmt.Errorf("%w: %w", errBadRequest, err)
	}
	return a, nil
}

// keyOf is the object of a request. The case of its kind does not matter.
func keyOf(r *http.Request) spec.Key {
	key := spec.Key{Kind: spec.Kind(r.PathValue("kind")), Namespace: r.PathValue("namespace"), Name: r.PathValue("name")}
	for _, k := range spec.Kinds() {
		if strings.EqualFold(string(k), string(key.Kind)) {
			key.Kind = k
		}
	}
	return key
}

// revisions answers with an object's history.
func revisions(w http.ResponseWriter, r *http.Request, c *controller.Controller) {
	list, err := c.Revisions(keyOf(r))
	answer(w)(Revisions{list}, err)
}

// revision answers with one revision, its manifest included.
func revision(w http.ResponseWriter, r *http.Request, c *controller.Controller) {
	number, err := strconv.Atoi(r.PathValue("number"))
	if err != nil {
		fail(w, http.StatusBadRequest, fmt.Errorf("%q is not the number of a revision", r.PathValue("number")))
		return
	}
	answer(w)(c.Revision(keyOf(r), number))
}

// answer writes a value, or why there is none.
func answer(w http.ResponseWriter) func(v any, err error) {
	return func(v any, err error) {
		if err != nil {
			fail(w, statusOf(err), err)
			return
		}
		write(w, v)
	}
}

// statusOf is the HTTP status of an error.
func statusOf(err error) int {
	var large *http.MaxBytesError
	if errors.As(err, &large) {
		return http.StatusRequestEntityTooLarge
	}
	for class, status := range map[error]int{
		controller.ErrNotFound: http.StatusNotFound, controller.ErrConflict: http.StatusConflict,
		controller.ErrInvalid: http.StatusBadRequest, errBadRequest: http.StatusBadRequest,
	} {
		if errors.Is(err, class) {
			return status
		}
	}
	return http.StatusInternalServerError
}

func fail(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	write(w, Error{err.Error()})
}
