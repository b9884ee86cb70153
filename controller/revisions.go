package controller

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"github.com/go-logr/logr"

	"berth.dev/berth/controller/statefile"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// revisions keeps the history of every Container over restarts of the agent. Losing it costs what `berth rollout undo` could go
// back to, and nothing that runs.
type revisions struct {
	dir string // empty for none
	log logr.Logger

	mu    sync.Mutex
	byKey map[spec.Key]*known
	// listed: what is kept of former lives of the agent was listed.
	listed bool
}

// known is one Container's history, and what is only in memory.
type known struct {
	chronicle
	goodManifest *spec.Container // the good revision's, decoded
	goodFrom     json.RawMessage // what it was decoded from
	progress     time.Time       // when the rollout last got on

	manifest   *spec.Container // that was asked about last: most passes ask about the same
	generation string          // its name
}

// generationOf names the content of a manifest.
func (k *known) generationOf(c *spec.Container) string {
	if k.manifest != c {
		k.manifest, k.generation = c, generation(c)
	}
	return k.generation
}

func newRevisions(stateDir string, log logr.Logger) *revisions {
	s := &revisions{log: log, byKey: map[spec.Key]*known{}}
	if stateDir != "" {
		s.dir = filepath.Join(stateDir, "revisions")
	}
	return s
}

func (s *revisions) file(key spec.Key) string {
	return statefile.Name(s.dir, key.String())
}

// of gives an object's history, read when it is first asked for. The lock is held.
func (s *revisions) of(key spec.Key) *known {
	if k, ok := s.byKey[key]; ok {
		return k
	}
	k := &known{}
	if s.dir != "" {
		if _, err := statefile.Read(s.file(key), &k.chronicle); err != nil {
			s.log.Error(err, "the revisions are not known any more", "object", key.String())
		}
	}
	if k.key() != key { // there was none, or it cannot be read
		k.chronicle = chronicle{identity: identityOf(key)}
	}
	s.byKey[key] = k
	return k
}

// save writes a history. One that cannot be written is in force all the same. The lock is held.
func (s *revisions) save(k *known) error {
	if s.dir == "" {
		return nil
	}
	err := statefile.Write(s.file(k.key()), k.chronicle)
	if err != nil {
		s.log.Error(err, "cannot write the revisions down", "object", k.key().String())
	}
	return err
}

// change changes a history, and writes it down where that made a difference.
func (s *revisions) change(key spec.Key, do func(*known) bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if k := s.of(key); do(k) {
		_ = s.save(k) // it is logged, and the next change tries again
	}
}

// begin notes that a manifest's revision is wanted. run is the manifest with the image that its updatePolicy has led to, imageID what
// that image is now; empty where it is not there.
func (s *revisions) begin(c, run *spec.Container, imageID string, now time.Time) {
	s.change(c.Key(), func(k *known) bool {
		gen := k.generationOf(c)
		if last := k.last(); k.progress.IsZero() && (last == nil || last.State == RevisionProgressing) {
			k.progress = now // the deadline begins anew with the agent
		}
		if last := k.last(); last != nil && last.is(gen, imageID) && (last.ImageID != "" || imageID == "") {
			return false // as on nearly every pass, and nothing is encoded for it
		}
		number := numberOf(k.last())
		news := k.begin(Revision{Generation: gen, Image: run.Spec.Image, ImageID: imageID, Object: encodeObject(run),
			State: RevisionProgressing, Began: now, Source: c.Source().String()}, limitOf(c))
		if numberOf(k.last()) != number {
			k.progress = now
		}
		return news
	})
}

func numberOf(r *Revision) int {
	if r == nil {
		return 0
	}
	return r.Number
}

func limitOf(c *spec.Container) int {
	if c.Spec.RevisionHistoryLimit == nil {
		return spec.DefaultRevisionHistoryLimit
	}
	return int(*c.Spec.RevisionHistoryLimit)
}

func encodeObject(o spec.Object) json.RawMessage {
	b, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("controller: %s does not marshal: %v", o.Key(), err)) // its generation was made in the same way
	}
	return b
}

// deployed notes that all copies are of a revision, and available.
func (s *revisions) deployed(key spec.Key, generation, imageID string, now time.Time) {
	s.change(key, func(k *known) bool { return k.deployed(generation, imageID, now) })
}

// failed notes that a revision will not do, and why, in one sentence.
func (s *revisions) failed(key spec.Key, generation, imageID, message string, now time.Time) {
	s.change(key, func(k *known) bool { return k.failed(generation, imageID, message, now) })
}

// noteProgress notes that a rollout got on.
func (s *revisions) noteProgress(key spec.Key, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.of(key).progress = now
}

// forget drops the history of an object that is gone.
func (s *revisions) forget(key spec.Key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.byKey, key)
	if s.dir == "" {
		return
	}
	if err := statefile.Remove(s.file(key)); err != nil {
		s.log.Error(err, "cannot forget the revisions", "object", key.String())
	}
}

// inForce is the number of the revision that an object's copies are brought to; 0 where none is known.
func (s *revisions) inForce(key spec.Key) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return numberOf(s.of(key).inForce())
}

// list copies an object's revisions, by number.
func (s *revisions) list(key spec.Key) []Revision {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.of(key).Revisions)
}

// undo goes back to another revision; see chronicle.undo. unsaved says why the agent will not know of it when it is started again.
func (s *revisions) undo(key spec.Key, to int, by string, now time.Time) (number int, unsaved, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.of(key)
	if number, err = k.undo(to, by, now); err != nil {
		return 0, nil, err
	}
	k.progress = now
	return number, s.save(k), nil
}

// rollout is what the planner is told of the revisions of a Container, whose manifest means an image now.
func (s *revisions) rollout(c *spec.Container, imageID string) plan.Rollout {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.of(c.Key())
	r := plan.Rollout{Progress: k.progress}
	if good := k.good(); good != nil {
		r.GoodNumber = good.Number
	}
	now := k.find(k.generationOf(c), imageID)
	switch {
	case now == nil:
	case now.quarantined():
		r.Quarantine = &plan.Quarantine{Number: now.Number, Reason: now.Message, At: now.Ended}
	case now.State == RevisionDeployed:
		r.Deployed = true
	}
	if !r.Deployed {
		r.Good = s.goodOf(k, c, imageID)
	}
	return r
}

// goodOf is the good revision's manifest, decoded once. It has the present one's source: that is where to look.
func (s *revisions) goodOf(k *known, now *spec.Container, imageID string) *spec.Container {
	good := k.good()
	if good == nil {
		return nil
	}
	if k.goodManifest == nil || string(k.goodFrom) != string(good.Object) {
		c, err := good.object()
		if err != nil {
			s.log.Error(err, "cannot go back", "object", k.key().String())
			return nil
		}
		k.goodManifest, k.goodFrom = c, good.Object
	}
	c := *k.goodManifest
	*c.Source() = *now.Source()
	if c.Spec.Image == now.Spec.Image && good.ImageID != "" && imageID != "" && good.ImageID != imageID {
		// The reference means another image now.
		c.Spec.Image, c.Spec.ImagePullPolicy = good.ImageID, spec.PullIfNotPresent
	}
	return &c
}

// rolloutOf is what the planner is told of a Container's rollout; imageID is that of the image that its manifest means now.
func (c *Controller) rolloutOf(o *spec.Container, imageID string, now time.Time) plan.Rollout {
	r := c.revisions.rollout(o, imageID)
	asked := c.intents.get(o.Key(), now)
	r.Paused, r.RestartedAt = asked.Paused, asked.RolloutRestartedAt
	return r
}
