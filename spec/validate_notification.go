package spec

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"berth.dev/berth/spec/internal/shape"
)

const (
	maxRate           = 6000 // a minute
	maxDedupe         = Duration(7 * 24 * time.Hour)
	minWebhookTimeout = Duration(time.Millisecond)
	maxWebhookTimeout = Duration(10 * time.Minute)
)

func (r *report) notification(s *NotificationSpec, at *field.Path) {
	r.webhook(&s.Webhook, at.Child("webhook"))
	for i := range s.Filters {
		r.filter(&s.Filters[i], at.Child("filters").Index(i))
	}
	r.optional(s.RateLimitPerMinute, 1, maxRate, at.Child("rateLimitPerMinute"))
	r.span(s.DedupeWindow, 0, maxDedupe, at.Child("dedupeWindow"))
}

func (r *report) span(d *Duration, least, most Duration, at *field.Path) {
	if d != nil && (*d < least || *d > most) {
		r.invalid(at, *d, "a duration from %s to %s", least, most)
	}
}

func (r *report) webhook(w *Webhook, at *field.Path) {
	r.oneAction([]action{{"url", w.URL != ""}, {"urlFile", w.URLFile != ""}}, at)
	if w.URL != "" && !isWebURL(w.URL) {
		r.invalid(at.Child("url"), notShown, "a URL that begins with http:// or https://, and a host")
	}
	r.text(at.Child("urlFile"), w.URLFile, isCleanPath, wantPath)
	r.span(w.Timeout, minWebhookTimeout, maxWebhookTimeout, at.Child("timeout"))
	names := once{}
	for i := range w.Headers {
		h, at := &w.Headers[i], at.Child("headers").Index(i)
		r.headerName(h.Name, at.Child("name"))
		if names.again(strings.ToLower(h.Name)) && h.Name != "" {
			r.twice(at.Child("name"), token.FindString(h.Name))
		}
		r.oneAction([]action{{"value", h.Value != ""}, {"valueFile", h.ValueFile != ""}}, at)
		r.headerValue(h.Value, at.Child("value"))
		r.text(at.Child("valueFile"), h.ValueFile, isCleanPath, wantPath)
	}
}

func isWebURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && isWord(s)
}

var (
	nameGlob   = regexp.MustCompile(`^[a-z0-9*-]+$`)
	reasonGlob = regexp.MustCompile(`^[A-Za-z0-9*]+$`)
)

func (r *report) filter(f *NotificationFilter, at *field.Path) {
	for i, k := range f.Kinds {
		r.kind(k, at.Child("kinds").Index(i))
	}
	r.texts(at.Child("namespaces"), f.Namespaces, isLabel, wantLabel)
	r.texts(at.Child("names"), f.Names, nameGlob.MatchString, "the name of an object; * stands for any text")
	r.texts(at.Child("reasons"), f.Reasons, reasonGlob.MatchString, "a reason such as RolledBack; * stands for any text")
	for i, t := range f.Types {
		if t == "" {
			r.missing(at.Child("types").Index(i), "one of "+strings.Join(EventType("").Values(), ", "))
		}
	}
	for key, value := range f.MatchLabels {
		if len(content.IsLabelKey(key)) > 0 {
			r.invalid(at.Child("matchLabels"), key, "%s", wantQualified)
		}
		r.text(at.Child("matchLabels").Key(key), value, isLabelValue, wantLabelValue)
	}
}

func (r *report) kind(k Kind, at *field.Path) {
	if slices.Contains(Kinds(), k) {
		return
	}
	var names []string
	for _, k := range Kinds() {
		names = append(names, string(k))
	}
	want := "one of " + strings.Join(names, ", ")
	if near := shape.Nearest(string(k), names); near != "" {
		want = near
	}
	r.invalid(at, string(k), "%s", want)
}
