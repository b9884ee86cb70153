package shape

import "testing"

func TestNearest(t *testing.T) {
	fields := []string{"ports", "dns", "command", "restartPolicy", "env", "envFile", "tty", "user", "image"}
	for word, want := range map[string]string{
		"prots":         "ports",
		"port":          "ports",
		"restartpolicy": "restartPolicy",
		"RestartPolicy": "restartPolicy",
		"restart":       "",
		"commmand":      "command",
		"evn":           "env",
		"envfile":       "envFile",
		"usr":           "user",
		"imege":         "image",
		"xyz":           "",
		"x":             "",
		"":              "",
	} {
		if got := Nearest(word, fields); got != want {
			t.Errorf("%q: %q, want %q", word, got, want)
		}
	}
}
