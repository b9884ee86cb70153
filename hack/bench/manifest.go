package main

import (
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"
)

const (
	image    = "berth.test/app:1"
	prefix   = "berthbench." // of the names of all containers that the bench makes
	inFlight = 8             // calls at once on the floor, and berth's own default
)

// manifests writes n Container objects.
func manifests(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `---
apiVersion: berth.dev/v1
kind: Container
metadata: {name: c%03d, namespace: berthbench}
spec:
  image: %s
  resources:
    limits: {cpu: 500m, memory: 64Mi}
`, i, image)
	}
	return b.String()
}

// compose writes the same as a Compose file.
func compose(n int) string {
	b := strings.Builder{}
	b.WriteString("name: berthbench\nservices:\n")
	for i := range n {
		fmt.Fprintf(&b, `  c%03d:
    container_name: berthbench.c%03d.0
    image: %s
    network_mode: bridge
    restart: always
    stop_grace_period: 30s
    cpus: 0.5
    mem_limit: 64m
`, i, i, image)
	}
	return b.String()
}

func names(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprintf("%sc%03d.0", prefix, i)
	}
	return out
}

// sideBySide calls do for each item, inFlight at once.
func sideBySide(items []string, do func(string) error) error {
	var g errgroup.Group
	g.SetLimit(inFlight)
	for _, it := range items {
		g.Go(func() error { return do(it) })
	}
	return g.Wait()
}
