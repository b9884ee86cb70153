package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/containerd/errdefs"
	"github.com/docker/docker/client"

	"berth.dev/berth/reconciler/fault"
)

// failed turns what Docker's client returned into a fault. The class and behaviour come from the error's type, and from the
// engine's words only where the API gives no type (see texts).
func (c *Client) failed(ctx context.Context, f failure, err error) error {
	var known *fault.Error
	if errors.As(err, &known) {
		return &fault.Error{Class: known.Class, Behaviour: known.Behaviour, Err: fmt.Errorf("%s: %w", f.text, err)}
	}
	if cause := context.Cause(ctx); cause != nil && isContext(err) {
		err = cause
	}
	if isConnection(err) {
		return fault.New(fault.DockerConnection, fault.Retry, "%s: %w", f.text, err)
	}
	class, behaviour := f.class, behaviourOf(err)
	said := clean(err.Error())
	if t, ok := textOf(err.Error()); ok {
		class, behaviour = cmp.Or(t.class, class), t.behaviour
	}
	return fault.New(class, behaviour, "%s: %w", f.text, reworded{said, err})
}

// reworded is an error with the noise taken out of its text.
type reworded struct {
	text string
	err  error
}

func (r reworded) Error() string { return r.text }
func (r reworded) Unwrap() error { return r.err }

func isContext(err error) bool {
	return errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// isConnection reports whether there was no answer, or no end to it.
func isConnection(err error) bool {
	var network net.Error
	return client.IsErrConnectionFailed(err) || isContext(err) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) || errors.As(err, &network)
}

// behaviours maps the types of the API's errors, which are its HTTP status codes.
var behaviours = []struct {
	is        func(error) bool
	behaviour fault.Behaviour
}{
	{errdefs.IsNotFound, fault.NotFound},
	{errdefs.IsConflict, fault.Conflict},
	{errdefs.IsInvalidArgument, fault.Terminal},
	{errdefs.IsUnauthorized, fault.Terminal},
	{errdefs.IsPermissionDenied, fault.Terminal},
	{errdefs.IsNotImplemented, fault.Terminal},
}

func behaviourOf(err error) fault.Behaviour {
	for _, b := range behaviours {
		if b.is(err) {
			return b.behaviour
		}
	}
	return fault.Retry
}

// ignore forgets an error that says that what was wanted is so already.
func ignore(err error, b fault.Behaviour) error {
	if fault.Is(err, b) {
		return nil
	}
	return err
}

// noise is what layers of the engine put before what went wrong, outermost first.
var noise = []string{
	"Error response from daemon: ",
	"failed to create task for container: ",
	"failed to create shim task: ",
	"OCI runtime create failed: ",
	"runc create failed: ",
	"unable to start container process: ",
	"failed to set up container networking: ",
}

func clean(text string) string {
	for _, n := range noise {
		text = strings.TrimPrefix(text, n)
	}
	// driver failed programming external connectivity on endpoint NAME (ID): ...
	if _, said, ok := strings.Cut(text, "driver failed programming external connectivity on endpoint "); ok {
		if _, said, ok := strings.Cut(said, "): "); ok {
			return said
		}
	}
	return strings.TrimSuffix(text, ": unknown")
}
