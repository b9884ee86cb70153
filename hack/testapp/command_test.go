package main

import (
	"bytes"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommands(t *testing.T) {
	t.Setenv("COLOUR", "green")
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	app := newServer(options{}, nil)
	server := httptest.NewServer(app)
	defer server.Close()

	tests := []struct {
		args []string
		code int
		want string // part of what is printed on either stream
	}{
		{[]string{"cat", file}, 0, "text"},
		{[]string{"cat", file + "x"}, 1, "no such file"},
		{[]string{"cat"}, 2, "got 0 arguments, want: PATH"},
		{[]string{"stat", file}, 0, `{"mode":"0600",`},
		{[]string{"env"}, 0, "COLOUR=green\n"},
		{[]string{"env", "x"}, 2, "got 1 arguments, want: none"},
		{[]string{"id"}, 0, "uid="},
		{[]string{"exit", "7"}, 7, ""},
		{[]string{"exit", "seven"}, 1, "seven"},
		{[]string{"sleep", "1ms"}, 0, ""},
		{[]string{"lookup", "127.0.0.1"}, 0, "127.0.0.1\n"},
		{[]string{"get", server.URL + "/env"}, 0, "COLOUR=green\n"},
		{[]string{"healthcheck", server.URL + "/healthz"}, 0, "ok"},
		{[]string{"healthcheck", server.URL + "/nowhere"}, 1, "404"},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			var out bytes.Buffer
			code := runCommand(commands[test.args[0]], test.args[1:], &out, &out)
			if code != test.code || !strings.Contains(out.String(), test.want) {
				t.Errorf("got code %d and %q, want %d and %q in it", code, &out, test.code, test.want)
			}
		})
	}
}

func TestHealthcheckFails(t *testing.T) {
	app := newServer(options{}, nil)
	app.unhealthy.Store(true)
	server := httptest.NewServer(app)
	defer server.Close()
	var out bytes.Buffer
	code := runCommand(commands["healthcheck"], []string{server.URL + "/healthz"}, &out, &out)
	if code != 1 || !strings.Contains(out.String(), "503") {
		t.Errorf("got code %d and %q, want 1 and the status", code, &out)
	}
}
