package probe

import (
	"context"
	"errors"
	"net"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"

	"berth.dev/berth/spec"
)

func prepareGRPC(address string, ports []spec.Port, a *spec.GRPCAction) (func(context.Context) answer, error) {
	to, err := hostPort("", address, a.Port, ports)
	return func(ctx context.Context) answer {
		if err := checkGRPC(ctx, to, a.Service); err != nil {
			return answer{result: failure, text: "grpc://" + to + ": " + reason(ctx, err)}
		}
		return answer{result: success}
	}, err
}

// checkGRPC asks a server's health service, without TLS, as kubelet does.
func checkGRPC(ctx context.Context, to, service string) error {
	var refused atomic.Pointer[error]
	conn, err := grpc.NewClient("passthrough:///"+to, grpc.WithTransportCredentials(insecure.NewCredentials()), grpc.WithUserAgent(userAgent),
		grpc.WithNoProxy(), grpc.WithDisableServiceConfig(), grpc.WithContextDialer(func(ctx context.Context, to string) (net.Conn, error) {
			conn, err := dialer.DialContext(ctx, "tcp", to)
			refused.Store(&err)
			return conn, err
		}))
	if err != nil {
		return err
	}
	defer conn.Close()
	res, err := grpc_health_v1.NewHealthClient(conn).Check(ctx, &grpc_health_v1.HealthCheckRequest{Service: service})
	switch {
	case err == nil && res.Status != grpc_health_v1.HealthCheckResponse_SERVING:
		return errors.New(res.Status.String())
	case status.Code(err) == codes.Unavailable && refused.Load() != nil && *refused.Load() != nil:
		return *refused.Load()
	case status.Code(err) == codes.Unimplemented:
		return errors.New("the server has no health service (grpc.health.v1)")
	case err != nil:
		return errors.New(status.Code(err).String())
	}
	return nil
}
