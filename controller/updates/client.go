package updates

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"net/url"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"berth.dev/berth/spec"
)

// client asks registries.
type client struct {
	base http.RoundTripper
	keys authn.Keychain
}

// close ends the connections that wait for a next question.
func (c client) close() {
	if t, ok := c.base.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

// newest gives the image that a registry has as the newest which fits, as repository:tag@digest. No manifest is fetched: a HEAD
// request tells the digest.
func (c client) newest(ctx context.Context, q question) (image string, r *refusal) {
	t := &guarded{base: c.base}
	image, err := c.look(ctx, q, t)
	if err != nil {
		return "", refused(q, err, t.wait())
	}
	return image, nil
}

func (c client) look(ctx context.Context, q question, t *guarded) (string, error) {
	registry, err := name.NewRegistry(q.Registry, schemes(q.Registry)...)
	if err != nil {
		return "", err
	}
	repo := registry.Repo(q.path())
	keys := keychain{c.keys, q.Registry}
	never := func(error) bool { return false } // the lanes try again, and know when
	puller, err := remote.NewPuller(remote.WithTransport(t), remote.WithAuthFromKeychain(keys), remote.WithUserAgent("berth"),
		remote.WithRetryBackoff(remote.Backoff{Steps: 1}), remote.WithRetryPredicate(never), remote.WithRetryStatusCodes())
	if err != nil {
		return "", err
	}
	tag := q.Tag
	if q.Type != spec.UpdateDigest {
		if tag, err = choose(ctx, puller, repo, q); err != nil {
			return "", err
		}
	}
	d, err := puller.Head(ctx, repo.Tag(tag))
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s:%s@%s", q.Repository, tag, d.Digest), nil
}

// schemes lets a registry on this host do without TLS.
func schemes(registry string) []name.Option {
	if u := (url.URL{Host: registry}); loopback(u.Hostname()) {
		return []name.Option{name.Insecure}
	}
	return nil
}

// choose lists the tags, page by page, and picks the newest that fits.
func choose(ctx context.Context, puller *remote.Puller, repo name.Repository, q question) (tag string, err error) {
	o, err := orderOf(q)
	if err != nil {
		return "", ours{err}
	}
	pages, err := puller.Lister(ctx, repo)
	if err != nil {
		return "", err
	}
	for pages.HasNext() {
		page, err := pages.Next(ctx)
		if err != nil {
			return "", err
		}
		tag = o.newest(tag, page.Tags)
	}
	if tag == "" {
		return "", ours{fmt.Errorf("no tag fits %q: push one, or correct updatePolicy", cmp.Or(q.Range, q.Pattern))}
	}
	return tag, nil
}
