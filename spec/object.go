// Package spec is berth's one model of desired state: the kinds, their defaults and their rules. It does no I/O and imports
// nothing of berth. Every dialect of manifest is turned into these types, and everything downstream works on them.
package spec

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// APIVersion is the version that native manifests carry.
const APIVersion = "berth.dev/v1"

// Kind is the type of an object.
type Kind string

// The kinds of object.
const (
	KindContainer Kind = "Container"
	KindNetwork   Kind = "Network"
	KindVolume    Kind = "Volume"
	KindJob       Kind = "Job"
	KindCronJob   Kind = "CronJob"
	// KindNotification objects have nothing on the engine; they are the agent's own.
	KindNotification Kind = "Notification"
)

// DefaultNamespace is where an object without a namespace lives.
const DefaultNamespace = "default"

// AdoptAnnotation, set to "true", lets an object take over a container, network or volume of its name that berth did not create.
const AdoptAnnotation = "berth.dev/adopt"

// Key names one object among all.
type Key struct {
	Kind      Kind
	Namespace string
	Name      string
}

func (k Key) String() string { return fmt.Sprintf("%s %s/%s", k.Kind, k.Namespace, k.Name) }

// Compare orders keys by kind, namespace and name.
func (k Key) Compare(o Key) int {
	return cmp.Or(strings.Compare(string(k.Kind), string(o.Kind)), strings.Compare(k.Namespace, o.Namespace), strings.Compare(k.Name, o.Name))
}

// Object is one desired thing.
type Object interface {
	Key() Key
	Meta() *Metadata
	// Source says where the object was read; it is not part of its content.
	Source() *Source
}

// TypeMeta says what a manifest is.
type TypeMeta struct {
	// The version of the manifest's form: berth.dev/v1.
	APIVersion string `json:"apiVersion"`
	// The kind of object.
	Kind Kind `json:"kind"`
}

// Metadata is what every object has.
type Metadata struct {
	// The object's name within its namespace and kind: a DNS label (RFC 1123).
	Name string `json:"name"`
	// The namespace, a DNS label; "default" where it is left out.
	Namespace string `json:"namespace,omitempty"`
	// Labels of the object, for selection. They are not given to Docker; spec.labels are.
	Labels map[string]string `json:"labels,omitempty"`
	// Annotations of the object. berth.dev/adopt: "true" takes over what has the object's name and is not berth's.
	Annotations map[string]string `json:"annotations,omitempty"`
}

// Adopts reports whether the object may take over what berth did not create.
func (m *Metadata) Adopts() bool { return m.Annotations[AdoptAnnotation] == "true" }

// Source is where an object was read.
type Source struct {
	File string
	Line int // of the document's first key, from 1
}

func (s Source) String() string {
	if s.File == "" {
		return ""
	}
	return fmt.Sprintf("%s:%d", s.File, s.Line)
}

// Container is one workload: one or several copies of a container.
type Container struct {
	TypeMeta `json:",inline"`
	// Name, namespace, labels and annotations.
	Metadata Metadata `json:"metadata"`
	// What to run.
	Spec ContainerSpec `json:"spec"`

	source Source
}

// Network is a Docker network.
type Network struct {
	TypeMeta `json:",inline"`
	// Name, namespace, labels and annotations.
	Metadata Metadata `json:"metadata"`
	// How the network is made; everything may be left out.
	Spec NetworkSpec `json:"spec,omitempty"`

	source Source
}

// Volume is a Docker volume.
type Volume struct {
	TypeMeta `json:",inline"`
	// Name, namespace, labels and annotations.
	Metadata Metadata `json:"metadata"`
	// How the volume is made; everything may be left out.
	Spec VolumeSpec `json:"spec,omitempty"`

	source Source
}

// Key implements Object.
func (c *Container) Key() Key { return c.Metadata.key(KindContainer) }

// Key implements Object.
func (n *Network) Key() Key { return n.Metadata.key(KindNetwork) }

// Key implements Object.
func (v *Volume) Key() Key { return v.Metadata.key(KindVolume) }

// Meta implements Object.
func (c *Container) Meta() *Metadata { return &c.Metadata }

// Meta implements Object.
func (n *Network) Meta() *Metadata { return &n.Metadata }

// Meta implements Object.
func (v *Volume) Meta() *Metadata { return &v.Metadata }

// Source implements Object.
func (c *Container) Source() *Source { return &c.source }

// Source implements Object.
func (n *Network) Source() *Source { return &n.source }

// Source implements Object.
func (v *Volume) Source() *Source { return &v.source }

func (m *Metadata) key(k Kind) Key { return Key{k, m.Namespace, m.Name} }

// constructors has every kind.
var constructors = map[Kind]func() Object{
	KindContainer:    func() Object { return &Container{} },
	KindNetwork:      func() Object { return &Network{} },
	KindVolume:       func() Object { return &Volume{} },
	KindJob:          func() Object { return &Job{} },
	KindCronJob:      func() Object { return &CronJob{} },
	KindNotification: func() Object { return &Notification{} },
}

// New returns an empty object of a kind, and false for a kind that does not exist.
func New(k Kind) (Object, bool) {
	make, ok := constructors[k]
	if !ok {
		return nil, false
	}
	return make(), true
}

// Kinds lists every kind, sorted.
func Kinds() []Kind { return slices.Sorted(maps.Keys(constructors)) }
