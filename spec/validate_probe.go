package spec

import (
	"reflect"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"k8s.io/apimachinery/pkg/util/validation/field"
)

// maxThreshold is more successes or failures in a row than anybody waits for.
const maxThreshold = 10_000

// action is one way to ask or to do something; each has at most one field of its kind set.
type action struct {
	name string
	set  bool
}

// oneAction checks that one of several ways is chosen.
func (r *report) oneAction(actions []action, at *field.Path) {
	var names, set []string
	for _, a := range actions {
		names = append(names, a.name)
		if a.set {
			set = append(set, a.name)
		}
	}
	switch {
	case len(set) == 0:
		r.missing(at, "one of "+enumerate(names))
	case len(set) > 1:
		r.conflict(at, "has %s: keep one", enumerate(set))
	}
}

// enumerate writes a list as in a, b and c.
func enumerate(names []string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " and " + names[last]
}

func (r *report) probes(s *ContainerSpec, at *field.Path) {
	if p := s.StartupProbe; p != nil {
		r.probe(s, p, at.Child("startupProbe"))
		r.onceIsEnough(p, at.Child("startupProbe"))
		r.notDockerHealth(p, at.Child("startupProbe"))
	}
	if p := s.LivenessProbe; p != nil {
		r.probe(s, p, at.Child("livenessProbe"))
		r.onceIsEnough(p, at.Child("livenessProbe"))
	}
	if p := s.ReadinessProbe; p != nil {
		at := at.Child("readinessProbe")
		r.probe(s, p, at)
		r.notDockerHealth(p, at)
		if p.TerminationGracePeriodSeconds != nil {
			r.conflict(at.Child("terminationGracePeriodSeconds"), "a container that is not ready is not stopped: remove it")
		}
	}
}

// onceIsEnough is Kubernetes' rule for what restarts a container.
func (r *report) onceIsEnough(p *Probe, at *field.Path) {
	if p.SuccessThreshold > 1 {
		r.invalid(at.Child("successThreshold"), p.SuccessThreshold, "1, as only a readinessProbe has more")
	}
}

func (r *report) notDockerHealth(p *Probe, at *field.Path) {
	if p.DockerHealth != nil {
		r.conflict(at.Child("dockerHealth"), "goes with livenessProbe only; readiness has Docker's health check by itself: remove it")
	}
}

func (r *report) probe(s *ContainerSpec, p *Probe, at *field.Path) {
	r.oneAction([]action{
		{"exec", p.Exec != nil}, {"httpGet", p.HTTPGet != nil}, {"tcpSocket", p.TCPSocket != nil}, {"grpc", p.GRPC != nil}, {"dockerHealth", p.DockerHealth != nil},
	}, at)
	r.exec(p.Exec, at.Child("exec"))
	r.httpGet(s, p.HTTPGet, at.Child("httpGet"))
	if p.TCPSocket != nil {
		r.connects(s, p.TCPSocket.Port, p.TCPSocket.Host, at.Child("tcpSocket"))
	}
	if p.GRPC != nil {
		r.connects(s, p.GRPC.Port, "", at.Child("grpc"))
		r.text(at.Child("grpc", "service"), p.GRPC.Service, isWord, "the name of a gRPC service, without spaces")
	}
	if p.DockerHealth != nil {
		r.dockerHealth(s, p, at)
		return
	}
	r.probeTimes(p, at)
}

// probeTimes takes 0 for what was left out.
func (r *report) probeTimes(p *Probe, at *field.Path) {
	r.within(at.Child("initialDelaySeconds"), int64(p.InitialDelaySeconds), 0, maxGrace)
	r.within(at.Child("periodSeconds"), int64(p.PeriodSeconds), 0, maxGrace)
	r.within(at.Child("timeoutSeconds"), int64(p.TimeoutSeconds), 0, maxGrace)
	r.within(at.Child("successThreshold"), int64(p.SuccessThreshold), 0, maxThreshold)
	r.within(at.Child("failureThreshold"), int64(p.FailureThreshold), 0, maxThreshold)
	if g := p.TerminationGracePeriodSeconds; g != nil {
		r.within(at.Child("terminationGracePeriodSeconds"), *g, 0, maxGrace)
	}
}

// dockerHealth checks that nothing is asked of Docker's health check that it does not do: its times are in healthcheck.
func (r *report) dockerHealth(s *ContainerSpec, p *Probe, at *field.Path) {
	if s.Healthcheck != nil && s.Healthcheck.Disable {
		r.conflict(at.Child("dockerHealth"), "not together with healthcheck.disable, which leaves no answer to take: remove one of the two")
	}
	v := reflect.ValueOf(p).Elem()
	for i := range v.NumField() {
		f := v.Field(i)
		action := f.Kind() == reflect.Pointer && f.Type().Elem().Kind() == reflect.Struct
		if !action && !f.IsZero() {
			r.conflict(at.Child(jsonName(v.Type().Field(i))), "not together with dockerHealth, whose times are those of healthcheck: remove it")
		}
	}
}

