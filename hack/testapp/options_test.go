package main

import (
	"io"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestParseOptions(t *testing.T) {
	tests := []struct {
		name string
		args []string
		env  map[string]string
		want options
	}{
		{name: "nothing"},
		{
			name: "flags",
			args: []string{"-http", ":80", "-exit-after=3s", "-exit-code=7", "-eat-memory", "64Mi", "-ignore-term"},
			want: options{http: ":80", exitAfter: 3 * time.Second, exitCode: 7, eatMemory: 64 << 20, ignoreTerm: true},
		},
		{
			name: "environment",
			env:  map[string]string{"TESTAPP_UNHEALTHY_AFTER": "5s", "TESTAPP_EAT_CPU": "true", "TESTAPP_WRITE": "/a=b"},
			want: options{unhealthyAfter: 5 * time.Second, eatCPU: true, writes: []fileWrite{{"/a", "b"}}},
		},
		{
			name: "a flag wins over the environment",
			args: []string{"-exit-code", "1"},
			env:  map[string]string{"TESTAPP_EXIT_CODE": "2", "TESTAPP_PRINT_ENV": "1"},
			want: options{exitCode: 1, printEnv: true},
		},
		{
			name: "several writes, text with an equals sign",
			args: []string{"-write", "/a=b=c", "-write", "/d="},
			want: options{writes: []fileWrite{{"/a", "b=c"}, {"/d", ""}}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := parseOptions(test.args, lookupIn(test.env), io.Discard)
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, test.want) {
				t.Errorf("got %+v\nwant %+v", got, test.want)
			}
		})
	}
}

func TestParseOptionsErrors(t *testing.T) {
	tests := []struct {
		args []string
		env  map[string]string
		want string // part of the error
	}{
		{args: []string{"-write", "/a"}, want: "want PATH=TEXT"},
		{args: []string{"-eat-memory", "64M"}, want: "want bytes or a number with Ki, Mi or Gi"},
		{args: []string{"serve"}, want: `"serve" is neither a flag nor a subcommand (cat, client, env,`},
		{env: map[string]string{"TESTAPP_EXIT_AFTER": "3"}, want: `TESTAPP_EXIT_AFTER="3"`},
	}
	for _, test := range tests {
		t.Run(test.want, func(t *testing.T) {
			_, err := parseOptions(test.args, lookupIn(test.env), io.Discard)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got error %v, want %q in it", err, test.want)
			}
		})
	}
}

func lookupIn(env map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := env[name]
		return value, ok
	}
}

func TestByteSize(t *testing.T) {
	const wrong = -1
	tests := map[string]byteSize{
		"0": 0, "1024": 1024, "1Ki": 1 << 10, "64Mi": 64 << 20, "2Gi": 2 << 30,
		"": wrong, "Mi": wrong, "-1": wrong, "1M": wrong, "1.5Gi": wrong, "9223372036854775807Ki": wrong,
	}
	for text, want := range tests {
		got := byteSize(wrong)
		err := got.Set(text)
		if got != want || (err == nil) != (want != wrong) {
			t.Errorf("Set(%q): got %d, error %v; want %d", text, got, err, want)
		}
	}
}
