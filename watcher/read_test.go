package watcher

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

func TestIsManifest(t *testing.T) {
	tests := map[string]bool{
		"a.yaml": true, "a.yml": true, "a.json": true, "x/y.YAML": true, "a.bak.yaml": true, "#.yaml": true,
		"a.txt": false, "yaml": false, "": false, ".a.yaml": false, "..data": false, ".yaml": false, "4913": false,
		"a.yaml~": false, "#a.yaml#": false, ".a.yaml.swp": false, "a.yaml.swo": false, "a.yaml.bak": false,
		"a.yaml.orig": false, "a.yaml.tmp": false, "#": false,
	}
	for name, want := range tests {
		if got := IsManifest(name); got != want {
			t.Errorf("IsManifest(%q) = %v", name, got)
		}
	}
}

func TestReadErrors(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	write(t, path("large.yaml"), "12345678901")
	write(t, path("fits.yaml"), "1234567890")
	write(t, path("secret.yaml"), "x")
	write(t, path("closed/a.yaml"), "x")
	must(t, unix.Mkfifo(path("fifo.yaml"), 0o644))
	must(t, os.Symlink("/dev/null", path("device.yaml")))
	must(t, os.Symlink("nowhere", path("dangling.yaml")))
	must(t, os.Chmod(path("secret.yaml"), 0))
	must(t, os.Chmod(path("closed"), 0))
	for d := dir; d != "/tmp" && d != "/"; d = filepath.Dir(d) {
		must(t, os.Chmod(d, 0o755))
	}
	defer asNobody()()
	snap, err := Read([]string{dir}, 10)
	must(t, err)
	want := map[string]string{
		"large.yaml":    "it is 11 bytes, over the limit of 10",
		"fits.yaml":     "",
		"secret.yaml":   "permission denied",
		"closed":        "permission denied",
		"fifo.yaml":     "it is a named pipe, not a regular file",
		"device.yaml":   "it is a device, not a regular file",
		"dangling.yaml": "the symbolic link leads to " + path("nowhere") + ": no such file or directory",
	}
	for _, f := range snap.Files {
		name, _ := filepath.Rel(dir, f.Path)
		text := want[name]
		delete(want, name)
		if text != "" {
			text = "cannot read " + f.Path + ": " + text
		}
		if got := errText(f.Err); got != text {
			t.Errorf("%s: got error %q, want %q", name, got, text)
		}
		if (f.Err == nil) != (f.Data != nil) {
			t.Errorf("%s: data %q beside error %v", name, f.Data, f.Err)
		}
	}
	if len(want) > 0 {
		t.Errorf("not in the snapshot: %v", want)
	}
	if !snap.Unknown(path("closed/a.yaml")) || snap.Unknown(path("other.yaml")) {
		t.Error("unknown is what cannot be read, and that alone")
	}
}

// asNobody takes root's rights over files from this goroutine, until the function it returns is called.
func asNobody() func() {
	runtime.LockOSThread()
	old, _ := unix.SetfsuidRetUid(65534)
	return func() {
		_, _ = unix.SetfsuidRetUid(old)
		runtime.UnlockOSThread()
	}
}

func TestReadRoots(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "x/a.yaml"), "1")
	write(t, filepath.Join(dir, "plain"), "2")
	t.Chdir(dir)
	snap, err := Read([]string{"./x/", "plain", "none", "plain/below"}, 0)
	if want := "cannot read manifests in none: " + syscall.ENOENT.Error(); err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got error %v, want %q in it", err, want)
	}
	var got []string
	for _, f := range snap.Files {
		got = append(got, f.Path+"="+string(f.Data))
	}
	if text := strings.Join(got, " "); text != "plain=2 x/a.yaml=1" {
		t.Errorf("got %s", text)
	}
	for i, want := range []RootState{Present, Present, Missing, Missing} {
		if s := snap.Roots[i]; s.State != want {
			t.Errorf("%s is %s, want %s", s.Path, s.State, want)
		}
	}
}

func TestUnknown(t *testing.T) {
	tests := []struct {
		root, path string
		want       bool
	}{
		{"/m", "/m/a.yaml", true},
		{"/m/", "/m/x/a.yaml", true},
		{"/m", "/mm/a.yaml", false},
		{".", "x/a.yaml", true},
		{"/", "/a.yaml", true},
	}
	for _, tt := range tests {
		s := Snapshot{Roots: []RootStatus{{Path: tt.root, State: Missing}}}
		if got := s.Unknown(tt.path); got != tt.want {
			t.Errorf("root %s, path %s: got %v", tt.root, tt.path, got)
		}
	}
}