func (r *report) hooks(s *ContainerSpec, at *field.Path) {
	if s.Lifecycle == nil {
		return
	}
	at = at.Child("lifecycle")
	if s.Lifecycle.PostStart == nil && s.Lifecycle.PreStop == nil {
		r.missing(at, "postStart or preStop")
	}
	r.handler(s, s.Lifecycle.PostStart, maxGrace, at.Child("postStart"))
	r.handler(s, s.Lifecycle.PreStop, s.grace(), at.Child("preStop"))
}

// grace is how many seconds a container has to stop.
func (s *ContainerSpec) grace() int64 {
	if s.TerminationGracePeriodSeconds == nil {
		return DefaultTerminationGracePeriod
	}
	return *s.TerminationGracePeriodSeconds
}

func (r *report) handler(s *ContainerSpec, h *Handler, most int64, at *field.Path) {
	if h == nil {
		return
	}
	r.oneAction([]action{{"exec", h.Exec != nil}, {"httpGet", h.HTTPGet != nil}, {"sleep", h.Sleep != nil}}, at)
	r.exec(h.Exec, at.Child("exec"))
	r.httpGet(s, h.HTTPGet, at.Child("httpGet"))
	if h.Sleep == nil {
		return
	}
	at = at.Child("sleep", "seconds")
	if n := h.Sleep.Seconds; n > most && n <= maxGrace {
		r.invalid(at, n, "at most terminationGracePeriodSeconds, which is %d", most)
		return
	}
	r.within(at, h.Sleep.Seconds, 0, maxGrace)
}

func (r *report) exec(e *ExecAction, at *field.Path) {
	if e == nil {
		return
	}
	at = at.Child("command")
	switch {
	case len(e.Command) == 0:
		r.missing(at, "a program and its arguments")
	case e.Command[0] == "":
		r.missing(at.Index(0), "a program")
	}
}

func (r *report) httpGet(s *ContainerSpec, h *HTTPGetAction, at *field.Path) {
	if h == nil {
		return
	}
	r.connects(s, h.Port, h.Host, at)
	if h.Path != "" && !isURLPath(h.Path) {
		path, _, asks := strings.Cut(h.Path, "?")
		if asks { // what follows may be a secret
			path += "?..."
		}
		r.invalid(at.Child("path"), path, "a path that begins with / and has neither spaces nor control characters")
	}
	for i, header := range h.HTTPHeaders {
		at := at.Child("httpHeaders").Index(i)
		r.headerName(header.Name, at.Child("name"))
		r.headerValue(header.Value, at.Child("value"))
	}
}

func isURLPath(s string) bool { return strings.HasPrefix(s, "/") && isWord(s) }

// connects checks an address that the agent connects to.
func (r *report) connects(s *ContainerSpec, port PortRef, host string, at *field.Path) {
	if s.NetworkMode == "none" {
		r.conflict(at, "nothing is reached with networkMode none: use exec")
	}
	r.text(at.Child("host"), host, func(s string) bool { return isAlias(s) || isIP(s) }, "a host name or an IP address")
	r.portRef(s, port, at.Child("port"))
}

func (r *report) portRef(s *ContainerSpec, port PortRef, at *field.Path) {
	if port.Name == "" {
		if port.Number == 0 {
			r.missing(at, "a port from 1 to 65535 or the name of one")
		}
		return
	}
	i := slices.IndexFunc(s.Ports, func(p Port) bool { return p.Name == port.Name })
	switch {
	case i < 0:
		r.invalid(at, port.Name, "the name of one of the container's ports, or a number")
	case s.Ports[i].ContainerPort.Len() != 1:
		r.invalid(at, port.Name, "the name of a single port; this is the range %s: write the number", s.Ports[i].ContainerPort)
	case s.Ports[i].protocol() != ProtocolTCP:
		r.invalid(at, port.Name, "the name of a TCP port; this is %s", s.Ports[i].protocol())
	}
}

// token is what the name of a header consists of (RFC 9110, section 5.6.2).
var token = regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+")

// headerName repeats no more of a name than is one: what follows may be the value, as in Authorization: Bearer ...
func (r *report) headerName(name string, at *field.Path) {
	switch valid := token.FindString(name); {
	case name == "":
		r.missing(at, "the name of a header")
	case valid != name:
		r.invalid(at, valid+"...", "the name of a header: letters, digits and !#$%%&'*+.^_`|~-")
	}
}

// notShown stands for a value that may be secret.
const notShown = "a value (not shown)"

func (r *report) headerValue(value string, at *field.Path) {
	if strings.ContainsFunc(value, func(c rune) bool { return c != '\t' && unicode.IsControl(c) }) {
		r.invalid(at, notShown, "one line, without control characters")
	}
}
