package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"syscall"
	"time"

	"berth.dev/berth/spec"
)

// result is what comes of asking a probe.
type result int

const (
	none    result = iota // not asked yet
	unasked               // the question could not be put: nothing is known
	success
	failure
)

// answer is a result with its reason.
type answer struct {
	result result
	text   string // the same for the same trouble
	detail string // what else is said, and may be another each time
}

func failed(format string, args ...any) answer {
	return answer{result: failure, text: fmt.Sprintf(format, args...)}
}

// gist is for telling whether it is the same trouble still.
func (a answer) gist() string { return a.text }

func (a answer) full() string {
	if a.detail == "" {
		return a.text
	}
	return a.text + ": " + a.detail
}

// question is a probe, made ready to be asked again and again.
type question struct {
	container string // its ID
	timeout   time.Duration
	command   []string // of an exec probe
	ask       func(context.Context) answer
}

func (q *question) lane() int {
	if q.command != nil {
		return exec
	}
	return network
}

// prepare never fails: what cannot be asked answers so.
func prepare(t Target, p *spec.Probe) *question {
	q := &question{container: t.ID, timeout: time.Duration(cmp.Or(p.TimeoutSeconds, 1)) * time.Second}
	var err error
	switch {
	case p.Exec != nil:
		q.command = p.Exec.Command
	case p.HTTPGet != nil:
		q.ask, err = prepareHTTP(t.Address, t.Ports, p.HTTPGet)
	case p.TCPSocket != nil:
		q.ask, err = prepareTCP(t.Address, t.Ports, p.TCPSocket)
	case p.GRPC != nil:
		q.ask, err = prepareGRPC(t.Address, t.Ports, p.GRPC)
	default:
		err = errors.New("it says neither exec, httpGet, tcpSocket nor grpc")
	}
	if err != nil {
		q.ask = func(context.Context) answer { return answer{result: unasked, text: err.Error()} }
	}
	return q
}

// put asks a question; ctx ends with the probe's timeout.
func (p *Prober) put(ctx context.Context, q *question) answer {
	if q.command != nil {
		return p.run(ctx, q)
	}
	return q.ask(ctx)
}

// run asks by exec. An error of the engine is none of the container's; that the command takes too long is.
func (p *Prober) run(ctx context.Context, q *question) answer {
	code, output, err := p.opts.Exec(ctx, q.container, q.command)
	switch {
	case ctx.Err() != nil:
		return failed("the command has not ended")
	case err != nil:
		return answer{result: unasked, text: err.Error()}
	case code != 0:
		return answer{result: failure, text: fmt.Sprintf("exit code %d", code), detail: output}
	}
	return answer{result: success}
}

// hostPort is where a port is.
func hostPort(host, address string, ref spec.PortRef, ports []spec.Port) (string, error) {
	number, err := portNumber(ref, ports)
	if err != nil {
		return "", err
	}
	host = cmp.Or(host, address)
	if host == "" {
		return "", errors.New("the container has no address that the agent can connect to: probe it by exec")
	}
	return net.JoinHostPort(host, strconv.Itoa(number)), nil
}

func portNumber(ref spec.PortRef, ports []spec.Port) (int, error) {
	if ref.Name == "" {
		return int(ref.Number), nil
	}
	for _, p := range ports {
		if p.Name == ref.Name {
			return int(p.ContainerPort.First), nil
		}
	}
	return 0, fmt.Errorf("the container has no port of the name %q", ref.Name)
}

// dialer leaves out what a connection of a moment has no use for: keep-alive packets, and a second address family by the side.
var dialer = net.Dialer{KeepAlive: -1, FallbackDelay: -1}

// brief is for connections that the agent ends itself once it knows enough.
var brief = net.Dialer{KeepAlive: -1, FallbackDelay: -1, Control: makeBrief}

// makeBrief has a connection end by a reset, which leaves nothing in the kernel for a minute, and its first acknowledgement wait for
// data to go with. Where none does, as in a TCP probe, the program that listens is not even woken: the kernel has answered for it.
// HAProxy's checks do the same; and it is as much as a tenth of a probe's processor time.
func makeBrief(_, _ string, c syscall.RawConn) (err error) {
	outer := c.Control(func(fd uintptr) {
		err = errors.Join(
			syscall.SetsockoptLinger(int(fd), syscall.SOL_SOCKET, syscall.SO_LINGER, &syscall.Linger{Onoff: 1}),
			syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 0))
	})
	return errors.Join(outer, err)
}

// dial opens a connection whose reads and writes end with ctx.
func dial(ctx context.Context, address string) (net.Conn, func(), error) {
	conn, err := brief.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	return conn, func() { stop(); _ = conn.Close() }, nil
}

func prepareTCP(address string, ports []spec.Port, a *spec.TCPSocketAction) (func(context.Context) answer, error) {
	to, err := hostPort(a.Host, address, a.Port, ports)
	return func(ctx context.Context) answer {
		conn, err := brief.DialContext(ctx, "tcp", to)
		if err != nil {
			return answer{result: failure, text: "tcp://" + to + ": " + reason(ctx, err)}
		}
		_ = conn.Close()
		return answer{result: success}
	}, err
}

// reason says what went wrong with a connection, without what differs from one to the next, such as the local port.
func reason(ctx context.Context, err error) string {
	var number syscall.Errno
	var lookup *net.DNSError
	var timeout interface{ Timeout() bool }
	switch {
	case ctx.Err() != nil, errors.As(err, &timeout) && timeout.Timeout():
		return "no answer in time"
	case errors.As(err, &number):
		return number.Error()
	case errors.As(err, &lookup):
		return "lookup of " + lookup.Name + ": " + lookup.Err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection was closed before the answer was over"
	}
	return err.Error()
}
