package spec

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// Probe is a question that the agent puts to a running container from time to time. Exactly one of exec, httpGet, tcpSocket, grpc
// and dockerHealth says how. Fields and defaults are those of Kubernetes.
type Probe struct {
	// Runs a command in the container; exit code 0 is a success.
	Exec *ExecAction `json:"exec,omitempty"`
	// Makes an HTTP request; a status from 200 to 399 is a success.
	HTTPGet *HTTPGetAction `json:"httpGet,omitempty"`
	// Opens a TCP connection.
	TCPSocket *TCPSocketAction `json:"tcpSocket,omitempty"`
	// Asks the gRPC health service (grpc.health.v1).
	GRPC *GRPCAction `json:"grpc,omitempty"`
	// Takes the answer of Docker's own health check; for livenessProbe only, and with no other field.
	DockerHealth *DockerHealthAction `json:"dockerHealth,omitempty"`

	// Seconds after the start until the first probe; 0 by default.
	InitialDelaySeconds int32 `json:"initialDelaySeconds,omitempty"`
	// Seconds between probes; 10 by default.
	PeriodSeconds int32 `json:"periodSeconds,omitempty"`
	// Seconds until a probe without an answer has failed; 1 by default.
	TimeoutSeconds int32 `json:"timeoutSeconds,omitempty"`
	// Successes in a row that count as one after a failure; 1 by default, and always for liveness and startup.
	SuccessThreshold int32 `json:"successThreshold,omitempty"`
	// Failures in a row that count as one; 3 by default.
	FailureThreshold int32 `json:"failureThreshold,omitempty"`
	// Seconds between stop signal and kill where this probe has the container restarted; the container's own by default. Not for
	// readinessProbe.
	TerminationGracePeriodSeconds *int64 `json:"terminationGracePeriodSeconds,omitempty"`
}

// ExecAction is a command that is run in a container, without a shell.
type ExecAction struct {
	// The command and its arguments.
	Command []string `json:"command"`
}

// HTTPGetAction is an HTTP GET request that the agent makes.
type HTTPGetAction struct {
	// The path; / by default.
	Path string `json:"path,omitempty"`
	// The port as a number, or the name of one of the container's ports.
	Port PortRef `json:"port"`
	// The host to connect to; the container's own address by default.
	Host string `json:"host,omitempty"`
	// HTTP (the default) or HTTPS, whose certificate is not checked.
	Scheme URIScheme `json:"scheme,omitempty"`
	// Headers of the request.
	HTTPHeaders []HTTPHeader `json:"httpHeaders,omitempty"`
}

// URIScheme is the scheme of an HTTP request.
type URIScheme string

// The schemes.
const (
	SchemeHTTP  URIScheme = "HTTP"
	SchemeHTTPS URIScheme = "HTTPS"
)

// Values lists the schemes.
func (URIScheme) Values() []string { return []string{"HTTP", "HTTPS"} }

// HTTPHeader is one header of a request.
type HTTPHeader struct {
	// The header's name.
	Name string `json:"name"`
	// Its value; it is never printed.
	Value string `json:"value,omitempty"`
}

// TCPSocketAction is a TCP connection that the agent opens.
type TCPSocketAction struct {
	// The port as a number, or the name of one of the container's ports.
	Port PortRef `json:"port"`
	// The host to connect to; the container's own address by default.
	Host string `json:"host,omitempty"`
}

// GRPCAction is a call of grpc.health.v1.Health/Check.
type GRPCAction struct {
	// The port as a number, or the name of one of the container's ports.
	Port PortRef `json:"port"`
	// The service that is asked for; the server as a whole where it is left out.
	Service string `json:"service,omitempty"`
}

// DockerHealthAction takes the answer of Docker's own health check.
type DockerHealthAction struct{}

// Lifecycle is what is done after a start and before a stop by the agent. Starts and ends of Docker's own (its restart policy, a
// reboot of the host, `docker stop`) have no hooks.
type Lifecycle struct {
	// Done right after the start; where it fails, the start has failed.
	PostStart *Handler `json:"postStart,omitempty"`
	// Done before the stop signal, within the grace period; where it fails, the container is stopped all the same.
	PreStop *Handler `json:"preStop,omitempty"`
}

// Handler is what a hook does. Exactly one of its fields is set.
type Handler struct {
	// Runs a command in the container.
	Exec *ExecAction `json:"exec,omitempty"`
	// Makes an HTTP request.
	HTTPGet *HTTPGetAction `json:"httpGet,omitempty"`
	// Waits.
	Sleep *SleepAction `json:"sleep,omitempty"`
}

// SleepAction waits.
type SleepAction struct {
	// How long, in seconds.
	Seconds int64 `json:"seconds"`
}

// PortRef is a port by its number, or by the name that one of the container's ports has.
type PortRef struct {
	Number uint16 // 0 for one by name
	Name   string
}

// MarshalJSON writes a number or a name.
func (p PortRef) MarshalJSON() ([]byte, error) {
	if p.Name != "" {
		return json.Marshal(p.Name)
	}
	return json.Marshal(p.Number)
}

// UnmarshalJSON reads a number or a name.
func (p *PortRef) UnmarshalJSON(b []byte) error {
	text := strings.Trim(string(b), `"`)
	n, err := strconv.ParseUint(text, 10, 16)
	switch {
	case err == nil && n > 0:
		*p = PortRef{Number: uint16(n)}
	case err != nil && isLabel(text) && strings.ContainsFunc(text, unicode.IsLetter):
		*p = PortRef{Name: text}
	default:
		return fmt.Errorf("%s is not a port from 1 to 65535, nor the name of one", b)
	}
	return nil
}

func (p PortRef) String() string {
	if p.Name != "" {
		return p.Name
	}
	return strconv.Itoa(int(p.Number))
}
