package controller

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

// Holder is who acts on an engine.
type Holder struct {
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	Command string    `json:"command"`
	Socket  string    `json:"socket,omitempty"` // where it answers
	Since   time.Time `json:"since"`
}

// HeldError says that somebody else acts on the engine.
type HeldError struct {
	Engine string
	Holder Holder
}

func (e *HeldError) Error() string {
	return fmt.Sprintf("this engine is held by `%s` (pid %d on %s, since %s), and two would undo each other's work: stop that one first", e.Holder.Command, e.Holder.PID, e.Holder.Host, e.Holder.Since.Format(time.RFC3339))
}

// Lock lets one process of a host act on an engine. The kernel lets go of it when the process ends, however it ends (flock(2)).
type Lock struct {
	dir    string
	holder Holder

	mu     sync.Mutex
	engine string
	file   *os.File
}

// NewLock makes a lock that holds nothing yet. dir is shared by all of berth on the host.
func NewLock(dir string, holder Holder) *Lock { return &Lock{dir: dir, holder: holder} }

// RunDir is where locks and sockets are by default: /run/berth for root, else the user's runtime directory.
func RunDir() string {
	if os.Geteuid() == 0 {
		return "/run/berth"
	}
	if dir := os.Getenv("XDG_RUNTIME_DIR"); dir != "" {
		return filepath.Join(dir, "berth")
	}
	return filepath.Join(os.TempDir(), fmt.Sprintf("berth-%d", os.Geteuid()))
}

// Hold takes an engine by its key (plan.Engine.Key), and lets go of another that was held. It returns a *HeldError where another process has it.
func (l *Lock) Hold(engineKey string) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil && l.engine == engineKey {
		return nil
	}
	l.release()
	if err := os.MkdirAll(l.dir, 0o755); err != nil {
		return fmt.Errorf("cannot lock the engine: %w", err)
	}
	f, err := os.OpenFile(lockPath(l.dir, engineKey), os.O_RDWR|os.O_CREATE, 0o644)
	if err != nil {
		return fmt.Errorf("cannot lock the engine: %w", err)
	}
	if err := l.take(f, engineKey); err != nil {
		return errors.Join(err, f.Close())
	}
	l.engine, l.file = engineKey, f
	return nil
}

func (l *Lock) take(f *os.File, engineKey string) error {
	err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return &HeldError{engineKey, readHolder(f.Name())}
	}
	if err != nil {
		return fmt.Errorf("cannot lock %s: %w", f.Name(), err)
	}
	b, err := json.Marshal(l.holder)
	if err != nil {
		return err
	}
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(b, 0)
	return err
}

// Holds reports whether an engine by its key (plan.Engine.Key) is held.
func (l *Lock) Holds(engineKey string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.file != nil && l.engine == engineKey
}

// Release lets go of the engine.
func (l *Lock) Release() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.release()
}

func (l *Lock) release() {
	if l.file != nil {
		_ = l.file.Close() // closing lets go; nothing was buffered
		l.file = nil
	}
}

func readHolder(path string) (h Holder) {
	if b, err := os.ReadFile(path); err == nil {
		_ = json.Unmarshal(b, &h) // half written by one that is just starting: the zero holder will do
	}
	return h
}

func lockPath(dir, engineKey string) string {
	return filepath.Join(dir, strings.Map(fileRune, engineKey)+".lock")
}

// fileRune keeps what is harmless in a file's name.
func fileRune(r rune) rune {
	if r >= '0' && r <= '9' || r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' || r == '-' {
		return r
	}
	return '_'
}
