package engine

import (
	"context"
	"strings"
	"time"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
	"github.com/docker/docker/pkg/stdcopy"

	"berth.dev/berth/reconciler/fault"
)

// execOutput is how much of a command's output is kept, in bytes.
const execOutput = 1 << 10

// Exec implements apply.Containers. The engine has no call that ends an exec: a command that is given up runs on in its container,
// as it did under Kubernetes' dockershim, and what it goes on to write is lost.
func (c *Client) Exec(ctx context.Context, name string, command []string) (code int, output string, err error) {
	// Its end is the caller's impatience and says nothing of the engine; a deadline that passes in a call would cast doubt on it.
	calls, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, cancel)()
	e := exec{client: c, failure: cannot(fault.RuntimeContainer, "run %q in container %q", strings.Join(command, " "), name)}
	code, output, err = e.run(calls, name, command)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = fault.New(fault.RuntimeContainer, fault.Retry, "%s: it has not ended: %w", e.failure.text, cause)
	}
	return code, output, err
}

// exec is one command in a container.
type exec struct {
	client  *Client
	failure failure
	id      string
}

func (e *exec) run(ctx context.Context, name string, command []string) (int, string, error) {
	created, err := query(ctx, e.client, e.failure, func(ctx context.Context, api *client.Client) (container.ExecCreateResponse, error) {
		return api.ContainerExecCreate(ctx, name, container.ExecOptions{Cmd: command, AttachStdout: true, AttachStderr: true})
	})
	if err != nil {
		return 0, "", err
	}
	e.id = created.ID
	output, err := e.follow(ctx)
	if err != nil {
		return 0, "", err
	}
	code, err := e.code(ctx)
	return code, output, err
}

// follow starts the command and gives its output once that is over. Where the command cannot be run, the engine says there why.
func (e *exec) follow(ctx context.Context) (string, error) {
	stream, err := query(ctx, e.client, e.failure, e.attach)
	if err != nil {
		return "", err
	}
	defer stream.Close()
	defer context.AfterFunc(ctx, stream.Close)()
	var first head
	if _, err := stdcopy.StdCopy(&first, &first, stream.Reader); err != nil {
		return "", e.client.failed(ctx, e.failure, err)
	}
	return strings.TrimSpace(string(first)), nil
}

// attach starts the command. The client heeds ctx only until it is connected; the engine's answer is waited for aside.
func (e *exec) attach(ctx context.Context, api *client.Client) (types.HijackedResponse, error) {
	type answer struct {
		stream types.HijackedResponse
		err    error
	}
	answered := make(chan answer, 1)
	go func() {
		stream, err := api.ContainerExecAttach(ctx, e.id, container.ExecAttachOptions{})
		if err == nil && ctx.Err() != nil {
			stream.Close()
		}
		answered <- answer{stream, err}
	}()
	select {
	case a := <-answered:
		return a.stream, a.err
	case <-ctx.Done():
		return types.HijackedResponse{}, context.Cause(ctx)
	}
}

// code waits for the command's end, which comes after that of its output where it closes that itself.
func (e *exec) code(ctx context.Context) (int, error) {
	const first, most = 5 * time.Millisecond, time.Second
	for wait := first; ; wait = min(2*wait, most) {
		i, err := query(ctx, e.client, e.failure, func(ctx context.Context, api *client.Client) (container.ExecInspect, error) {
			return api.ContainerExecInspect(ctx, e.id)
		})
		switch {
		case fault.Is(err, fault.NotFound), err == nil && !i.Running && i.Pid == 0 && i.ExitCode == 0: // the engine forgets it with the container's program
			return 0, fault.New(fault.RuntimeContainer, fault.Conflict, "%s: the container does not run any more", e.failure.text)
		case err != nil:
			return 0, err
		case !i.Running:
			return i.ExitCode, nil
		case !sleep(ctx, wait):
			return 0, context.Cause(ctx)
		}
	}
}

// head keeps the first of what is written to it.
type head []byte

func (h *head) Write(b []byte) (int, error) {
	*h = append(*h, b[:min(len(b), execOutput-len(*h))]...)
	return len(b), nil
}
