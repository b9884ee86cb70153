package spec

import (
	"cmp"
	"fmt"
	"path"
	"reflect"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/util/validation/field"

	"berth.dev/berth/spec/internal/shape"
)

// Validate returns every problem of an object, whether Default has been applied or not. The Detail of an error says what would be
// right. It knows nothing of the engine or of other objects.
func Validate(o Object) field.ErrorList {
	r := &report{key: o.Key()}
	r.metadata(o.Meta(), field.NewPath("metadata"))
	r.walk(reflect.ValueOf(o).Elem(), nil)
	at := field.NewPath("spec")
	switch o := o.(type) {
	case *Container:
		r.container(&o.Spec, at)
	case *Job:
		r.job(&o.Spec, at)
	case *CronJob:
		r.cronJob(&o.Spec, at)
	case *Notification:
		r.notification(&o.Spec, at)
	case *Network:
		r.network(&o.Spec, at)
	case *Volume:
		r.volume(&o.Spec, at)
	}
	slices.SortFunc(r.errs, func(a, b *field.Error) int { // maps have no order
		return cmp.Or(cmp.Compare(a.Field, b.Field), cmp.Compare(a.Detail, b.Detail))
	})
	return r.errs
}

// report collects the problems of one object.
type report struct {
	key  Key
	errs field.ErrorList
}

// invalid reports a value; want completes "found ...; want ...".
func (r *report) invalid(at *field.Path, value any, want string, args ...any) {
	r.errs = append(r.errs, field.Invalid(at, value, fmt.Sprintf(want, args...)))
}

// missing reports a value that is not there; want completes "is missing; want ...".
func (r *report) missing(at *field.Path, want string) {
	r.errs = append(r.errs, field.Required(at, want))
}

// conflict reports a value that does not go together with others; why is a sentence.
func (r *report) conflict(at *field.Path, why string, args ...any) {
	r.errs = append(r.errs, field.Forbidden(at, fmt.Sprintf(why, args...)))
}

func (r *report) twice(at *field.Path, value any) {
	e := field.Duplicate(at, value)
	e.Detail = "remove one of the two"
	r.errs = append(r.errs, e)
}

// text reports a string that is set and does not fit.
func (r *report) text(at *field.Path, s string, fits func(string) bool, want string, args ...any) {
	if s != "" && !fits(s) {
		r.invalid(at, s, want, args...)
	}
}

// texts is text for every element; an empty one does not fit either, and each may be there once.
func (r *report) texts(at *field.Path, list []string, fits func(string) bool, want string) {
	seen := once{}
	for i, s := range list {
		switch at := at.Index(i); {
		case s == "" || !fits(s):
			r.invalid(at, s, "%s", want)
		case seen.again(s):
			r.twice(at, s)
		}
	}
}

func (r *report) within(at *field.Path, value, least, most int64) {
	if value < least || value > most {
		r.invalid(at, value, "a number from %d to %d", least, most)
	}
}

// once remembers what was there already.
type once map[string]bool

func (o once) again(s string) bool {
	before := o[s]
	o[s] = true
	return before
}

func (r *report) metadata(m *Metadata, at *field.Path) {
	if m.Name == "" {
		r.missing(at.Child("name"), "a name")
	}
	r.text(at.Child("name"), m.Name, isLabel, wantLabel)
	r.text(at.Child("namespace"), m.Namespace, isLabel, wantLabel)
	for key, value := range m.Labels {
		if len(content.IsLabelKey(key)) > 0 {
			r.invalid(at.Child("labels"), key, "%s", wantQualified)
		}
		r.text(at.Child("labels").Key(key), value, isLabelValue, wantLabelValue)
	}
	r.reserved(m.Labels, at.Child("labels"))
	for key := range m.Annotations {
		if len(content.IsLabelKey(strings.ToLower(key))) > 0 {
			r.invalid(at.Child("annotations"), key, "%s", wantQualified)
		}
	}
	r.reserved(m.Annotations, at.Child("annotations"))
	adopt := m.Annotations[AdoptAnnotation]
	r.text(at.Child("annotations").Key(AdoptAnnotation), adopt, oneOf("true", "false"), `"true" or "false"`)
}

const wantLabelValue = "at most 63 letters, digits, and -_. between them"

const wantQualified = "a key of at most 63 letters, digits and -_. between them, optionally after a domain and a /"

// reserved keeps keys from being empty or under the prefix by which berth knows its own.
func (r *report) reserved(m map[string]string, at *field.Path) {
	for key := range m {
		switch {
		case key == "":
			r.invalid(at, key, "a key that is not empty")
		case strings.HasPrefix(key, LabelPrefix):
			r.conflict(at.Key(key), "the prefix %s is berth's own: choose another", LabelPrefix)
		}
	}
}

// options checks a mapping that goes to a driver as it is.
func (r *report) options(m map[string]string, at *field.Path) {
	if _, ok := m[""]; ok {
		r.invalid(at, "", "a key that is not empty")
	}
}

// walk checks what holds for every string: the values of enums, and that there is no NUL, which nothing below can carry.
func (r *report) walk(v reflect.Value, at *field.Path) {
	switch shape.Of(v.Type()) {
	case shape.Object:
		for _, f := range shape.Fields(v.Type()) {
			r.walkField(v.FieldByIndex(f.Index), f.Name, at)
		}
	case shape.List:
		for i := range v.Len() {
			r.walk(v.Index(i), at.Index(i))
		}
	case shape.Map:
		for _, key := range v.MapKeys() {
			r.noNUL(key.String(), at)
			r.noNUL(v.MapIndex(key).String(), at.Key(key.String()))
		}
	case shape.String:
		r.noNUL(v.String(), at)
		r.enum(v, at)
	}
}

func (r *report) walkField(v reflect.Value, name string, at *field.Path) {
	if v.IsZero() {
		return // most fields are not there
	}
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if at == nil {
		r.walk(v, field.NewPath(name))
		return
	}
	r.walk(v, at.Child(name))
}

func (r *report) noNUL(s string, at *field.Path) {
	if strings.ContainsRune(s, 0) {
		r.conflict(at, "contains a NUL character: remove it")
	}
}

func (r *report) enum(v reflect.Value, at *field.Path) {
	values := shape.Enum(v.Type())
	if values == nil || v.String() == "" || slices.Contains(values, v.String()) {
		return
	}
	want := "one of " + strings.Join(values, ", ")
	if near := shape.Nearest(v.String(), values); near != "" {
		want = near
	}
	r.errs = append(r.errs, &field.Error{Type: field.ErrorTypeNotSupported, Field: at.String(), BadValue: v.String(), Detail: want})
}

const wantLabel = "a DNS label: at most 63 of a-z, 0-9 and -, with a letter or digit first and last"

func isLabel(s string) bool { return len(content.IsDNS1123Label(s)) == 0 }

func isLabelValue(s string) bool { return len(content.IsLabelValue(s)) == 0 }

func oneOf(values ...string) func(string) bool {
	return func(s string) bool { return slices.Contains(values, s) }
}

const wantPath = "an absolute path without . or .. or doubled or trailing slashes"

func isCleanPath(s string) bool {
	return path.IsAbs(s) && path.Clean(s) == s && !strings.ContainsAny(s, "\r\n")
}

func jsonName(f reflect.StructField) string {
	name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name
}
