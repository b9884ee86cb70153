package controller

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"berth.dev/berth/spec"
)

// generation names the content of an object: two objects of the same generation say the same. It takes the place of the counter
// that Kubernetes keeps in its store.
func generation(o spec.Object) string {
	b, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Sprintf("controller: %s does not marshal: %v", o.Key(), err)) // it was unmarshalled
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:6])
}
