package updates

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"berth.dev/berth/controller/retry"
	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// The longest answer that is read, in bytes, and the longest wait that a registry may ask for.
const (
	longest  = 8 << 20
	waitMost = 24 * time.Hour
)

// guarded keeps requests for one answer safe: credentials go over plain HTTP to this host only, and no answer fills the memory. It
// also hears when the registry wants to be asked again, which the errors do not tell.
type guarded struct {
	base       http.RoundTripper
	retryAfter atomic.Int64 // nanoseconds
}

func newTransport() http.RoundTripper {
	t := remote.DefaultTransport.(*http.Transport).Clone() // proxies from the environment, HTTP/2, timeouts of connecting
	t.ResponseHeaderTimeout = 30 * time.Second
	return t
}

// RoundTrip implements http.RoundTripper.
func (g *guarded) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Scheme == "http" && !loopback(r.URL.Hostname()) {
		return nil, fmt.Errorf("plain HTTP to %s is refused: only a registry on this host may do without TLS", r.URL.Host)
	}
	resp, err := g.base.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, longest)
	if resp.StatusCode == http.StatusTooManyRequests || resp.StatusCode == http.StatusServiceUnavailable {
		g.retryAfter.Store(int64(retryAfter(resp.Header.Get("Retry-After"), time.Now())))
	}
	return resp, nil
}

// wait is how long the registry wants to be left alone; zero where it did not say.
func (g *guarded) wait() time.Duration { return time.Duration(g.retryAfter.Load()) }

// loopback is what the engine, too, takes for a registry on this host; see "insecure registries" of dockerd.
func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func retryAfter(header string, now time.Time) time.Duration {
	return retry.After(header, now, waitMost)
}

// keychain finds credentials as Docker's command line does. It waits for a credential helper no longer than for the registry.
type keychain struct {
	authn.Keychain
	registry string
}

// ResolveContext implements authn.ContextKeychain.
func (k keychain) ResolveContext(ctx context.Context, r authn.Resource) (authn.Authenticator, error) {
	type answer struct {
		auth authn.Authenticator
		err  error
	}
	got := make(chan answer, 1)
	go func() { // a helper that hangs cannot be stopped, only left
		auth, err := authn.Resolve(ctx, k.Keychain, r)
		got <- answer{auth, err}
	}()
	select {
	case a := <-got:
		if a.err != nil {
			return nil, k.noCredentials(a.err.Error())
		}
		return a.auth, nil
	case <-ctx.Done():
		return nil, k.noCredentials("the credential helper does not answer")
	}
}

// noCredentials is that Docker's configuration or a credential helper could not be read.
func (k keychain) noCredentials(why string) error {
	why, _, _ = strings.Cut(why, ", out: ") // what a helper has written may be anything
	return ours{fmt.Errorf("cannot get credentials for %s: %s", k.registry, why)}
}
