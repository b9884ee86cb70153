package watcher

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"time"
)

const (
	// holdOpen bounds how long a file that someone keeps open for writing is held back.
	holdOpen = 10 * time.Second
	// Two writes within one tick of the file system's clock can leave the same size and time. A file read
	// sooner than this after its last change is read again in the next pass.
	fineTick   = 50 * time.Millisecond
	coarseTick = 2 * time.Second // FAT, and whatever keeps whole seconds
)

var (
	errBeingWritten = errors.New("it is still being written")
	errChanging     = errors.New("it changes while it is read")
)

// identity tells without reading whether a file is the one that was read.
type identity struct {
	dev, ino     uint64
	size         int64
	mtime, ctime int64 // Unix, nanoseconds
}

// settledAt reports whether a later write would have to show in the identity, had the file been read at t.
func (id identity) settledAt(t time.Time) bool {
	changed := max(id.mtime, id.ctime)
	tick := fineTick
	if changed%int64(time.Second) == 0 {
		tick = coarseTick
	}
	return t.UnixNano()-changed > int64(tick)
}

// content is what was last read of one real file.
type content struct {
	id        identity
	reusable  bool // nothing can have changed while the identity is the same
	data      []byte
	err       error
	modTime   time.Time
	openSince time.Time // when it was first seen open for writing; zero where it is not
	held      bool      // newer content is there, but not whole yet
}

// reader reads files, and again only those that may have changed.
type reader struct {
	maxSize int64
	hold    bool // hold back files that are open for writing
	known   map[string]*content
	next    map[string]*content // of the pass under way; replaces known
	stale   map[string]bool     // files named in events: read whatever their identity says
}

func newReader(maxSize int64, hold bool) *reader {
	if maxSize <= 0 {
		maxSize = DefaultMaxFileSize
	}
	return &reader{maxSize: maxSize, hold: hold}
}

func (r *reader) begin(stale map[string]bool) {
	r.stale, r.next = stale, make(map[string]*content, len(r.known))
}

// end forgets the files that the pass did not meet, and reports whether any was held back.
func (r *reader) end() (held bool) {
	r.known, r.next, r.stale = r.next, nil, nil
	for _, c := range r.known {
		held = held || c.held
	}
	return held
}

// forget makes the next pass read every file.
func (r *reader) forget() {
	for _, c := range r.known {
		c.reusable = false
	}
}

// get returns what the file at the real path holds, or nil where it is gone.
func (r *reader) get(real string) *content {
	if c := r.next[real]; c != nil {
		return c
	}
	c := r.read(real, r.known[real])
	if c != nil {
		r.next[real] = c
	}
	return c
}

func (r *reader) read(real string, old *content) *content {
	fi, err := os.Stat(real)
	if err != nil {
		return failed(fi, err)
	}
	if old != nil && old.reusable && !r.stale[real] && old.id == identify(fi) {
		return old
	}
	if err := r.refuse(fi); err != nil {
		return failed(fi, err)
	}
	c := r.load(real, old)
	if c != nil && c.err == nil && old != nil && sameData(old, c) {
		c.data = old.data // so that one copy is kept, and consumers can compare cheaply
	}
	return c
}

func sameData(a, b *content) bool { return a.err == nil && string(a.data) == string(b.data) }

// refuse says why a file is not to be opened.
func (r *reader) refuse(fi fs.FileInfo) error {
	if !fi.Mode().IsRegular() {
		return fmt.Errorf("it is %s, not a regular file", kindOf(fi.Mode()))
	}
	if fi.Size() > r.maxSize {
		return fmt.Errorf("it is %d bytes, over the limit of %d", fi.Size(), r.maxSize)
	}
	return nil
}

func kindOf(m fs.FileMode) string {
	switch {
	case m.IsDir():
		return "a directory"
	case m&fs.ModeNamedPipe != 0:
		return "a named pipe"
	case m&fs.ModeSocket != 0:
		return "a socket"
	}
	return "a device"
}

// load opens and reads the file, and holds it back where what it got may be half of a write.
func (r *reader) load(real string, old *content) *content {
	f, err := os.OpenFile(real, os.O_RDONLY|nonblock, 0)
	if err != nil {
		return failed(nil, err)
	}
	defer f.Close()
	var since time.Time
	if r.hold && beingWritten(f) {
		if since = time.Now(); old != nil && !old.openSince.IsZero() {
			since = old.openSince
		}
		if time.Since(since) < holdOpen {
			return keep(old, since, errBeingWritten)
		}
	}
	start := time.Now()
	before, data, err := r.slurp(f)
	if errors.Is(err, errChanging) {
		return keep(old, since, err)
	}
	if err != nil {
		return failed(before, err)
	}
	id := identify(before)
	return &content{id: id, reusable: since.IsZero() && id.settledAt(start), data: data, modTime: before.ModTime(), openSince: since}
}

// slurp reads an open file, and fails with errChanging where the file changed meanwhile.
func (r *reader) slurp(f *os.File) (fs.FileInfo, []byte, error) {
	before, err := f.Stat()
	if err != nil {
		return nil, nil, err
	}
	if err := r.refuse(before); err != nil {
		return before, nil, err
	}
	data := make([]byte, before.Size()+1) // one more, to see that it ends there
	n, err := io.ReadFull(f, data)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return before, nil, err
	}
	after, err := f.Stat()
	if err != nil {
		return before, nil, err
	}
	if int64(n) != before.Size() || identify(before) != identify(after) {
		return before, nil, errChanging
	}
	return before, data[:n:n], nil
}

// keep holds on to the last whole content; there may be none.
func keep(old *content, openSince time.Time, why error) *content {
	c := content{err: why}
	if old != nil {
		c = *old
	}
	c.reusable, c.held, c.openSince = false, true, openSince
	return &c
}

// failed is the content of a file that cannot be read, nil where it is gone.
func failed(fi fs.FileInfo, err error) *content {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	c := &content{err: err}
	if fi != nil {
		c.modTime = fi.ModTime()
	}
	return c
}
