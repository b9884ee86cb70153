package engine

import (
	"strings"

	"github.com/docker/docker/api/types/container"

	"berth.dev/berth/spec"
)

func liftSecurity(h *container.HostConfig) spec.SecurityContext {
	c := spec.SecurityContext{
		Privileged:             h.Privileged,
		Capabilities:           spec.Capabilities{Add: mapped(h.CapAdd, liftCap), Drop: mapped(h.CapDrop, liftCap)},
		ReadOnlyRootFilesystem: h.ReadonlyRootfs,
		MaskedPaths:            liftPaths(h.MaskedPaths),
		ReadonlyPaths:          liftPaths(h.ReadonlyPaths),
	}
	for _, o := range h.SecurityOpt {
		liftSecurityOpt(&c, o)
	}
	return c
}

func liftCap(name string) string { return strings.TrimPrefix(name, "CAP_") }

func liftPaths(p []string) *[]string {
	if p == nil {
		return nil
	}
	return &p
}

// liftSecurityOpt reads one option, as in seccomp=unconfined. The older separator is a colon.
func liftSecurityOpt(c *spec.SecurityContext, opt string) {
	name, value, ok := strings.Cut(opt, "=")
	if !ok {
		name, value, _ = strings.Cut(opt, ":")
	}
	switch name {
	case optNoNewPrivileges:
		c.NoNewPrivileges = new(value != "false")
	case optSeccomp:
		c.SeccompProfile = liftSeccomp(value)
	case optAppArmor:
		c.AppArmorProfile = liftAppArmor(value)
	case optLabel:
		if c.SELinuxOptions == nil {
			c.SELinuxOptions = &spec.SELinuxOptions{}
		}
		liftLabel(c.SELinuxOptions, value)
	}
}

// liftSeccomp names no file: the engine was given its content.
func liftSeccomp(value string) *spec.SecurityProfile {
	switch value {
	case unconfined:
		return &spec.SecurityProfile{Type: spec.ProfileUnconfined}
	case "builtin":
		return &spec.SecurityProfile{Type: spec.ProfileRuntimeDefault}
	}
	return &spec.SecurityProfile{Type: spec.ProfileLocalhost}
}

func liftAppArmor(value string) *spec.SecurityProfile {
	if value == unconfined {
		return &spec.SecurityProfile{Type: spec.ProfileUnconfined}
	}
	return &spec.SecurityProfile{Type: spec.ProfileLocalhost, LocalhostProfile: value}
}

func liftLabel(o *spec.SELinuxOptions, label string) {
	name, value, _ := strings.Cut(label, ":")
	switch name {
	case labelDisable:
		o.Disable = true
	case "user":
		o.User = value
	case "role":
		o.Role = value
	case "type":
		o.Type = value
	case "level":
		o.Level = value
	}
}
