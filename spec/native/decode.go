package native

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// Decode reads one document into a struct that is no object, such as a configuration, as strictly as a manifest is read. What
// its version and kind say is the caller's to check.
func Decode(data []byte, into any) []Error {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var n, more yaml.Node
	err := decoder.Decode(&n)
	switch {
	case errors.Is(err, io.EOF) || err == nil && isEmpty(&n):
		return []Error{{Message: "found nothing; want one document"}}
	case err != nil:
		return syntaxError(err, data).Errors
	}
	if err := decoder.Decode(&more); !errors.Is(err, io.EOF) {
		return []Error{{Line: more.Line, Message: "found more than one document; want one"}}
	}
	root := n.Content[0]
	if errs := refuse(root, nil, 0); len(errs) > 0 {
		return errs
	}
	r := newReader(root)
	r.object(root, reflect.TypeOf(into).Elem(), nil)
	if len(r.errs) > 0 {
		return r.errs
	}
	if err := json.Unmarshal(appendJSON(nil, root), into); err != nil {
		return []Error{at(root, fmt.Sprintf("cannot be decoded: %s", short(err.Error())))}
	}
	return nil
}
