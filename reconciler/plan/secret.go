package plan

import (
	"regexp"
	"strings"
)

// hidden stands for a value that may be a secret.
const hidden = "(hidden)"

// sensitive matches names whose values are never printed. Inspect shows them to everybody who may use the engine; plans, logs
// and events reach further.
var sensitive = regexp.MustCompile(`(?i)pass|secret|token|key|cred|auth|private|cookie|session|salt|dsn|url|connection`)

// show is a value as a plan prints it.
func show(path, sub, value string) string {
	if value == "" {
		return ""
	}
	if peer, ok := strings.CutPrefix(value, containerMode); ok {
		return containerMode + short(peer)
	}
	switch path {
	case "env", "logging", "labels", "annotations":
		return Redact(sub, value)
	}
	return value
}

// Redact is the value of a variable, label or option as it may be printed: hidden where its name says that it may be a secret.
func Redact(name, value string) string {
	if value != "" && sensitive.MatchString(name) {
		return hidden
	}
	return value
}
