package plan

import (
	"strconv"

	"berth.dev/berth/spec"
)

// initRows are the rows that an init container has. They are set apart from rows, one of which is made of them.
var initRows []row

func init() { initRows = rows }

// flatInit has the names of the init containers, which are shown, and of each, by its place, all that is set: in the canonical
// form of a container's rows, so that another way to write the same runs nothing again.
func flatInit(s *spec.ContainerSpec) values {
	if len(s.InitContainers) == 0 {
		return nil
	}
	names, v := make([]string, len(s.InitContainers)), values{}
	for i := range s.InitContainers {
		c := &s.InitContainers[i]
		names[i], v[strconv.Itoa(i)] = c.Name, canonicalInit(c)
	}
	v[""] = toJSON(names)
	return v
}

func canonicalInit(c *spec.InitContainer) string {
	s := spec.ContainerSpec{
		Image: c.Image, Command: c.Command, Args: c.Args, WorkingDir: c.WorkingDir, Env: c.Env, User: c.User, Volumes: c.Volumes,
		Resources: c.Resources, SecurityContext: c.SecurityContext,
	}
	all := map[string]values{}
	for i := range initRows {
		if v := initRows[i].flat(&s); len(v) > 0 {
			all[initRows[i].path] = v
		}
	}
	if c.Volumes != nil && len(c.Volumes) == 0 { // none, where nil is the container's own
		all["volumes"] = values{"": "none"}
	}
	return toJSON(all)
}
