package controller

import (
	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
)

// ReasonPrunePending is the reason of an object whose removal waits for a confirmation.
const ReasonPrunePending = "PrunePending"

// hopeless are the reasons that do not go away by waiting.
var hopeless = map[string]bool{
	string(plan.ReasonNameTaken): true, string(plan.ReasonNetworkNotFound): true, string(plan.ReasonVolumeNotFound): true,
	string(plan.ReasonContainerNotFound): true, string(plan.ReasonImageNotPresent): true, string(plan.ReasonUnsupported): true,
	string(plan.ReasonStalled): true, string(plan.ReasonVolumeImmutable): true, string(plan.ReasonNetworkImmutable): true,
	string(fault.DockerConfiguration): true, reconciler.ReasonFailed: true,
	string(plan.ReasonBackoffLimit): true, string(plan.ReasonDeadline): true, string(plan.ReasonInvalidSchedule): true, reconciler.Suspended: true,
}

// Hopeless reports whether a condition's reason stays until somebody changes something.
func Hopeless(reason string) bool { return hopeless[reason] }
