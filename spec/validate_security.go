package spec

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation/field"

	"berth.dev/berth/spec/internal/shape"
)

func (r *report) security(s *SecurityContext, at *field.Path) {
	r.capabilities(&s.Capabilities, at.Child("capabilities"))
	if s.Privileged && len(s.Capabilities.Add)+len(s.Capabilities.Drop) > 0 {
		r.conflict(at.Child("capabilities"), "privileged has every capability, whatever is added or dropped: remove one of the two")
	}
	r.profile(s.SeccompProfile, isCleanPath, "the absolute path of a seccomp profile on the agent's host", at.Child("seccompProfile"))
	r.profile(s.AppArmorProfile, isWord, "the name of a loaded AppArmor profile", at.Child("appArmorProfile"))
	if s.SELinuxOptions != nil {
		r.selinux(s.SELinuxOptions, at.Child("seLinuxOptions"))
	}
	for _, paths := range []struct {
		name string
		list *[]string
	}{{"maskedPaths", s.MaskedPaths}, {"readonlyPaths", s.ReadonlyPaths}} {
		if paths.list != nil {
			r.texts(at.Child(paths.name), *paths.list, isCleanPath, wantPath)
		}
	}
}

// capabilityNames are those of capabilities(7).
var capabilityNames = strings.Fields(`ALL AUDIT_CONTROL AUDIT_READ AUDIT_WRITE BLOCK_SUSPEND BPF CHECKPOINT_RESTORE CHOWN DAC_OVERRIDE
	DAC_READ_SEARCH FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN NET_BIND_SERVICE
	NET_BROADCAST NET_RAW PERFMON SETFCAP SETGID SETPCAP SETUID SYSLOG SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE SYS_NICE SYS_PACCT
	SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG WAKE_ALARM`)

func (r *report) capabilities(c *Capabilities, at *field.Path) {
	for _, list := range []struct {
		name  string
		names []string
	}{{"add", c.Add}, {"drop", c.Drop}} {
		seen := once{}
		for i, name := range list.names {
			at := at.Child(list.name).Index(i)
			switch {
			case !slices.Contains(capabilityNames, name):
				r.invalid(at, name, "%s", wantCapability(name))
			case seen.again(name):
				r.twice(at, name)
			case list.name == "drop" && slices.Contains(c.Add, name):
				r.conflict(at, "%s is added and dropped: remove one of the two", name)
			}
		}
	}
}

func wantCapability(name string) string {
	bare := strings.TrimPrefix(strings.ToUpper(name), "CAP_")
	if near := shape.Nearest(bare, capabilityNames); near != "" {
		return near
	}
	return "a Linux capability such as NET_ADMIN, or ALL"
}

func (r *report) profile(p *SecurityProfile, fits func(string) bool, want string, at *field.Path) {
	if p == nil {
		return
	}
	if p.Type == "" {
		r.missing(at.Child("type"), "one of "+strings.Join(p.Type.Values(), ", "))
	}
	at = at.Child("localhostProfile")
	switch {
	case p.Type == ProfileLocalhost && p.LocalhostProfile == "":
		r.missing(at, want)
	case p.Type != ProfileLocalhost && p.LocalhostProfile != "":
		r.conflict(at, "counts only with type %s: set that, or remove this", ProfileLocalhost)
	}
	r.text(at, p.LocalhostProfile, fits, "%s", want)
}

func (r *report) selinux(s *SELinuxOptions, at *field.Path) {
	parts := []struct{ name, value string }{{"user", s.User}, {"role", s.Role}, {"type", s.Type}, {"level", s.Level}}
	set := false
	for _, p := range parts {
		set = set || p.value != ""
		r.text(at.Child(p.name), p.value, isWord, "a part of an SELinux label, without spaces")
	}
	if s.Disable && set {
		r.conflict(at.Child("disable"), "not together with a label: remove one of the two")
	}
}
