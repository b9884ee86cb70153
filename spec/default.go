package spec

// What is filled in where a manifest is silent.
const (
	DefaultReplicas               = 1
	DefaultTerminationGracePeriod = 30 // seconds, Kubernetes' default
)

// Default fills in what a manifest left out and berth, not the engine, decides.
func Default(o Object) {
	m := o.Meta()
	if m.Namespace == "" {
		m.Namespace = DefaultNamespace
	}
	switch o := o.(type) {
	case *Container:
		defaultContainer(&o.Spec)
	case *Volume:
		setDefault(&o.Spec.ReclaimPolicy, ReclaimRetain)
	}
}

func defaultContainer(s *ContainerSpec) {
	if s.Replicas == nil {
		s.Replicas = new(int32(DefaultReplicas))
	}
	if s.TerminationGracePeriodSeconds == nil {
		s.TerminationGracePeriodSeconds = new(int64(DefaultTerminationGracePeriod))
	}
	setDefault(&s.ImagePullPolicy, PullIfNotPresent)
	setDefault(&s.RestartPolicy, RestartAlways)
	if s.NetworkMode == "" && len(s.Networks) == 0 {
		s.NetworkMode = "bridge"
	}
	for i := range s.Ports {
		setDefault(&s.Ports[i].Protocol, ProtocolTCP)
	}
	for i := range s.Resources.Devices {
		d := &s.Resources.Devices[i]
		setDefault(&d.ContainerPath, d.HostPath)
		setDefault(&d.Permissions, "rwm")
	}
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}
