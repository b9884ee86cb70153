// Package engine talks to a Docker Engine in the model's terms. It is the only importer of Docker's client and API types, and it
// decides nothing: what is lowered to the API is what a plan says, and what is lifted from it is what the engine reports.
package engine

import (
	"context"
	"strings"
	"sync/atomic"
	"time"

	"github.com/docker/cli/cli/context/docker"
	"github.com/docker/docker/client"
	"golang.org/x/sync/singleflight"

	"berth.dev/berth/reconciler/apply"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
)

var _ apply.Engine = (*Client)(nil)

// minAPI is the oldest engine API that is spoken: Docker 20.10's.
const minAPI = "1.41"

// Client is a connection to one engine. It connects with the first call, and anew after the engine was away. It is safe for
// concurrent use.
type Client struct {
	endpoint docker.Endpoint
	version  string // API version that the user insists on; negotiated where it is empty
	timeout  time.Duration

	// api is nil until a version is negotiated, and again after the connection broke: the engine that comes back may have been
	// upgraded or downgraded.
	api     atomic.Pointer[client.Client]
	connect singleflight.Group
	life    context.Context
	end     context.CancelFunc
}

// New makes a client. No engine need answer yet; the only errors are of the configuration.
func New(cfg Config) (*Client, error) {
	c, err := cfg.withEnvironment()
	if err != nil {
		return nil, err
	}
	endpoint, err := c.endpoint()
	if err != nil {
		return nil, fault.New(fault.DockerConfiguration, fault.Terminal, "cannot configure the connection to Docker: %w", err)
	}
	life, end := context.WithCancel(context.Background())
	return &Client{endpoint: endpoint, version: c.Version, timeout: c.Timeout, life: life, end: end}, nil
}

// Close gives the connections back. Calls that are under way go on.
func (c *Client) Close() error {
	c.end()
	if api := c.api.Load(); api != nil {
		return api.Close()
	}
	return nil
}

// Local reports whether the engine is on this host, and so on the same clock.
func (c *Client) Local() bool { return strings.HasPrefix(c.Host(), "unix://") }

// Host is the address of the engine, as configured.
func (c *Client) Host() string { return c.endpoint.Host }

// conn gives a client whose API version is settled. Callers that come while it is being settled share one attempt.
func (c *Client) conn(ctx context.Context) (*client.Client, error) {
	if api := c.api.Load(); api != nil {
		return api, nil
	}
	done := c.connect.DoChan("", func() (any, error) { return c.negotiate() })
	select {
	case r := <-done:
		if r.Err != nil {
			return nil, r.Err
		}
		return r.Val.(*client.Client), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// negotiate belongs to no one caller, so that one which gives up does not fail the others.
func (c *Client) negotiate() (*client.Client, error) {
	ctx, cancel := context.WithTimeoutCause(c.life, c.timeout, errTimeout(c.timeout))
	defer cancel()
	api, err := c.dial()
	if err != nil {
		return nil, fault.New(fault.DockerConfiguration, fault.Terminal, "cannot configure the connection to Docker: %w", err)
	}
	if err := c.settle(ctx, api); err != nil {
		_ = api.Close()
		return nil, err
	}
	c.api.Store(api)
	return api, nil
}

func (c *Client) settle(ctx context.Context, api *client.Client) error {
	ping, err := api.Ping(ctx)
	if err != nil {
		return c.failed(ctx, failure{fault.DockerConnection, "the engine does not answer"}, err)
	}
	api.NegotiateAPIVersionPing(ping)
	if plan.APIAtLeast(ping.APIVersion, minAPI) {
		return nil
	}
	return fault.New(fault.DockerConfiguration, fault.Terminal, "the engine at %s (Docker %s) has API %s, and %s is the oldest that works: upgrade it to Docker 20.10 or later",
		c.endpoint.Host, engineVersion(ctx, api), ping.APIVersion, minAPI)
}

// lost makes the next call negotiate anew.
func (c *Client) lost(api *client.Client) {
	if c.api.CompareAndSwap(api, nil) {
		_ = api.Close()
	}
}

// engineVersion is for error messages; it is a question mark where the engine does not say.
func engineVersion(ctx context.Context, api *client.Client) string {
	v, err := api.ServerVersion(ctx)
	if err != nil {
		return "?"
	}
	return v.Version
}
