package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"

	"berth.dev/berth/controller/server"
)

// client asks a running agent over its socket.
type client struct{ http *http.Client }

func agentClient(socket string) *client {
	return &client{&http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}}}}
}

// do makes one request; answered is false where no agent is there.
func (c *client) do(ctx context.Context, method, path string) (body io.ReadCloser, answered bool, err error) {
	req, err := http.NewRequestWithContext(ctx, method, "http://agent"+path, nil)
	if err != nil {
		return nil, false, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		var dial *net.OpError
		return nil, !errors.As(err, &dial) || dial.Op != "dial", err
	}
	if res.StatusCode != http.StatusOK {
		return nil, true, errors.Join(fmt.Errorf("the agent answered %s", res.Status), res.Body.Close())
	}
	return res.Body, true, nil
}

// objects shows what the agent answers, once or until ctx ends.
func (c *client) objects(ctx context.Context, watch bool, show func(server.Objects) error) (answered bool, err error) {
	path := "/v1/objects"
	if watch {
		path += "/watch"
	}
	body, answered, err := c.do(ctx, http.MethodGet, path)
	if err != nil {
		return answered, err
	}
	defer body.Close()
	for d := json.NewDecoder(body); ; {
		var all server.Objects
		switch err := d.Decode(&all); {
		case errors.Is(err, io.EOF), ctx.Err() != nil:
			return true, nil
		case err != nil:
			return true, fmt.Errorf("cannot read the agent's answer: %w", err)
		}
		if err := show(all); err != nil {
			return true, err
		}
	}
}

// prune asks what waits for a confirmation, or confirms it.
func (c *client) prune(ctx context.Context, confirm bool) (p server.Prune, answered bool, err error) {
	method := http.MethodGet
	if confirm {
		method = http.MethodPost
	}
	body, answered, err := c.do(ctx, method, "/v1/prune")
	if err != nil {
		return p, answered, err
	}
	defer body.Close()
	return p, true, json.NewDecoder(body).Decode(&p)
}
