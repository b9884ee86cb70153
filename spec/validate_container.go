package spec

import (
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"
	"unicode"

	"github.com/distribution/reference"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// The most that anybody can have meant; Docker's own limits are those of its integers.
const (
	maxReplicas = 1000
	maxRetries  = 1 << 20
	maxGrace    = 7 * 24 * 60 * 60 // seconds
)

func (r *report) container(s *ContainerSpec, at *field.Path) {
	r.image(s, at)
	r.process(s, at)
	r.lifecycle(s, at)
	r.probes(s, at)
	r.hooks(s, at)
	r.initContainers(s.InitContainers, at.Child("initContainers"))
	r.dependencies(s.DependsOn, at.Child("dependsOn"))
	r.rollout(s, at)
	r.ports(s, at)
	r.networking(s, at)
	r.names(s, at)
	r.mounts(s.Volumes, at.Child("volumes"))
	r.resources(&s.Resources, at.Child("resources"))
	r.security(&s.SecurityContext, at.Child("securityContext"))
	r.namespaces(s, at)
	r.reserved(s.Labels, at.Child("labels"))
	r.reserved(s.Annotations, at.Child("annotations"))
	r.options(s.StorageOptions, at.Child("storageOptions"))
	r.text(at.Child("runtime"), s.Runtime, isWord, "the name of a runtime, without spaces")
}

// copies is how many replicas there are to be.
func (s *ContainerSpec) copies() int {
	if s.Replicas == nil {
		return DefaultReplicas
	}
	return int(*s.Replicas)
}

var platform = regexp.MustCompile(`^[a-z0-9]+/[a-z0-9_]+(/[a-z0-9.]+)?$`)

func (r *report) image(s *ContainerSpec, at *field.Path) {
	if s.Image == "" {
		r.missing(at.Child("image"), "[registry/]name[:tag][@digest]")
	} else {
		r.imageName(s.Image, at.Child("image"))
	}
	r.text(at.Child("platform"), s.Platform, platform.MatchString, "OS/ARCHITECTURE[/VARIANT], as in linux/arm64/v8")
}

func (r *report) imageName(name string, at *field.Path) {
	if _, err := reference.ParseNormalizedNamed(name); err != nil {
		r.invalid(at, name, "[registry/]name[:tag][@digest] (%s)", err)
	}
}

var user = regexp.MustCompile(`^[^:\s]+(:[^:\s]+)?$`)

func (r *report) process(s *ContainerSpec, at *field.Path) {
	if len(s.Command) > 0 && s.Command[0] == "" {
		r.missing(at.Child("command").Index(0), "a program")
	}
	r.text(at.Child("workingDir"), s.WorkingDir, path.IsAbs, "an absolute path")
	r.env(s.Env, at.Child("env"))
	r.texts(at.Child("envFile"), s.EnvFile, func(string) bool { return true }, "the path of a file")
	r.text(at.Child("user"), s.User, user.MatchString, "USER or USER:GROUP, as names or numbers")
	r.texts(at.Child("groups"), s.Groups, isWord, "a group's name or number")
}

func (r *report) env(env []EnvVar, at *field.Path) {
	seen := once{}
	for i, e := range env {
		switch at := at.Index(i).Child("name"); {
		case e.Name == "":
			r.missing(at, "a name")
		case !IsEnvName(e.Name):
			name, _, assigned := strings.Cut(e.Name, "=")
			if assigned { // what follows may be a secret
				name += "=..."
			}
			r.invalid(at, name, "a name without spaces and =")
		case seen.again(e.Name):
			r.twice(at, e.Name)
		}
	}
}

// IsEnvName reports whether an environment variable can have a name. Docker takes what has no =; a space or a control character in one is
// a mistake for certain.
func IsEnvName(s string) bool { return isWord(s) && !strings.Contains(s, "=") }

// isWord reports whether a string has neither white space nor control characters, and is not empty.
func isWord(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool { return unicode.IsSpace(c) || unicode.IsControl(c) })
}

func (r *report) lifecycle(s *ContainerSpec, at *field.Path) {
	r.within(at.Child("replicas"), int64(s.copies()), 0, maxReplicas)
	r.within(at.Child("maximumRetryCount"), int64(s.MaximumRetryCount), 0, maxRetries)
	if s.MaximumRetryCount != 0 && s.RestartPolicy != RestartOnFailure {
		r.conflict(at.Child("maximumRetryCount"), "counts only with restartPolicy OnFailure: remove it, or set that")
	}
	if g := s.TerminationGracePeriodSeconds; g != nil {
		r.within(at.Child("terminationGracePeriodSeconds"), *g, 0, maxGrace)
	}
	r.text(at.Child("stopSignal"), s.StopSignal, isSignal, "a signal such as SIGTERM, or its number from 1 to 64")
	if s.Healthcheck != nil {
		r.healthcheck(s.Healthcheck, at.Child("healthcheck"))
	}
	if s.Logging != nil {
		r.logging(s.Logging, at.Child("logging"))
	}
}

