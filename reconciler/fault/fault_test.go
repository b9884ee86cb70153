package fault

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

func TestFault(t *testing.T) {
	cause := New(RuntimeNetwork, NotFound, "cannot find %q: %w", "net", io.EOF)
	wrapped := fmt.Errorf("connect: %w", cause)
	for _, err := range []error{cause, wrapped, errors.Join(io.ErrShortWrite, wrapped)} {
		if ClassOf(err) != RuntimeNetwork || !Is(err, NotFound) || Is(err, Terminal) || !errors.Is(err, io.EOF) {
			t.Errorf("%v: class %s, not found %v, terminal %v", err, ClassOf(err), Is(err, NotFound), Is(err, Terminal))
		}
	}
	if got, want := wrapped.Error(), `connect: cannot find "net": EOF`; got != want {
		t.Errorf("message %q, want %q", got, want)
	}
}

func TestNoFault(t *testing.T) {
	if ClassOf(io.EOF) != DockerAPI {
		t.Errorf("class %s, want %s", ClassOf(io.EOF), DockerAPI)
	}
	for _, b := range []Behaviour{Retry, NotFound, Conflict, Terminal} {
		if Is(io.EOF, b) || Is(nil, b) {
			t.Errorf("an error without a fault behaves as %d", b)
		}
	}
}
