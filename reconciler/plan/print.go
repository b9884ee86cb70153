package plan

import (
	"fmt"
	"strings"
)

// retryFormat shows waits that begin with a tenth of a second.
const retryFormat = "2006-01-02T15:04:05.000Z07:00"

// String is one line: the field with its old and new value, or the note.
func (c Change) String() string {
	if c.Note != "" {
		if c.Field == "" {
			return c.Note
		}
		return c.Field + ": " + c.Note
	}
	return fmt.Sprintf("%s: %s -> %s", c.Field, orUnset(c.From), orUnset(c.To))
}

func orUnset(v string) string {
	if v == "" {
		return "(unset)"
	}
	return v
}

// String is one line: what is called on what.
func (o Op) String() string {
	switch o.Verb {
	case RenameContainer, Connect, Disconnect:
		return fmt.Sprintf("%s %s %s %s", o.Verb, short(o.Target), map[Verb]string{RenameContainer: "to", Connect: "to", Disconnect: "from"}[o.Verb], o.To)
	}
	return fmt.Sprintf("%s %s", o.Verb, short(o.Target))
}

// short cuts IDs as docker ps does.
func short(target string) string {
	if len(target) == 64 && !strings.ContainsAny(target, "./:") {
		return target[:12]
	}
	return target
}

// String is the action as `berth plan` shows it: what, on what, and why, a line each.
func (a Action) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s\n", a.Kind, a.Target)
	for _, c := range a.Why {
		fmt.Fprintf(&b, "  %s\n", c)
	}
	return b.String()
}

// String is the whole plan, operations too; tests compare it.
func (p Plan) String() string {
	var b strings.Builder
	for _, a := range p.Actions {
		b.WriteString(a.String())
		for _, o := range a.Ops {
			if o.Verb == StopContainer && o.Hook != nil {
				fmt.Fprintf(&b, "  * run the preStop hook of %s\n", short(o.Target))
			}
			fmt.Fprintf(&b, "  * %s\n", o)
			if o.Undo != nil {
				fmt.Fprintf(&b, "      undo: %s\n", *o.Undo)
			}
		}
	}
	if r := p.Rollout; r != nil && r.Replacing > 0 {
		fmt.Fprintf(&b, "rollout %s: %d of %d updated, %d available\n", r.Phase, r.Updated, r.Total, r.Available)
	}
	if r := p.Rollout; r != nil && r.Update != "" {
		fmt.Fprintf(&b, "note: %s\n", r.Update)
	}
	b.WriteString(p.Notes.String())
	for _, a := range p.Withheld {
		fmt.Fprintf(&b, "withheld: %s", a)
	}
	for _, k := range p.After {
		fmt.Fprintf(&b, "after %s\n", k)
	}
	for _, bl := range p.Blocks {
		fmt.Fprintf(&b, "blocked %s: %s\n", bl.Reason, bl.Message)
	}
	if !p.RetryAt.IsZero() {
		fmt.Fprintf(&b, "again at %s\n", p.RetryAt.UTC().Format(retryFormat))
	}
	return b.String()
}
