package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"slices"
	"strings"

	"berth.dev/berth/spec"
)

// recordVersion is the first word of a record. It changes when the canonical form of a field does; a record of another version
// is not compared, so that berth's own upgrade recreates nothing.
const recordVersion = "v1"

// record says, field by field, what was set when something was created: a short hash of each field that cannot change in place.
// It is kept as a label, and tells three things apart that inspect cannot: what was asked for, what the image or the engine
// filled in, and what was asked for and no longer is.
type record map[string]string

// makeRecord records the rows of a container that only a new one can change.
func makeRecord(s *spec.ContainerSpec) record {
	r := record{}
	for _, row := range rows {
		if row.class == recreate {
			r.put(row.path, row.flat(s))
		}
	}
	return r
}

func (r record) put(path string, v values) {
	if len(v) > 0 {
		r[path] = hash(v)
	}
}

// hash is short because it tells versions of one field apart, nothing more.
func hash(v values) string {
	h := sha256.New()
	for _, k := range slices.Sorted(maps.Keys(v)) {
		h.Write([]byte(k + "\x00" + v[k] + "\x00"))
	}
	return hex.EncodeToString(h.Sum(nil)[:5])
}

func (r record) String() string {
	words := []string{recordVersion}
	for _, path := range slices.Sorted(maps.Keys(r)) {
		words = append(words, path+"="+r[path])
	}
	return strings.Join(words, " ")
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
