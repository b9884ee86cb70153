package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// prefix begins the name of everything that the tests make: containers, networks, volumes, images.
const prefix = "e2e-"

// program is the binary under test.
var program string

func TestMain(m *testing.M) {
	code, err := run(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, "e2e:", err)
		code = 1
	}
	os.Exit(code)
}

func run(m *testing.M) (code int, err error) {
	if err := findEngine(); err != nil {
		return 0, err
	}
	dir, err := os.MkdirTemp("", "berth-e2e-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	lock, err := alone()
	if err != nil {
		return 0, err
	}
	defer lock.Close()
	if err := errors.Join(refuseOthers(), needImages()); err != nil {
		return 0, err
	}
	if err := cleanUp(); err != nil { // of a run that was killed
		return 0, err
	}
	program = filepath.Join(dir, "berth")
	if err := build(program); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// alone holds a file that another run of these tests on the same engine would have to hold.
func alone() (*os.File, error) {
	path := filepath.Join(os.TempDir(), "berth-e2e-"+strings.Map(fileRune, engineID)+".lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, fmt.Errorf("another run of these tests uses the engine at %s (%s): %w", engineHost, path, err)
	}
	return f, nil
}

func fileRune(r rune) rune {
	if strings.ContainsRune(`/\: `, r) {
		return '_'
	}
	return r
}

// build makes the binary, with the race detector where the tests have it.
func build(path string) error {
	args := []string{"build", "-o", path}
	if raceEnabled {
		args = append(args, "-race")
	}
	out, err := exec.Command("go", append(args, "berth.dev/berth/cmd/berth")...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("cannot build berth: %w\n%s", err, out)
	}
	return nil
}
