package plan

import "berth.dev/berth/spec"

// Unsupported lists what a container wants and the engine cannot do.
func Unsupported(s *spec.ContainerSpec, e Engine) []string { return nil }
