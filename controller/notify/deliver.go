package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"berth.dev/berth/controller/retry"
	"berth.dev/berth/spec"
)

// mostRead is how much of an answer is read, so that its connection can be used again; in bytes.
const mostRead = 64 << 10

// deliver posts one event. An error is a *failure, and says no more of the URL than its host.
func (n *Notifier) deliver(ctx context.Context, w *spec.Webhook, b body) error {
	target, err := address(w)
	if err != nil {
		return &failure{retry: true, err: err}
	}
	timeout := time.Duration(or(w.Timeout, spec.Duration(defaultTimeout)))
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	data, contentType := encode(w.Format, b)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, target.String(), bytes.NewReader(data))
	if err != nil {
		return &failure{retry: true, err: errors.New("spec.webhook.url is not a URL")}
	}
	req.Header.Set("User-Agent", "berth")
	secrets, err := setHeaders(req, w.Headers)
	req.Header.Set("Content-Type", contentType)
	if err != nil {
		return &failure{retry: true, err: err}
	}
	resp, err := n.client.Do(req)
	if err != nil {
		return &failure{retry: true, err: fmt.Errorf("cannot reach %s: %s", target.Host, redact(reason(err, timeout), append(secrets, parts(target)...)))}
	}
	defer resp.Body.Close()
	_, _ = io.CopyN(io.Discard, resp.Body, mostRead) // what it says is of no interest
	return judge(target.Host, resp, time.Now())
}

// address is where to post to. Errors of the parser have the URL in them, and are not passed on.
func address(w *spec.Webhook) (*url.URL, error) {
	text, from := w.URL, "spec.webhook.url"
	if w.URLFile != "" {
		b, err := os.ReadFile(w.URLFile)
		if err != nil {
			return nil, fmt.Errorf("spec.webhook.urlFile: %w", err)
		}
		text, from = strings.TrimSpace(string(b)), "the content of "+w.URLFile
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("%s is not a URL; want http://HOST/... or https://HOST/", from)
	}
	return u, nil
}

// setHeaders sets the headers of a delivery, and returns their values.
func setHeaders(req *http.Request, headers []spec.WebhookHeader) (values []string, err error) {
	for _, h := range headers {
		value := h.Value
		if h.ValueFile != "" {
			b, err := os.ReadFile(h.ValueFile)
			if err != nil {
				return nil, fmt.Errorf("header %s: %w", h.Name, err)
			}
			value = strings.TrimRight(string(b), "\r\n")
		}
		values = append(values, value)
		if strings.EqualFold(h.Name, "Host") { // net/http takes it from here alone
			req.Host = value
		}
		req.Header.Set(h.Name, value)
	}
	return values, nil
}

// judge says what an answer means.
func judge(host string, resp *http.Response, now time.Time) error {
	code := resp.StatusCode
	f := &failure{err: fmt.Errorf("%s answered %d %s", host, code, http.StatusText(code))}
	switch {
	case code/100 == 2:
		return nil
	case code/100 == 3:
		f.err = fmt.Errorf("%w: redirects are not followed; name the URL that it leads to", f.err)
	case code == http.StatusTooManyRequests, code == http.StatusRequestTimeout, code/100 == 5:
		f.retry, f.after = true, retryAfter(resp.Header.Get("Retry-After"), now)
	}
	return f
}

// retryAfter reads the header; no more than giveUp is waited.
func retryAfter(value string, now time.Time) time.Duration { return retry.After(value, now, giveUp) }

// reason is an error's text without the URL that net/http puts before it.
func reason(err error, timeout time.Duration) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Sprintf("no answer within %s", timeout)
	}
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	return err.Error()
}

// parts are what a URL has beside its host that may turn up in an error's text.
func parts(u *url.URL) (secrets []string) {
	password, _ := u.User.Password()
	return []string{u.String(), u.RequestURI(), u.Path, u.RawQuery, u.User.Username(), password}
}

// shortest is the length below which a text is no secret, and replacing it would only garble the message; in bytes.
const shortest = 4

// redact takes secrets out of a text that others wrote, as a receiver whose answer is no HTTP and has in it what it was sent.
func redact(text string, secrets []string) string {
	for _, s := range secrets {
		if len(s) >= shortest {
			text = strings.ReplaceAll(text, s, "(hidden)")
		}
	}
	return text
}
