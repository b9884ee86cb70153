package main

import (
	"strings"
	"testing"
)

// TestUnknownOutput: nothing is asked for, neither the agent nor the engine, and nothing is printed in another form.
func TestUnknownOutput(t *testing.T) {
	for _, args := range [][]string{{"get", "-o", "tabel"}, {"plan", "-o", "wide", t.TempDir()}} {
		root := rootCommand()
		root.SetArgs(append(args, "--host", "unix:///nowhere", "--socket", "/nowhere"))
		if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "yaml, json") {
			t.Errorf("%v: %v", args, err)
		}
	}
}
