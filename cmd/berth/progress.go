package main

import (
	"fmt"
	"io"
	"strings"

	"berth.dev/berth/controller"
	"berth.dev/berth/reconciler"
	"berth.dev/berth/spec"
)

// progress prints a line whenever an object's state becomes another.
type progress struct {
	out  io.Writer
	last map[spec.Key]string
}

func newProgress(out io.Writer) *progress { return &progress{out: out, last: map[spec.Key]string{}} }

func (p *progress) show(objects []controller.ObjectStatus) {
	for _, o := range objects {
		reason, message := stateOf(o)
		if reason != "" && p.last[o.Key()] != reason { // messages have counts and times that change all along
			p.last[o.Key()] = reason
			fmt.Fprintf(p.out, "%s: %s\n", o.Key(), strings.TrimSuffix(reason+": "+message, ": "))
		}
	}
}

// stateOf is an object's state; empty where nothing is known yet.
func stateOf(o controller.ObjectStatus) (reason, message string) {
	synced, ready := o.Status.Condition(reconciler.Synced), o.Status.Condition(reconciler.Ready)
	switch {
	case synced.Reason == "":
		return "", ""
	case synced.Status && ready.Status:
		return "ready", ""
	case !synced.Status:
		return synced.Reason, synced.Message
	}
	return ready.Reason, ready.Message
}
