package reconciler

import "berth.dev/berth/reconciler/plan"

// RolloutStatus is how far the copies of a Container are those of the revision that is wanted.
type RolloutStatus struct {
	Phase plan.RolloutPhase `json:"phase"`
	// Revision is the number of the revision that the copies are brought to, as `berth rollout history` counts; 0 where it is not known.
	Revision int `json:"revision,omitempty"`
	// Updated is how many of Total copies are of the revision, Ready how many serve, of whatever revision.
	Updated int `json:"updated"`
	Ready   int `json:"ready"`
	Total   int `json:"total"`
	// Message says why it failed, or what it waits for.
	Message string `json:"message,omitempty"`
	// Strategy says in which order a copy and its replacement stop and start.
	Strategy string `json:"strategy,omitempty"`
}
