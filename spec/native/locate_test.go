package native

import "testing"

func TestPosition(t *testing.T) {
	const text = `apiVersion: berth.dev/v1
kind: Container
metadata:
  name: a
spec:
  labels:
    a.b/c: d
    x[0]: w
    "": z
    a: e
  ports:
  - containerPort: 80
    hostPort: 81
  -
    containerPort: 82
  command: [a,
    b]
`
	docs := Parse([]byte(text))
	if len(docs) != 1 {
		t.Fatal(docs)
	}
	for field, line := range map[string]int{
		"":                            1,
		"spec":                        5,
		"spec.labels":                 6,
		"spec.labels[a.b/c]":          7,
		"spec.labels[x[0]]":           8,
		"spec.labels[]":               9,
		"spec.labels[a]":              10,
		"spec.labels[none]":           6,
		"spec.ports[0].containerPort": 12,
		"spec.ports[0].hostPort":      13,
		"spec.ports[0].protocol":      12,
		"spec.ports[1].containerPort": 15,
		"spec.ports[7]":               11,
		"spec.command[1]":             17,
		"spec.image":                  5,
		"nothing":                     1,
	} {
		if got, _ := docs[0].Position(field); got != line {
			t.Errorf("%s: line %d, want %d", field, got, line)
		}
	}
}
