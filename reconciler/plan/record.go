package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
)

// recordVersion is the first word of a record. It changes when the canonical form of a field does; a record of another version
// is not compared, so that berth's own upgrade recreates nothing.
const recordVersion = "v1"

// record says, field by field, what was set when something was created: a short hash of each field that cannot change in place.
// It is kept as a label, and tells three things apart that inspect cannot: what was asked for, what the image or the engine
// filled in, and what was asked for and no longer is.
type record map[string]string

func (r record) put(path string, v values) {
	if len(v) > 0 {
		r[path] = hash(v)
	}
}

// hash is short because it tells versions of one field apart, nothing more.
func hash(v values) string {
	text := make([]byte, 0, 128)
	for _, k := range sortedKeys(v) {
		text = append(append(text, k...), 0)
		text = append(append(text, v[k]...), 0)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:5])
}

func (r record) String() string {
	var b strings.Builder
	b.Grow(len(r) * 40)
	b.WriteString(recordVersion)
	for _, path := range sortedKeys(r) {
		b.WriteString(" " + path + "=" + r[path])
	}
	return b.String()
}

// sortedKeys is slices.Sorted(maps.Keys(m)) without growing a slice: every pass over every object comes here many times.
func sortedKeys[M ~map[string]string](m M) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// parseRecord reads a label; false where it is missing or of another version.
func parseRecord(label string) (record, bool) {
	words := strings.Fields(label)
	if len(words) == 0 || words[0] != recordVersion {
		return nil, false
	}
	r := record{}
	for _, w := range words[1:] {
		path, sum, ok := strings.Cut(w, "=")
		if !ok {
			return nil, false
		}
		r[path] = sum
	}
	return r, true
}