// signals is that of signal(7), and the real-time ones as Docker writes them.
var signals = regexp.MustCompile(`^([1-9]|[1-5][0-9]|6[0-4]|SIG(ABRT|ALRM|BUS|CHLD|CLD|CONT|FPE|HUP|ILL|INT|IO|IOT|KILL|PIPE|POLL|PROF|PWR|QUIT|SEGV|` +
	`STKFLT|STOP|SYS|TERM|TRAP|TSTP|TTIN|TTOU|URG|USR1|USR2|VTALRM|WINCH|XCPU|XFSZ|RTMIN(\+([1-9]|1[0-5]))?|RTMAX(-([1-9]|1[0-4]))?))$`)

func isSignal(s string) bool { return signals.MatchString(s) }

// minCheckTime is the shortest time that Docker takes in a health check; 0 is its default.
const minCheckTime = Duration(time.Millisecond)

func (r *report) healthcheck(h *Healthcheck, at *field.Path) {
	if len(h.Command) > 0 && h.Shell != "" {
		r.conflict(at.Child("shell"), "not together with command: remove one of the two")
	}
	if len(h.Command) > 0 && h.Command[0] == "" {
		r.missing(at.Child("command").Index(0), "a program")
	}
	times := []struct {
		name  string
		value Duration
	}{{"interval", h.Interval}, {"timeout", h.Timeout}, {"startPeriod", h.StartPeriod}, {"startInterval", h.StartInterval}}
	set := len(h.Command) > 0 || h.Shell != "" || h.Retries != 0
	for _, t := range times {
		set = set || t.value != 0
		if t.value != 0 && t.value < minCheckTime {
			r.invalid(at.Child(t.name), t.value, "0 for the default, or at least %s", minCheckTime)
		}
	}
	r.within(at.Child("retries"), int64(h.Retries), 0, maxRetries)
	if h.Disable && set {
		r.conflict(at.Child("disable"), "not together with the other fields of the health check: remove it or them")
	}
}

var driverName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_./:@-]*$`)

const wantDriver = "a driver's name: letters, digits and _./:@-"

func (r *report) logging(l *Logging, at *field.Path) {
	if l.Driver == "" {
		r.missing(at.Child("driver"), "a driver such as json-file, local, journald or none")
	}
	r.text(at.Child("driver"), l.Driver, driverName.MatchString, wantDriver)
	r.options(l.Options, at.Child("options"))
	if l.Driver == "none" && len(l.Options) > 0 {
		r.conflict(at.Child("options"), "the driver none has no options: remove them")
	}
}

// peerMode takes a mode such as container:NAME or container:NAMESPACE/NAME apart.
var peerMode = regexp.MustCompile(`^container:(?:([^/]*)/)?([^/]*)$`)

func (r *report) mode(at *field.Path, mode string, modes ...string) {
	if mode == "" || oneOf(modes...)(mode) {
		return
	}
	want := "container:NAME or container:NAMESPACE/NAME"
	if len(modes) > 0 {
		want = strings.Join(modes, ", ") + ", " + want
	}
	m := peerMode.FindStringSubmatch(mode)
	switch {
	case m == nil || !isLabel(m[2]) || strings.Contains(mode, "/") && !isLabel(m[1]):
		r.invalid(at, mode, "%s", want)
	case r.key.Kind == KindContainer && m[2] == r.key.Name && (m[1] == "" || m[1] == r.key.Namespace):
		r.invalid(at, mode, "another container than this one itself")
	}
}

func (r *report) namespaces(s *ContainerSpec, at *field.Path) {
	r.mode(at.Child("pidMode"), s.PidMode, "host")
	r.mode(at.Child("ipcMode"), s.IpcMode, "none", "private", "shareable", "host")
	r.text(at.Child("usernsMode"), s.UsernsMode, oneOf("host"), "host, or nothing for the engine's own choice")
	r.text(at.Child("utsMode"), s.UTSMode, oneOf("host"), "host, or nothing for a namespace of its own")
	r.text(at.Child("cgroupnsMode"), s.CgroupnsMode, oneOf("host", "private"), "host or private")
	if s.UTSMode == "host" && s.Hostname != "" {
		r.conflict(at.Child("hostname"), "not together with utsMode host, which is the host's name: remove one of the two")
	}
	for name := range s.Sysctls {
		r.sysctl(s, name, at.Child("sysctls"))
	}
}

// sysctls are those that belong to a namespace; the runtime refuses all others.
var sysctls = regexp.MustCompile(`^(net\.[A-Za-z0-9_./-]+|fs\.mqueue\.[a-z0-9_]+|kernel\.(msgmax|msgmnb|msgmni|sem|shmall|shmmax|shmmni|shm_rmid_forced|domainname))$`)

func (r *report) sysctl(s *ContainerSpec, name string, at *field.Path) {
	hostIPC := s.IpcMode == "host" && (strings.HasPrefix(name, "kernel.") || strings.HasPrefix(name, "fs.")) && name != "kernel.domainname"
	switch {
	case !sysctls.MatchString(name):
		r.invalid(at, name, "a parameter of a namespace: net.*, fs.mqueue.*, kernel.msg*, kernel.sem, kernel.shm* or kernel.domainname")
	case s.NetworkMode == "host" && strings.HasPrefix(name, "net."):
		r.conflict(at.Key(name), "the network namespace is the host's: set it there, or change networkMode")
	case hostIPC:
		r.conflict(at.Key(name), "the IPC namespace is the host's: set it there, or change ipcMode")
	case s.UTSMode == "host" && name == "kernel.domainname":
		r.conflict(at.Key(name), "the UTS namespace is the host's: set it there, or change utsMode")
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
