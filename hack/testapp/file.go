package main

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

// fileInfo is what a test asks about a file that berth put into a container.
type fileInfo struct {
	Mode string `json:"mode"` // octal, with the setuid, setgid and sticky bits
	UID  uint32 `json:"uid"`
	GID  uint32 `json:"gid"`
	Size int64  `json:"size"`
}

// statFile follows symbolic links.
func statFile(path string) (fileInfo, error) {
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		return fileInfo{}, &os.PathError{Op: "stat", Path: path, Err: err}
	}
	return fileInfo{
		Mode: fmt.Sprintf("%04o", st.Mode&0o7777),
		UID:  st.Uid,
		GID:  st.Gid,
		Size: st.Size,
	}, nil
}

func copyFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(w, f)
	return err
}
