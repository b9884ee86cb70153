// Package fault is the small taxonomy of what goes wrong. A fault's class is the reason of a condition and a label of the
// metrics; its behaviour (not found, conflict, terminal, retry) decides what happens next. Whoever acts on a
// fault asks for these and never for its text; where the engine itself says no more than text, the adapter reads it, in one table.
package fault

import (
	"errors"
	"fmt"
)

// Class says where a fault comes from.
type Class string

// The classes.
const (
	DockerAPI           Class = "DockerAPIError"           // the engine refused or failed a call
	DockerConnection    Class = "DockerConnectionError"    // the engine cannot be reached or does not answer
	DockerConfiguration Class = "DockerConfigurationError" // the connection's settings, or an engine too old for a field
	ResourceAllocation  Class = "ResourceAllocationError"  // something wanted is not to be had: a port, a device, an address
	ResourceLimit       Class = "ResourceLimitError"       // a limit cannot be set
	ResourceUsage       Class = "ResourceUsageError"       // what is in use stands in the way
	RuntimeContainer    Class = "ContainerError"           // a container cannot be created, started, stopped or removed
	RuntimeImage        Class = "ImageError"               // an image cannot be had
	RuntimeNetwork      Class = "NetworkError"             // a network cannot be made, joined or removed
	RuntimeVolume       Class = "VolumeError"              // a volume cannot be made, mounted or removed
	State               Class = "StateError"               // the agent cannot write down what it has to remember
)

// Behaviour says what a caller may do about a fault.
type Behaviour uint8

// The behaviours.
const (
	Retry    Behaviour = iota // it may go away by itself
	NotFound                  // what was asked about is not there
	Conflict                  // something else is in the way, or is going on
	Terminal                  // it will not go away before the manifest, the engine or its configuration changes
)

// Error is a fault.
type Error struct {
	Class     Class
	Behaviour Behaviour
	Err       error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// New makes a fault; format and args are as in fmt.Errorf.
func New(c Class, b Behaviour, format string, args ...any) error {
	return &Error{Class: c, Behaviour: b, Err: fmt.Errorf(format, args...)}
}

// ClassOf is the class of err's fault, and DockerAPI for an error that has none.
func ClassOf(err error) Class {
	var f *Error
	if errors.As(err, &f) {
		return f.Class
	}
	return DockerAPI
}

// Is reports whether err's fault has the behaviour.
func Is(err error, b Behaviour) bool {
	var f *Error
	return errors.As(err, &f) && f.Behaviour == b
}
