// Package statefile keeps values in files over restarts of the agent.
package statefile

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Name is the file of something in a folder, whatever characters it is called by.
func Name(dir, what string) string {
	sum := sha256.Sum256([]byte(what))
	return filepath.Join(dir, hex.EncodeToString(sum[:12])+".json")
}

// Write puts a value into a file that only the agent's user can read. A crash, of the agent or of the host, leaves the old or
// the new content: the file is on the disk before it gets its name.
func Write(name string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp := name + ".tmp"
	if err := writeSynced(tmp, b); err != nil {
		return errors.Join(err, ignoreMissing(os.Remove(tmp)))
	}
	if err := os.Rename(tmp, name); err != nil {
		return err
	}
	return syncDir(dir)
}

func writeSynced(name string, b []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	return errors.Join(err, f.Sync(), f.Close())
}

// syncDir makes a rename last. Not every file system lets a folder be synced, and those that do not need it not.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	err = d.Sync()
	if errors.Is(err, syscall.EINVAL) {
		err = nil
	}
	return errors.Join(err, d.Close())
}

// Read reads a file of Write into a value; found is false where there is none. One that does not parse is set aside as
// NAME.broken, so that a person can look at it and the next write does not have to, and counts as not there.
func Read(name string, v any) (found bool, err error) {
	found, err = Peek(name, v)
	if !found || err == nil {
		return found, err
	}
	aside := name + ".broken"
	return false, errors.Join(fmt.Errorf("%s is not what the agent wrote, and is kept as %s: %w", name, aside, err), os.Rename(name, aside))
}

// Peek reads a file of Write as Read does, and leaves one that does not parse where it is.
func Peek(name string, v any) (found bool, err error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return false, ignoreMissing(err)
	}
	return true, json.Unmarshal(b, v)
}

// Remove removes a file; one that is not there is no error.
func Remove(name string) error { return ignoreMissing(os.Remove(name)) }

func ignoreMissing(err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
