package load_test

import (
	"fmt"
	"strings"
	"testing"

	"berth.dev/berth/spec/load"
)

const typical = `apiVersion: berth.dev/v1
kind: Container
metadata:
  name: front-%d
  namespace: shop
  labels: {tier: front}
spec:
  replicas: 2
  image: registry.example/shop/web:1.4
  command: [/web]
  env:
  - {name: STORE, value: "http://store:8080"}
  networks:
  - {name: net}
  ports:
  - {containerPort: 8080, hostPort: 18090-18091, hostIP: 127.0.0.1}
  volumes:
  - {name: data, mountPath: /data, volume: {name: shop-data}}
  - {name: tmp, mountPath: /tmp, tmpfs: {size: 64Mi, mode: "1777"}}
  healthcheck:
    command: [/web, check]
    interval: 1s
  resources:
    requests: {cpu: 250m, memory: 64Mi}
    limits: {cpu: "1", memory: 256Mi, swap: 0, pids: 200}
`

func BenchmarkLoad500(b *testing.B) {
	files := make([]load.File, 500)
	for i := range files {
		files[i] = load.File{Path: fmt.Sprintf("%03d.yaml", i), Data: fmt.Appendf(nil, typical, i)}
	}
	for b.Loop() {
		if r := load.Load(files, load.Options{}); len(r.Objects) != 500 {
			b.Fatal(r.Problems)
		}
	}
}

// Files made to be slow: none may take more than a moment.
func BenchmarkHostile(b *testing.B) {
	for name, unit := range map[string]string{
		"brackets": "[", "braces": "{", "dashes": "- ", "questions": "? ", "documents": "---\n", "aliases": "*a ", "comments": "#\n",
		"anchors": "- &a\n", "colons": "a: ", "quotes": "\"", "keys": "a: b\n", "commas": "[a,", "lines": "\n", "bang": "! ", "digits": "9", "percent": "%\n",
		"words": "a ", "indent": " ", "docs": "apiVersion: berth.dev/v1\nkind: Volume\nmetadata: {name: a}\n---\n",
	} {
		b.Run(name, func(b *testing.B) {
			data := []byte(strings.Repeat(unit, load.MaxSize/len(unit)))
			for b.Loop() {
				load.LoadFile(load.File{Path: "m.yaml", Data: data}, load.Options{})
			}
		})
	}
}
