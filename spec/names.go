package spec

import "fmt"

// LabelPrefix is reserved for berth's own Docker labels.
const LabelPrefix = "dev.berth."

// The labels by which what berth made is known again. Labels cannot change in place, so nothing that may change is in one.
const (
	LabelNamespace = LabelPrefix + "namespace"
	LabelName      = LabelPrefix + "name"
	LabelOrdinal   = LabelPrefix + "ordinal"
	// LabelKind is Job or CronJob on the containers of these, and LabelTry counts the tries at one ordinal, from 0. LabelRun is the
	// run of a CronJob.
	LabelKind = LabelPrefix + "kind"
	LabelTry  = LabelPrefix + "try"
	LabelRun  = LabelPrefix + "run"
	// LabelImage is the ID of the image that the container was created from. No image can carry its own ID, so a container
	// where the two agree has its labels from us and not from its image.
	LabelImage = LabelPrefix + "image"
	// LabelApplied records, field by field, what was set and cannot change on a living container.
	LabelApplied = LabelPrefix + "applied"
	// LabelPreStop has the preStop hook that the container was created with, for when its manifest is gone.
	LabelPreStop = LabelPrefix + "prestop"
	// LabelDependsOn lists the objects that the container's object depended on, for the order of removal.
	LabelDependsOn = LabelPrefix + "depends-on"
	// LabelInit is an init container's own name, and LabelInitFor the revision of the container that it runs for.
	LabelInit    = LabelPrefix + "init"
	LabelInitFor = LabelPrefix + "init-for"
)

// ContainerName is the Docker name of one copy of a Container: NAMESPACE.NAME.ORDINAL.
func ContainerName(k Key, ordinal int) string {
	return fmt.Sprintf("%s.%s.%d", k.Namespace, k.Name, ordinal)
}

// TryName is the Docker name of one try of a Job: NAMESPACE.NAME.INDEX-TRY, and NAMESPACE.NAME.RUN-INDEX-TRY of a CronJob.
func TryName(k Key, run string, index, try int) string {
	if k.Kind == KindCronJob {
		return fmt.Sprintf("%s.%s.%s-%d-%d", k.Namespace, k.Name, run, index, try)
	}
	return fmt.Sprintf("%s.%s.%d-%d", k.Namespace, k.Name, index, try)
}

// DockerName is the network's name in Docker.
func (n *Network) DockerName() string {
	return dockerName(n.Spec.NetworkName, n.Spec.External, n.Key())
}

// DockerName is the volume's name in Docker.
func (v *Volume) DockerName() string { return dockerName(v.Spec.VolumeName, v.Spec.External, v.Key()) }

func dockerName(explicit string, external bool, k Key) string {
	switch {
	case explicit != "":
		return explicit
	case external:
		return k.Name
	}
	return k.Namespace + "." + k.Name
}
