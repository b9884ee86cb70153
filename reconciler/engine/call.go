package engine

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/docker/docker/client"

	"berth.dev/berth/reconciler/fault"
)

// failure is what a call's error says: where it belongs where the engine gives no better class, and what could not be done.
type failure struct {
	class fault.Class
	text  string
}

func cannot(class fault.Class, format string, args ...any) failure {
	return failure{class, "cannot " + fmt.Sprintf(format, args...)}
}

func errTimeout(d time.Duration) error {
	return fmt.Errorf("no answer from the engine within %s: %w", d, context.DeadlineExceeded)
}

// query makes a call that an engine which works answers within the timeout.
func query[T any](ctx context.Context, c *Client, f failure, do func(context.Context, *client.Client) (T, error)) (T, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, c.timeout, errTimeout(c.timeout))
	defer cancel()
	return settled(ctx, c, f, do)
}

// command is query for a call that gives nothing back.
func command(ctx context.Context, c *Client, f failure, do func(context.Context, *client.Client) error) error {
	_, err := query(ctx, c, f, func(ctx context.Context, api *client.Client) (struct{}, error) {
		return struct{}{}, do(ctx, api)
	})
	return err
}

// patient makes a call that may rightly take long. Whenever it has taken another timeout, more says how much longer it may
// take (0: until more is asked again), or that the engine does not answer any more.
func patient(ctx context.Context, c *Client, f failure, more func(context.Context, *client.Client) (time.Duration, error), do func(context.Context, *client.Client) error) error {
	_, err := settled(ctx, c, f, func(ctx context.Context, api *client.Client) (struct{}, error) {
		ctx, cancel := context.WithCancelCause(ctx)
		watched := make(chan struct{})
		go func() {
			defer close(watched)
			cancel(c.watch(ctx, api, more))
		}()
		err := do(ctx, api)
		if cause := context.Cause(ctx); err != nil && cause != nil {
			err = cause
		}
		cancel(nil)
		<-watched
		return struct{}{}, err
	})
	return err
}

// watch returns why a call is to be given up.
func (c *Client) watch(ctx context.Context, api *client.Client, more func(context.Context, *client.Client) (time.Duration, error)) error {
	for wait := c.timeout; ; {
		if !sleep(ctx, wait) {
			return context.Cause(ctx)
		}
		probe, cancel := context.WithTimeoutCause(ctx, c.timeout, errTimeout(c.timeout))
		left, err := more(probe, api)
		cause := context.Cause(probe)
		cancel()
		switch {
		case err != nil && cause != nil:
			return cause
		case err != nil:
			return err
		case left == 0:
			continue
		case !sleep(ctx, left):
			return context.Cause(ctx)
		}
		return errTimeout(c.timeout + left)
	}
}

func sleep(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// alive lets a call go on for as long as the engine answers.
func alive(ctx context.Context, api *client.Client) (time.Duration, error) {
	_, err := api.Ping(ctx)
	return 0, err
}

func settled[T any](ctx context.Context, c *Client, f failure, do func(context.Context, *client.Client) (T, error)) (T, error) {
	api, err := c.conn(ctx)
	if err != nil {
		var none T
		return none, c.failed(ctx, f, err)
	}
	result, err := do(ctx, api)
	if err != nil {
		err = c.failed(ctx, f, err)
		if isBroken(err) {
			c.lost(api)
		}
	}
	if c.api.Load() != api { // it was given up meanwhile, and connections that this call has made since would linger
		_ = api.Close()
	}
	return result, err
}

// isBroken reports whether an error casts doubt on the connection or on the API version that was settled for it. A caller that
// gives up does not.
func isBroken(err error) bool {
	class := fault.ClassOf(err)
	return (class == fault.DockerConnection || class == fault.DockerConfiguration) && !errors.Is(err, context.Canceled)
}
