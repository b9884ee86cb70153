package watcher

import (
	"path/filepath"
	"strings"
)

var manifestExts = map[string]bool{".yaml": true, ".yml": true, ".json": true}

// What editors and tools leave beside the file that they write.
var backupSuffixes = []string{"~", ".swp", ".swo", ".swx", ".bak", ".orig", ".rej", ".tmp"}

// IsManifest reports whether a file of this name (or path) in a watched directory is a manifest: .yaml, .yml or
// .json, neither hidden nor a backup.
func IsManifest(name string) bool {
	name = filepath.Base(name)
	return !ignored(name) && manifestExts[strings.ToLower(filepath.Ext(name))]
}

// ignored reports whether a file or directory of this base name is passed over: hidden (as are the `..data` of a
// ConfigMap mount and the `.git` of a checkout), a backup, or the file by which vim tries whether it may write.
func ignored(name string) bool {
	if strings.HasPrefix(name, ".") || name == "4913" {
		return true
	}
	if len(name) > 1 && strings.HasPrefix(name, "#") && strings.HasSuffix(name, "#") {
		return true
	}
	for _, suffix := range backupSuffixes {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}
