package controller

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// A file lock holds among the processes of one host. Agents of other hosts (or in containers) are found through the engine: a
// newcomer knocks, by making an empty volume with a name of its own, of which every agent hears as an event; the one that holds the
// engine answers with another such volume, that says who it is. Nothing of it is left, and nothing has to be renewed: an agent that
// is gone does not answer.
const (
	knockPrefix  = "berth.knock."
	answerPrefix = "berth.answer."
	labelHolder  = spec.LabelPrefix + "holder"
)

// How long a newcomer waits for an answer, how often it looks, how long another that knocks too may take until it counts as dead, and
// after what time its note is removed.
const (
	knockWait  = time.Second
	knockLook  = 50 * time.Millisecond
	knockRival = 3 * knockWait
	knockStale = 30 * time.Second
)

// volumes is what knocking needs of an engine.
type volumes interface {
	Volumes(ctx context.Context) ([]plan.Volume, error)
	CreateVolume(ctx context.Context, v plan.VolumeCreate) error
	RemoveVolume(ctx context.Context, volume string) error
}

// Knock asks through the engine whether another agent holds it. It returns a *HeldError where one answers, or where one that knocked
// at the same time went first.
func Knock(ctx context.Context, engine volumes, engineKey string, me Holder) (err error) {
	if err := sweep(ctx, engine); err != nil { // before, so that a note which is swept is not taken for one whose owner went on
		return err
	}
	nonce := strings.ToLower(rand.Text())
	if err := leaveNote(ctx, engine, knockPrefix+nonce, me); err != nil {
		return err
	}
	defer func() {
		for _, name := range []string{knockPrefix + nonce, answerPrefix + nonce} {
			if e := engine.RemoveVolume(context.WithoutCancel(ctx), name); e != nil && !fault.Is(e, fault.NotFound) {
				err = errors.Join(err, e)
			}
		}
	}()
	k := knocker{engine: engine, key: engineKey, nonce: nonce, until: time.Now().Add(knockWait), rivals: map[string]rival{}}
	look := time.NewTicker(knockLook)
	defer look.Stop()
	for {
		if done, err := k.listen(ctx); done || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-look.C:
		}
	}
}

// knocker waits for an answer to its knock.
type knocker struct {
	engine volumes
	key    string
	nonce  string
	until  time.Time
	rivals map[string]rival // others that knock too and go first, by name
}

type rival struct {
	holder Holder
	since  time.Time // by this host's clock: that of the engine may be another
}

// listen looks once; it is done when nobody can answer any more. Of several that knock at once the first by name goes on, and the
// others give up when its note is gone: it holds the engine then. A note that stays is that of one that was killed.
func (k *knocker) listen(ctx context.Context) (done bool, err error) {
	all, err := k.engine.Volumes(ctx)
	if err != nil {
		return false, err
	}
	there, alive := map[string]bool{}, false
	for _, v := range all {
		other, knocks := strings.CutPrefix(v.Name, knockPrefix)
		switch {
		case v.Labels[labelHolder] == "":
		case v.Name == answerPrefix+k.nonce:
			return false, &HeldError{Engine: k.key, Holder: holderOf(v)}
		case knocks && other < k.nonce:
			there[other] = true
			if _, known := k.rivals[other]; !known {
				k.rivals[other] = rival{holderOf(v), time.Now()}
			}
			alive = alive || time.Since(k.rivals[other].since) < knockRival
		}
	}
	for other, r := range k.rivals {
		if !there[other] {
			return false, &HeldError{Engine: k.key, Holder: r.holder}
		}
	}
	return !alive && !time.Now().Before(k.until), nil
}

// holderOf reads who made a note. A note is a note, whatever it says.
func holderOf(v plan.Volume) (h Holder) {
	_ = json.Unmarshal([]byte(v.Labels[labelHolder]), &h)
	return h
}

// leaveNote makes a volume that says who made it.
func leaveNote(ctx context.Context, engine volumes, name string, me Holder) error {
	b, err := json.Marshal(me)
	if err != nil {
		return err
	}
	return engine.CreateVolume(ctx, plan.VolumeCreate{Name: name, Labels: map[string]string{labelHolder: string(b)}})
}

// sweep removes notes that were left behind.
func sweep(ctx context.Context, engine volumes) error {
	all, err := engine.Volumes(ctx)
	for _, v := range all {
		if v.Labels[labelHolder] == "" || !isNote(v.Name) || time.Since(v.CreatedAt) < knockStale {
			continue
		}
		if e := engine.RemoveVolume(ctx, v.Name); e != nil && !fault.Is(e, fault.NotFound) {
			err = errors.Join(err, e)
		}
	}
	return err
}

// kindKnock stands in the queue for an answer to a newcomer: the stream of events must not wait for the engine.
const kindKnock spec.Kind = "Knock"

// answer tells a newcomer who holds the engine. The newcomer removes the answer.
func (c *Controller) answer(ctx context.Context, nonce string) {
	if err := leaveNote(ctx, c.engine, answerPrefix+nonce, c.opts.Identity); err != nil {
		c.log.Error(err, "cannot tell another agent that this one holds the engine")
		return
	}
	c.log.V(1).Info("another agent asked for the engine, and was told that this one holds it")
}

// isNote reports whether a volume is one of those.
func isNote(name string) bool {
	return strings.HasPrefix(name, knockPrefix) || strings.HasPrefix(name, answerPrefix)
}
