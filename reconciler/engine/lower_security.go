package engine

import (
	"bytes"
	"encoding/json"
	"os"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/spec"
)

// The names of security options; see `docker run --security-opt`.
const (
	optNoNewPrivileges = "no-new-privileges"
	optSeccomp         = "seccomp"
	optAppArmor        = "apparmor"
	optLabel           = "label"
	unconfined         = "unconfined"
	labelDisable       = "disable"
)

func lowerSecurityOpts(c *spec.SecurityContext) ([]string, error) {
	var opts []string
	if c.NoNewPrivileges != nil {
		value := "false"
		if *c.NoNewPrivileges {
			value = "true"
		}
		opts = append(opts, optNoNewPrivileges+"="+value)
	}
	seccomp, err := lowerSeccomp(c.SeccompProfile)
	if err != nil {
		return nil, err
	}
	for _, o := range []struct{ name, value string }{{optSeccomp, seccomp}, {optAppArmor, lowerAppArmor(c.AppArmorProfile)}} {
		if o.value != "" {
			opts = append(opts, o.name+"="+o.value)
		}
	}
	return append(opts, lowerSELinux(c.SELinuxOptions)...), nil
}

// lowerSeccomp gives the profile itself: it is a file of the agent's host, and the engine wants its content.
func lowerSeccomp(p *spec.SecurityProfile) (string, error) {
	switch {
	case p == nil || p.Type == spec.ProfileRuntimeDefault:
		return "", nil
	case p.Type == spec.ProfileUnconfined:
		return unconfined, nil
	}
	content, err := os.ReadFile(p.LocalhostProfile)
	if err != nil {
		return "", fault.New(fault.RuntimeContainer, fault.Retry, "cannot read the seccomp profile: %w", err)
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, content); err != nil {
		return "", fault.New(fault.RuntimeContainer, fault.Terminal, "seccomp profile %s is not JSON: %w", p.LocalhostProfile, err)
	}
	return compact.String(), nil
}

func lowerAppArmor(p *spec.SecurityProfile) string {
	switch {
	case p == nil || p.Type == spec.ProfileRuntimeDefault:
		return ""
	case p.Type == spec.ProfileUnconfined:
		return unconfined
	}
	return p.LocalhostProfile
}

func lowerSELinux(o *spec.SELinuxOptions) []string {
	if o == nil {
		return nil
	}
	if o.Disable {
		return []string{optLabel + "=" + labelDisable}
	}
	var opts []string
	for _, l := range []struct{ name, value string }{{"user", o.User}, {"role", o.Role}, {"type", o.Type}, {"level", o.Level}} {
		if l.value != "" {
			opts = append(opts, optLabel+"="+l.name+":"+l.value)
		}
	}
	return opts
}
