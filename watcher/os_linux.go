package watcher

import (
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// File systems that another host (or a user's process) changes without this kernel's inotify noticing, and
// where a lease says nothing about other writers. Magic numbers: statfs(2).
var remoteFS = map[int64]string{
	unix.NFS_SUPER_MAGIC:  "NFS",
	unix.CIFS_SUPER_MAGIC: "CIFS",
	unix.SMB_SUPER_MAGIC:  "SMB",
	unix.SMB2_SUPER_MAGIC: "SMB",
	unix.CEPH_SUPER_MAGIC: "Ceph",
	unix.AFS_SUPER_MAGIC:  "AFS",
	unix.CODA_SUPER_MAGIC: "Coda",
	unix.V9FS_MAGIC:       "9p",
	unix.FUSE_SUPER_MAGIC: "FUSE",
}

func identify(fi fs.FileInfo) identity {
	id := identity{size: fi.Size(), mtime: fi.ModTime().UnixNano()}
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		id.dev, id.ino, id.ctime = uint64(st.Dev), st.Ino, st.Ctim.Nano()
	}
	return id
}

// remote names the file system of path where it is one that inotify does not fully report, or "".
func remote(path string) string {
	var st unix.Statfs_t
	if unix.Statfs(path, &st) != nil {
		return ""
	}
	return remoteFS[int64(st.Type)]
}

// beingWritten reports whether any process has the file open for writing. The kernel grants a read lease only
// where none has (fcntl(2), F_SETLEASE); it is given back at once, so that it delays nobody. Where leases cannot
// be had (not the owner, a file system without them) the answer is no.
func beingWritten(f *os.File) bool {
	if remote(f.Name()) != "" {
		return false
	}
	_, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
	if err == nil {
		_, _ = unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	}
	return err == unix.EAGAIN
}

// isMount reports whether something is mounted at path, bind mounts included. Kernels before 5.8 cannot tell.
func isMount(path string) bool {
	var st unix.Statx_t
	if unix.Statx(unix.AT_FDCWD, path, 0, 0, &st) != nil {
		return false
	}
	return st.Attributes&unix.STATX_ATTR_MOUNT_ROOT != 0
}

// nonblock keeps an open from waiting, should a fifo take the place of the file.
const nonblock = unix.O_NONBLOCK
