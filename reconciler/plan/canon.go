package plan

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"

	"berth.dev/berth/spec"
)

// The functions here bring values into one form, so that a difference in the form is a difference in the meaning.

func scalar(get func(*spec.ContainerSpec) string) func(*spec.ContainerSpec) values {
	return func(s *spec.ContainerSpec) values {
		if v := get(s); v != "" {
			return values{"": v}
		}
		return nil
	}
}

// list keeps the order, set does not; both show as JSON, which is how people write them.
func list(get func(*spec.ContainerSpec) []string) func(*spec.ContainerSpec) values {
	return scalar(func(s *spec.ContainerSpec) string { return jsonList(get(s)) })
}

func set(get func(*spec.ContainerSpec) []string) func(*spec.ContainerSpec) values {
	return scalar(func(s *spec.ContainerSpec) string {
		v := slices.Clone(get(s))
		slices.Sort(v)
		return jsonList(v)
	})
}

func dict(get func(*spec.ContainerSpec) map[string]string) func(*spec.ContainerSpec) values {
	return func(s *spec.ContainerSpec) values { return get(s) }
}

func jsonList(v []string) string {
	if len(v) == 0 {
		return ""
	}
	return toJSON(v)
}

func toJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("plan: %T does not marshal: %v", v, err)) // only strings, numbers and lists come here
	}
	return string(b)
}

func number[T cmp.Ordered](v T) string {
	var zero T
	if v == zero {
		return ""
	}
	return fmt.Sprint(v)
}

func pointer[T any](v *T) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(*v)
}

func flag(v bool) string {
	if v {
		return "true"
	}
	return ""
}

// milli and bytes take zero for unset, as the engine does.
func milli(q *resource.Quantity) string {
	if q == nil || q.IsZero() {
		return ""
	}
	return resource.NewMilliQuantity(q.MilliValue(), resource.DecimalSI).String()
}

func bytes(q *resource.Quantity) string {
	if q == nil || q.IsZero() {
		return ""
	}
	return resource.NewQuantity(q.Value(), resource.BinarySI).String()
}

// flatSignal brings SIGTERM, TERM and term to one form.
func flatSignal(s *spec.ContainerSpec) string {
	return strings.TrimPrefix(strings.ToUpper(s.StopSignal), "SIG")
}

func flatHealthcheck(s *spec.ContainerSpec) values {
	h := s.Healthcheck
	if h == nil {
		return nil
	}
	v := values{"command": jsonList(h.Command), "shell": h.Shell, "disable": flag(h.Disable), "retries": number(h.Retries)}
	for name, d := range map[string]spec.Duration{"interval": h.Interval, "timeout": h.Timeout, "startPeriod": h.StartPeriod, "startInterval": h.StartInterval} {
		if d != 0 {
			v[name] = d.String()
		}
	}
	for name, value := range v {
		if value == "" {
			delete(v, name)
		}
	}
	return v
}

func flatLogging(s *spec.ContainerSpec) values {
	if s.Logging == nil {
		return nil
	}
	v := values{"driver": s.Logging.Driver}
	for name, value := range s.Logging.Options {
		v["options."+name] = value
	}
	return v
}

// capabilities brings NET_ADMIN and CAP_NET_ADMIN to one form; the engine writes the second.
func capabilities(names []string) []string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = strings.TrimPrefix(strings.ToUpper(n), "CAP_")
	}
	return out
}

func profile(get func(*spec.SecurityContext) *spec.SecurityProfile) func(*spec.ContainerSpec) values {
	return scalar(func(s *spec.ContainerSpec) string {
		p := get(&s.SecurityContext)
		if p == nil {
			return ""
		}
		return strings.TrimSpace(string(p.Type) + " " + p.LocalhostProfile)
	})
}

func flatSELinux(s *spec.ContainerSpec) values {
	o := s.SecurityContext.SELinuxOptions
	if o == nil {
		return nil
	}
	return values{"": strings.Join([]string{o.User, o.Role, o.Type, o.Level, flag(o.Disable)}, ":")}
}

// paths tells an empty list, which hides nothing, from none, which leaves Docker's default.
func paths(get func(*spec.SecurityContext) *[]string) func(*spec.ContainerSpec) values {
	return scalar(func(s *spec.ContainerSpec) string {
		p := get(&s.SecurityContext)
		if p == nil {
			return ""
		}
		return toJSON(append([]string{}, slices.Sorted(slices.Values(*p))...))
	})
}
