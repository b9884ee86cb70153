package engine

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/containerd/errdefs"

	"berth.dev/berth/reconciler/fault"
)

func TestFailedByType(t *testing.T) {
	c := &Client{}
	for _, test := range []struct {
		err       error
		class     fault.Class
		behaviour fault.Behaviour
		text      string
	}{
		{errdefs.ErrNotFound.WithMessage("Error response from daemon: No such container: x"), fault.RuntimeContainer, fault.NotFound, "cannot do it: No such container: x"},
		{errdefs.ErrConflict, fault.RuntimeContainer, fault.Conflict, "cannot do it: conflict"},
		{errdefs.ErrInvalidArgument, fault.RuntimeContainer, fault.Terminal, "cannot do it: invalid argument"},
		{errdefs.ErrNotImplemented, fault.RuntimeContainer, fault.Terminal, "cannot do it: not implemented"},
		{errdefs.ErrInternal, fault.RuntimeContainer, fault.Retry, "cannot do it: internal"},
		{errdefs.ErrUnavailable, fault.RuntimeContainer, fault.Retry, "cannot do it: unavailable"},
		{context.DeadlineExceeded, fault.DockerConnection, fault.Retry, "cannot do it: context deadline exceeded"},
		{context.Canceled, fault.DockerConnection, fault.Retry, "cannot do it: context canceled"},
		{fault.New(fault.RuntimeImage, fault.Conflict, "why"), fault.RuntimeImage, fault.Conflict, "cannot do it: why"},
		{errors.New("something else"), fault.RuntimeContainer, fault.Retry, "cannot do it: something else"},
		{errdefs.ErrInternal.WithMessage("Error response from daemon: Bind for 0.0.0.0:80 failed: port is already allocated"), fault.ResourceAllocation, fault.Conflict, "cannot do it: Bind for 0.0.0.0:80 failed: port is already allocated"},
		{errdefs.ErrInvalidArgument.WithMessage(`plugin "x" not found`), fault.RuntimeContainer, fault.Terminal, `cannot do it: plugin "x" not found`},
		{errdefs.ErrInvalidArgument.WithMessage("client version 1.50 is too new. Maximum supported API version is 1.41"), fault.DockerConfiguration, fault.Terminal, "cannot do it: client version 1.50 is too new. Maximum supported API version is 1.41"},
	} {
		t.Run(test.text, func(t *testing.T) {
			err := c.failed(t.Context(), failure{fault.RuntimeContainer, "cannot do it"}, test.err)
			if fault.ClassOf(err) != test.class || !fault.Is(err, test.behaviour) || err.Error() != test.text || !errors.Is(err, test.err) {
				t.Errorf("%s, %q", fault.ClassOf(err), err)
			}
		})
	}
}

// TestTexts: each row is found by its own words, and by no row before it, so that none is out of reach.
func TestTexts(t *testing.T) {
	for i, row := range texts {
		message := "x: " + strings.Join(row.parts, " y ") + " z"
		if got, ok := textOf(message); !ok || fmt.Sprint(got) != fmt.Sprint(row) {
			t.Errorf("row %d, %q: an earlier row matches first: %q", i, row.parts, got.parts)
		}
	}
	if _, ok := textOf("No such container: x"); ok {
		t.Error("an everyday message matches")
	}
}

func TestClean(t *testing.T) {
	for said, want := range map[string]string{
		`Error response from daemon: failed to create task for container: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: "/x": no such file: unknown`: `exec: "/x": no such file`,
		`Error response from daemon: driver failed programming external connectivity on endpoint web (0a1b): Bind for 0.0.0.0:80 failed: port is already allocated`:                                                        `Bind for 0.0.0.0:80 failed: port is already allocated`,
		`Error response from daemon: No such image: x`: `No such image: x`,
	} {
		if got := clean(said); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestDiscarded(t *testing.T) {
	if err := discarded([]string{"Published ports are discarded when using host network mode"}); err != nil {
		t.Errorf("that is no limit: %v", err)
	}
	if err := discarded([]string{"Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded."}); fault.ClassOf(err) != fault.ResourceLimit || !fault.Is(err, fault.Terminal) {
		t.Errorf("%v", err)
	}
}
