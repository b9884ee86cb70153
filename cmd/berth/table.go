package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"berth.dev/berth/controller"
	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// table prints objects for people. When it prints again, it prints only the rows that changed.
type table struct {
	out  io.Writer
	wide bool
	last map[spec.Key]string
}

func newTable(out io.Writer, output string) *table {
	return &table{out: out, wide: output == "wide"}
}

func (t *table) print(objects []controller.ObjectStatus) {
	w := tabwriter.NewWriter(t.out, 0, 0, 3, ' ', 0)
	defer w.Flush()
	if t.last == nil && len(objects) == 0 {
		fmt.Fprintln(t.out, "no objects")
	}
	if len(t.last) == 0 && len(objects) > 0 {
		fmt.Fprintln(w, strings.Join(t.header(), "\t"))
	}
	now := make(map[spec.Key]string, len(objects))
	for _, o := range objects {
		state := strings.Join(t.row(o, false), "\t")
		if now[o.Key()] = state; t.last[o.Key()] != state {
			fmt.Fprintln(w, strings.Join(t.row(o, true), "\t"))
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(t.last), spec.Key.Compare) {
		if _, there := now[k]; !there {
			fmt.Fprintf(w, "%s\t%s\t%s\t-\tRemoved\t-\t-\n", k.Kind, k.Namespace, k.Name)
		}
	}
	t.last = now
}

func (t *table) header() []string {
	h := []string{"KIND", "NAMESPACE", "NAME", "READY", "STATUS", "RESTARTS", "AGE"}
	if t.wide {
		h = append(h, "IMAGE", "PORTS", "ADDRESSES", "SOURCE", "MESSAGE")
	}
	return h
}

// row is an object's columns; without the age, which changes by itself, where rows are compared.
func (t *table) row(o controller.ObjectStatus, age bool) []string {
	reason, message := worstCondition(o)
	if reason == "" {
		reason = o.Status.Condition(reconciler.Ready).Reason
	}
	if len(o.Status.Conditions) == 0 {
		reason, message = "Missing", "it is not on the engine"
	}
	r := []string{string(o.Kind), o.Namespace, o.Name, readyColumn(o), reason + marks(o, reason), fmt.Sprint(o.Status.Restarts), ""}
	if age {
		r[6] = ageColumn(o)
	}
	if t.wide {
		var ports, addresses []string
		for _, c := range o.Status.Containers {
			ports, addresses = append(ports, c.Ports...), append(addresses, c.Addresses...)
		}
		r = append(r, o.Image, strings.Join(ports, ","), strings.Join(addresses, ","), o.Source, message)
	}
	return r
}

// marks are what a person has asked for that bears on an object, where its state does not tell already.
func marks(o controller.ObjectStatus, reason string) (text string) {
	paused := o.Status.Rollout != nil && o.Status.Rollout.Phase == plan.RolloutPaused
	for _, m := range []struct {
		mark string
		set  bool
	}{{"Held", o.Status.Hold != nil}, {"Stopped", o.Status.Stopped}, {"Paused", paused}} {
		if m.set && m.mark != reason {
			text += "," + m.mark
		}
	}
	return text
}

// readyColumn is copies that serve of copies that are wanted, runs of a Job that succeeded of those that have to, and 1/1 or 0/1 for
// what has neither.
func readyColumn(o controller.ObjectStatus) string {
	if j := o.Status.Job; o.Kind == spec.KindJob && j != nil {
		return fmt.Sprintf("%d/%d", j.Succeeded, j.Completions)
	}
	if o.Kind != spec.KindContainer {
		if o.Status.Condition(reconciler.Ready).Status {
			return "1/1"
		}
		return "0/1"
	}
	ready := 0
	for _, c := range o.Status.Containers {
		if c.Ready {
			ready++
		}
	}
	return fmt.Sprintf("%d/%d", ready, o.Replicas)
}

func ageColumn(o controller.ObjectStatus) string {
	var youngest time.Time
	for _, c := range o.Status.Containers {
		if c.StartedAt.After(youngest) {
			youngest = c.StartedAt
		}
	}
	if youngest.IsZero() {
		return "-"
	}
	return ageText(time.Since(youngest))
}

// ageText shows the one or two largest units, as kubectl does.
func ageText(d time.Duration) string {
	switch {
	case d < 2*time.Minute:
		return fmt.Sprintf("%ds", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%dm", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", int(d.Hours()))
	}
	return fmt.Sprintf("%dd", int(d.Hours()/24))
}
