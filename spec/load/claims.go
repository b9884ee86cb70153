package load

import (
	"fmt"

	"berth.dev/berth/spec"
)

// claim is something that only one object can have.
type claim struct {
	kind spec.Kind
	name string
}

// claims are what objects have, and which has it.
type claims map[claim]spec.Object

// add claims for all of the objects or, where something is taken already, for none.
func (c claims) add(objects []spec.Object) []Problem {
	var problems []Problem
	own := claims{}
	for _, o := range objects {
		for _, what := range claimed(o) {
			holder, taken := c[what]
			if !taken {
				holder, taken = own[what]
			}
			if taken {
				problems = append(problems, clash(o, holder))
				break
			}
			own[what] = o
		}
	}
	if len(problems) > 0 {
		return problems
	}
	for what, o := range own {
		c[what] = o
	}
	return nil
}

// claimed is an object's key, and its name in Docker where that can be anything. Several objects may use what is external.
func claimed(o spec.Object) []claim {
	out := []claim{{name: o.Key().String()}}
	switch o := o.(type) {
	case *spec.Network:
		if !o.Spec.External {
			out = append(out, claim{spec.KindNetwork, o.DockerName()})
		}
	case *spec.Volume:
		if !o.Spec.External {
			out = append(out, claim{spec.KindVolume, o.DockerName()})
		}
	}
	return out
}

func clash(o, holder spec.Object) Problem {
	p := Problem{File: o.Source().File, Line: o.Source().Line, Field: "metadata.name"}
	if o.Key() == holder.Key() {
		p.Message = fmt.Sprintf("%s is in %s too; remove one, or choose another name", o.Key(), holder.Source())
		return p
	}
	p.Message = fmt.Sprintf("%s would have the same name in Docker as %s in %s; choose another, or make it external", o.Key(), holder.Key(), holder.Source())
	return p
}
