package server

import (
	"context"
	"fmt"
	"net"

	"golang.org/x/sys/unix"
)

type peerKey struct{}

// withPeer notes with a connection who is at its other end.
func withPeer(ctx context.Context, conn net.Conn) context.Context {
	if c, ok := conn.(*net.UnixConn); ok {
		return context.WithValue(ctx, peerKey{}, peerOf(c))
	}
	return ctx
}

// peerOf names the process at the other end of a socket, as the kernel knows it (SO_PEERCRED, unix(7)); empty where it does not say.
func peerOf(conn *net.UnixConn) (who string) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return ""
	}
	_ = raw.Control(func(fd uintptr) { // an error is of a connection that is closed
		if c, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED); err == nil {
			who = fmt.Sprintf("uid %d (pid %d)", c.Uid, c.Pid)
		}
	})
	return who
}

// peer is who makes a request; empty where that is not known.
func peer(ctx context.Context) string {
	who, _ := ctx.Value(peerKey{}).(string)
	return who
}
