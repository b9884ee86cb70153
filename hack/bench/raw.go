package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// raw talks to the engine's socket with nothing between: it is the floor that berth is measured against.
type raw struct{ http *http.Client }

func newRaw(socket string) *raw {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", socket)
	}
	return &raw{&http.Client{Transport: &http.Transport{DialContext: dial, MaxIdleConnsPerHost: inFlight}}}
}

// call makes one call and decodes the answer into out, where it is not nil.
func (r *raw) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://engine/v1.41"+path, body)
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	res, err := r.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode >= 300 && res.StatusCode != http.StatusNotModified {
		b, _ := io.ReadAll(io.LimitReader(res.Body, 1<<10))
		return fmt.Errorf("%s %s: %s: %s", method, path, res.Status, bytes.TrimSpace(b))
	}
	if out == nil {
		_, err = io.Copy(io.Discard, res.Body)
		return err
	}
	return json.NewDecoder(res.Body).Decode(out)
}

// event is what the bench needs of an engine's event.
type event struct {
	Type, Action string
	Actor        struct {
		ID         string
		Attributes map[string]string
	}
	TimeNano int64 `json:"timeNano"`
}

func (e event) at() time.Time { return time.Unix(0, e.TimeNano) }

// events sends the events of the bench's containers until ctx ends. It returns once the subscription stands.
func (r *raw) events(ctx context.Context) (<-chan event, error) {
	filter := url.QueryEscape(`{"type":["container"],"event":["create","start","die","destroy"]}`)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://engine/v1.41/events?filters="+filter, nil)
	if err != nil {
		return nil, err
	}
	res, err := r.http.Do(req)
	if err != nil {
		return nil, err
	}
	out := make(chan event, 4096)
	go func() {
		defer close(out)
		defer res.Body.Close()
		for d := json.NewDecoder(res.Body); ; {
			var e event
			if d.Decode(&e) != nil {
				return
			}
			if strings.HasPrefix(e.Actor.Attributes["name"], prefix) {
				out <- e
			}
		}
	}()
	return out, nil
}

// await waits for n events of an action and gives the time of the last.
func await(ctx context.Context, events <-chan event, action string, n int) (time.Time, error) {
	for seen := 0; ; {
		select {
		case <-ctx.Done():
			return time.Time{}, fmt.Errorf("saw %d of %d %q events: %w", seen, n, action, context.Cause(ctx))
		case e, ok := <-events:
			switch {
			case !ok:
				return time.Time{}, errors.New("the stream of events ended")
			case e.Action == action:
				if seen++; seen == n {
					return e.at(), nil
				}
			}
		}
	}
}

// body is a container as berth asks for it from the manifest of manifest.go.
func body(image string) map[string]any {
	return map[string]any{
		"Image": image, "StopTimeout": 30,
		"Labels":     map[string]string{"dev.berth.namespace": "x", "dev.berth.name": "x", "dev.berth.ordinal": "0", "dev.berth.image": image, "dev.berth.applied": strings.Repeat("x", 80)},
		"HostConfig": map[string]any{"NetworkMode": "bridge", "RestartPolicy": map[string]any{"Name": "always"}, "NanoCpus": 500000000, "Memory": 64 << 20, "MemorySwap": 128 << 20},
	}
}

func (r *raw) create(ctx context.Context, name string) error {
	if err := r.call(ctx, http.MethodPost, "/containers/create?name="+name, body(image), nil); err != nil {
		return err
	}
	return r.call(ctx, http.MethodPost, "/containers/"+name+"/start", nil, nil)
}

func (r *raw) remove(ctx context.Context, name string) error {
	if err := r.call(ctx, http.MethodPost, "/containers/"+name+"/stop", nil, nil); err != nil {
		return err
	}
	return r.call(ctx, http.MethodDelete, "/containers/"+name, nil, nil)
}

// running counts the bench's containers that run.
func (r *raw) running(ctx context.Context) (n int) {
	all, err := r.list(ctx)
	if err != nil {
		return -1
	}
	for _, c := range all {
		if c.State == "running" {
			n++
		}
	}
	return n
}

type listed struct {
	ID    string `json:"Id"`
	Names []string
	State string
}

// list lists the bench's containers.
func (r *raw) list(ctx context.Context) (ours []listed, err error) {
	var all []listed
	if err := r.call(ctx, http.MethodGet, "/containers/json?all=1", nil, &all); err != nil {
		return nil, err
	}
	for _, c := range all {
		if len(c.Names) > 0 && strings.HasPrefix(c.Names[0], "/"+prefix) {
			ours = append(ours, c)
		}
	}
	return ours, nil
}

// clean removes all that the bench made, of this run or one before.
func (r *raw) clean(ctx context.Context) error {
	ours, err := r.list(ctx)
	if err != nil {
		return err
	}
	ids := make([]string, len(ours))
	for i, c := range ours {
		ids[i] = c.ID
	}
	return sideBySide(ids, func(id string) error { return r.call(ctx, http.MethodDelete, "/containers/"+id+"?force=1", nil, nil) })
}
