package notify

import (
	"regexp"
	"slices"
	"strings"

	"berth.dev/berth/spec"
)

// wants reports whether any of the filters lets an event through; no filters let everything through.
func wants(filters []spec.NotificationFilter, e Event) bool {
	return len(filters) == 0 || slices.ContainsFunc(filters, func(f spec.NotificationFilter) bool { return matches(f, e) })
}

// matches reports whether an event has all that a filter asks for. What concerns no object has no kind, namespace, name or label,
// so that a filter that asks for one of these does not match it.
func matches(f spec.NotificationFilter, e Event) bool {
	return isOneOf(f.Kinds, e.Object.Kind) &&
		isOneOf(f.Namespaces, e.Object.Namespace) &&
		isOneOf(f.Types, e.Type) &&
		isLike(f.Names, e.Object.Name) &&
		isLike(f.Reasons, e.Reason) &&
		hasLabels(f.MatchLabels, e.Labels)
}

func isOneOf[T comparable](list []T, v T) bool { return len(list) == 0 || slices.Contains(list, v) }

func isLike(patterns []string, s string) bool {
	return len(patterns) == 0 || s != "" && slices.ContainsFunc(patterns, func(p string) bool { return glob(p, s) })
}

func hasLabels(want, have map[string]string) bool {
	for k, v := range want {
		if got, ok := have[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// glob matches text in which * stands for any text; nothing else is special, as in no name or reason it could be.
func glob(pattern, s string) bool {
	return regexp.MustCompile(`^` + strings.ReplaceAll(regexp.QuoteMeta(pattern), `\*`, `.*`) + `$`).MatchString(s)
}
