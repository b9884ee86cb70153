package controller

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"slices"
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

// How long a newcomer waits for an answer, how often it looks, and after what time a knock is one that was left behind.
const (
	knockWait  = time.Second
	knockLook  = 50 * time.Millisecond
	knockStale = 30 * time.Second
)

// volumes is what knocking needs of an engine.
type volumes interface {
	Volumes(ctx context.Context) ([]plan.Volume, error)
	CreateVolume(ctx context.Context, v plan.VolumeCreate) error
	RemoveVolume(ctx context.Context, volume string) error
}

// Knock asks through the engine whether another agent holds it. It returns a *HeldError where one answers, or where one that knocks
// at the same time is to go first.
func Knock(ctx context.Context, engine volumes, engineKey string, me Holder) (err error) {
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
	deadline := time.After(knockWait)
	for look := time.NewTicker(knockLook); ; {
		if err := listen(ctx, engine, engineKey, nonce); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			return nil
		case <-look.C:
		}
	}
}

// leaveNote makes a volume that says who made it.
func leaveNote(ctx context.Context, engine volumes, name string, me Holder) error {
	b, err := json.Marshal(me)
	if err != nil {
		return err
	}
	return engine.CreateVolume(ctx, plan.VolumeCreate{Name: name, Labels: map[string]string{labelHolder: string(b)}})
}

// listen looks for an answer, and for others that knock too: of those the first by name goes on.
func listen(ctx context.Context, engine volumes, engineKey, nonce string) error {
	all, err := engine.Volumes(ctx)
	if err != nil {
		return err
	}
	all, err = sweep(ctx, engine, all)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(all, func(v plan.Volume) bool {
		other, knocks := strings.CutPrefix(v.Name, knockPrefix)
		return v.Labels[labelHolder] != "" && (v.Name == answerPrefix+nonce || knocks && other < nonce)
	})
	if i < 0 {
		return nil
	}
	held := &HeldError{Engine: engineKey}
	_ = json.Unmarshal([]byte(all[i].Labels[labelHolder]), &held.Holder) // an answer is an answer, whatever it says
	return held
}

// sweep removes notes that were left behind, and gives the other volumes.
func sweep(ctx context.Context, engine volumes, all []plan.Volume) (rest []plan.Volume, err error) {
	for _, v := range all {
		if v.Labels[labelHolder] == "" || !isNote(v.Name) || time.Since(v.CreatedAt) < knockStale {
			rest = append(rest, v)
			continue
		}
		if e := engine.RemoveVolume(ctx, v.Name); e != nil && !fault.Is(e, fault.NotFound) {
			err = errors.Join(err, e)
		}
	}
	return rest, err
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
