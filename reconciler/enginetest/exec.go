package enginetest

import (
	"context"
	"fmt"
	"strings"
	"time"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
)

// Reply is what comes of a command in a container. The zero value ends at once, with code 0 and no output.
type Reply struct {
	Code   int
	Output string
	Takes  time.Duration
}

// OnExec says what comes of commands; nil, as at first, has them all succeed. The engine is not locked meanwhile.
func (e *Engine) OnExec(reply func(container string, command []string) Reply) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reply = reply
}

// Exec implements apply.Containers.
func (e *Engine) Exec(ctx context.Context, ref string, command []string) (code int, output string, err error) {
	what := fmt.Sprintf("run %q in container %q", strings.Join(command, " "), ref)
	call, err := e.before(ctx, Call{Method: "Exec", Target: ref})
	if err != nil {
		return 0, "", err
	}
	r, err := e.exec(ctx, ref, what, command)
	return r.Code, r.Output, e.after(call, err)
}

func (e *Engine) exec(ctx context.Context, ref, what string, command []string) (Reply, error) {
	name, gone, reply, err := e.executing(ref, what)
	if err != nil || reply == nil {
		return Reply{}, err
	}
	r := reply(name, command)
	r.Output = strings.TrimSpace(r.Output[:min(len(r.Output), execOutput)])
	if r.Takes <= 0 {
		return r, nil
	}
	t := time.NewTimer(r.Takes)
	defer t.Stop()
	select {
	case <-t.C:
		return r, nil
	case <-gone:
		return Reply{}, fault.New(fault.RuntimeContainer, fault.Conflict, "cannot %s: the container does not run any more", what)
	case <-ctx.Done():
		return Reply{}, fault.New(fault.RuntimeContainer, fault.Retry, "cannot %s: it has not ended: %w", what, context.Cause(ctx))
	}
}

// execOutput is how much of a command's output is kept, in bytes.
const execOutput = 1 << 10

// executing gives what a command in a container needs: gone is closed when the container's program is.
func (e *Engine) executing(ref, what string) (name string, gone <-chan struct{}, reply func(string, []string) Reply, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	c, err := e.found(fault.RuntimeContainer, ref, "%s", what)
	if err != nil {
		return "", nil, nil, err
	}
	e.watch.touch(c, "exec")
	switch c.state {
	case plan.StateRunning:
		return c.name, c.process.gone, e.reply, nil
	case plan.StatePaused:
		err = fault.New(fault.RuntimeContainer, fault.Conflict, "cannot %s: Container %s is paused, unpause the container before exec", what, c.name)
	default:
		err = fault.New(fault.RuntimeContainer, fault.Conflict, "cannot %s: Container %s is not running", what, c.id)
	}
	return "", nil, nil, err
}
