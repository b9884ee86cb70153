package controller

import (
	"errors"
	"fmt"
)

// The classes of refusal: why something that a person asked for is not done.
var (
	ErrNotFound = errors.New("there is no such object")
	ErrConflict = errors.New("it does not go with the object's state")
	ErrInvalid  = errors.New("it means nothing")
)

// refusal is an error of one of the classes, in words of its own.
type refusal struct {
	class error
	text  string
}

func refuse(class error, format string, args ...any) error {
	return &refusal{class, fmt.Sprintf(format, args...)}
}

func (r *refusal) Error() string { return r.text }

func (r *refusal) Unwrap() error { return r.class }
