package probe

import (
	"context"
	"errors"
	"fmt"
	"time"

	"berth.dev/berth/spec"
)

// Handle runs a hook of a container to its end, or to that of ctx. address and ports are as in Target. The error says why it has
// failed; where it is the engine's, it is wrapped.
func (p *Prober) Handle(ctx context.Context, h *spec.Handler, container, address string, ports []spec.Port) error {
	switch {
	case h.Exec != nil:
		return p.handleExec(ctx, h.Exec, container)
	case h.HTTPGet != nil:
		return handleHTTP(ctx, h.HTTPGet, address, ports)
	case h.Sleep != nil:
		return rest(ctx, time.Duration(h.Sleep.Seconds)*time.Second)
	}
	return errors.New("the hook says neither exec, httpGet nor sleep")
}

func (p *Prober) handleExec(ctx context.Context, a *spec.ExecAction, container string) error {
	code, output, err := p.opts.Exec(ctx, container, a.Command)
	switch {
	case err != nil:
		return err
	case code != 0 && output != "":
		return fmt.Errorf("exit code %d: %s", code, output)
	case code != 0:
		return fmt.Errorf("exit code %d", code)
	}
	return nil
}

func handleHTTP(ctx context.Context, a *spec.HTTPGetAction, address string, ports []spec.Port) error {
	ask, err := prepareHTTP(address, ports, a)
	if err != nil {
		return err
	}
	if got := ask(ctx); got.result != success {
		return errors.New(got.full())
	}
	return nil
}

func rest(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
