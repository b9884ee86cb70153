package spec

// EngineOnly takes out of a container what the engine is never told: it is the agent's to act on, so no container shows it.
func (s *ContainerSpec) EngineOnly() {
	s.Replicas, s.ImagePullPolicy, s.EnvFile, s.Suspend = nil, "", nil, false
	s.StartupProbe, s.LivenessProbe, s.ReadinessProbe, s.Lifecycle = nil, nil, nil, nil
	s.InitContainers, s.DependsOn = nil, nil
	s.Strategy, s.MinReadySeconds, s.ProgressDeadlineSeconds, s.RevisionHistoryLimit, s.UpdatePolicy = nil, nil, nil, nil, nil
}
