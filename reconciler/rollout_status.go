package reconciler

// RolloutStatus is how far the copies of a Container are those of the revision that is wanted.
type RolloutStatus struct {
	Phase RolloutPhase `json:"phase"`
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

// RolloutPhase is how far a rollout is.
type RolloutPhase string

// The phases of a rollout.
const (
	RolloutProgressing RolloutPhase = "Progressing"
	RolloutComplete    RolloutPhase = "Complete"   // all copies are of the revision, and available
	RolloutFailed      RolloutPhase = "Failed"     // the revision has just failed, and the last good one comes back
	RolloutRolledBack  RolloutPhase = "RolledBack" // the last good revision runs in place of the manifest's
	RolloutPaused      RolloutPhase = "Paused"
)
