package controller

import (
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"berth.dev/berth/spec"
)

// Revision is one state of a Container's manifest, together with the image that it meant.
type Revision struct {
	Number int `json:"number"` // from 1; a revision that comes back gets a new one
	// Generation names the manifest's content.
	Generation string `json:"generation"`
	Image      string `json:"image"`
	ImageID    string `json:"imageID,omitempty"` // empty where the image has not been there yet
	// Object is the whole object with its defaults. It has values of env: whoever shows it hides those first.
	Object  json.RawMessage `json:"object,omitempty"`
	State   RevisionState   `json:"state"`
	Message string          `json:"message,omitempty"` // why it failed, or who went back from it
	Began   time.Time       `json:"began"`
	Ended   time.Time       `json:"ended,omitzero"` // when it got to its state; zero while it progresses
	// DeployedAt is when it was deployed last: only one that was is known to work.
	DeployedAt time.Time `json:"deployedAt,omitzero"`
	Source     string    `json:"source,omitempty"` // file and line
}

// RevisionState says what became of a revision.
type RevisionState string

// The states of a revision.
const (
	RevisionProgressing RevisionState = "Progressing"
	RevisionDeployed    RevisionState = "Deployed"   // the last one that was: what a failed one goes back to
	RevisionSuperseded  RevisionState = "Superseded" // another came after it
	RevisionFailed      RevisionState = "Failed"
	RevisionUndone      RevisionState = "Undone" // a person went back from it
)

// is reports whether a revision is that of a manifest and an image. One of the two images may not be known: it is removed, or not
// pulled yet, and neither makes it another revision.
func (r *Revision) is(generation, imageID string) bool {
	return r.Generation == generation && (r.ImageID == imageID || r.ImageID == "" || imageID == "")
}

// quarantined reports whether the revision is not tried again.
func (r *Revision) quarantined() bool {
	return r.State == RevisionFailed || r.State == RevisionUndone
}

// proven reports whether the revision was deployed once.
func (r *Revision) proven() bool { return !r.DeployedAt.IsZero() }

// end puts the revision into a state.
func (r *Revision) end(s RevisionState, message string, now time.Time) {
	r.State, r.Message, r.Ended = s, message, now
	if s == RevisionProgressing {
		r.Ended = time.Time{}
	}
}

// object decodes the manifest.
func (r *Revision) object() (*spec.Container, error) {
	var c spec.Container
	if err := json.Unmarshal(r.Object, &c); err != nil {
		return nil, fmt.Errorf("revision %d cannot be read back: %w", r.Number, err)
	}
	return &c, nil
}

// chronicle is the revisions of one Container, by number. The last is the manifest's present one.
type chronicle struct {
	identity
	Revisions []Revision `json:"revisions"`
}

// find gives the newest revision of a manifest and an image; nil where there is none.
func (c *chronicle) find(generation, imageID string) *Revision {
	for i := len(c.Revisions) - 1; i >= 0; i-- {
		if r := &c.Revisions[i]; r.is(generation, imageID) {
			return r
		}
	}
	return nil
}

func (c *chronicle) number(n int) *Revision {
	i := slices.IndexFunc(c.Revisions, func(r Revision) bool { return r.Number == n })
	if i < 0 {
		return nil
	}
	return &c.Revisions[i]
}

// last is the manifest's present revision; nil where there is none yet.
func (c *chronicle) last() *Revision {
	if len(c.Revisions) == 0 {
		return nil
	}
	return &c.Revisions[len(c.Revisions)-1]
}

// good is the revision that was deployed last; nil where none was.
func (c *chronicle) good() *Revision {
	i := slices.IndexFunc(c.Revisions, func(r Revision) bool { return r.State == RevisionDeployed })
	if i < 0 {
		return nil
	}
	return &c.Revisions[i]
}

// begin notes that a revision is wanted, and reports whether that is news. One that was wanted before gets a new number, as
// Kubernetes has it, and with it another try.
func (c *chronicle) begin(r Revision, limit int) bool {
	if last := c.last(); last != nil && last.is(r.Generation, r.ImageID) {
		if last.ImageID != "" || r.ImageID == "" {
			return false
		}
		last.ImageID = r.ImageID
		return true
	}
	r.Number = 1
	if last := c.last(); last != nil {
		r.Number = last.Number + 1
		if last.State == RevisionProgressing {
			last.end(RevisionSuperseded, "another revision came before it was deployed", r.Began)
		}
	}
	if old := c.find(r.Generation, r.ImageID); old != nil {
		r.DeployedAt = old.DeployedAt
		if old.State == RevisionDeployed { // it is what runs still, and has nothing to prove
			r.State, r.Ended = RevisionDeployed, old.Ended
		}
		c.drop(old.Number)
	}
	c.Revisions = append(c.Revisions, r)
	c.trim(limit)
	return true
}

func (c *chronicle) drop(number int) {
	c.Revisions = slices.DeleteFunc(c.Revisions, func(r Revision) bool { return r.Number == number })
}

// trim forgets the oldest revisions beyond a limit, which counts neither the present one nor the good one.
func (c *chronicle) trim(limit int) {
	spare := len(c.Revisions) - 1 - limit
	if good := c.good(); good != nil && good != c.last() {
		spare--
	}
	present := c.last().Number
	c.Revisions = slices.DeleteFunc(c.Revisions, func(r Revision) bool {
		if spare <= 0 || r.Number == present || r.State == RevisionDeployed {
			return false
		}
		spare--
		return true
	})
}

// deployed makes a revision that progresses the good one, and reports whether it was not before. One that has failed can only get
// there while there was nothing to go back to, so that it was tried on.
func (c *chronicle) deployed(generation, imageID string, now time.Time) bool {
	r := c.find(generation, imageID)
	if r == nil || r.State != RevisionProgressing && (r.State != RevisionFailed || c.good() != nil) {
		return false
	}
	c.makeGood(r, now)
	return true
}

// makeGood makes a revision the good one in place of another.
func (c *chronicle) makeGood(r *Revision, now time.Time) {
	if old := c.good(); old != nil && old != r {
		old.end(RevisionSuperseded, "", now)
	}
	r.end(RevisionDeployed, "", now)
	r.DeployedAt = now
}

// failed notes why a revision is not tried again, and reports whether that is news. Only one that progresses can fail.
func (c *chronicle) failed(generation, imageID, message string, now time.Time) bool {
	r := c.find(generation, imageID)
	if r == nil || r.State != RevisionProgressing {
		return false
	}
	r.end(RevisionFailed, message, now)
	return true
}
