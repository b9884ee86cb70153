package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"berth.dev/berth/controller"
	"berth.dev/berth/controller/server"
	"berth.dev/berth/spec"
)

// target is the object that a command is about.
type target struct {
	g         *global
	namespace string
	kind      spec.Kind // the only one that the command is for; empty for any
}

func (t *target) flags(cmd *cobra.Command) {
	cmd.Flags().StringVarP(&t.namespace, "namespace", "n", "", "the object's namespace; may be left out where one object has the name")
}

// agent is a client of the agent, which has to be there.
func (t *target) agent() *client { return agentClient(t.g.socketPath()) }

// find finds the object of a name among those of the agent.
func (t *target) find(ctx context.Context, arg string) (controller.ObjectStatus, error) {
	var found controller.ObjectStatus
	answered, err := t.agent().objects(ctx, false, func(all server.Objects) (err error) {
		found, err = t.pick(all.Objects, arg)
		return err
	})
	if !answered {
		return found, t.noAgent()
	}
	return found, err
}

func (t *target) noAgent() error {
	return fmt.Errorf("no agent answers at %s, and only an agent can do this: start `berth agent`, or name its socket with --socket", t.g.socketPath())
}

// pick picks the one object that is meant.
func (t *target) pick(all []controller.ObjectStatus, arg string) (controller.ObjectStatus, error) {
	s := parseSelector(arg)
	if s.name == "" {
		return controller.ObjectStatus{}, fmt.Errorf("%q is a kind: name an object, as in %s/NAME", arg, strings.ToLower(arg))
	}
	if t.kind != "" && s.kind != "" && s.kind != t.kind {
		return controller.ObjectStatus{}, fmt.Errorf("%s is no %s, and this is for those only", arg, t.kind)
	}
	named := selection{namespace: t.namespace, names: []selector{{cmp.Or(s.kind, t.kind), s.name}}}.of(all)
	switch len(named) {
	case 0:
		return controller.ObjectStatus{}, t.notFound(all, s)
	case 1:
		return named[0], nil
	}
	return controller.ObjectStatus{}, fmt.Errorf("%q may be %s: say which", arg, orList(namesOf(named)))
}

// notFound says what there is in place of an object.
func (t *target) notFound(all []controller.ObjectStatus, s selector) error {
	text := fmt.Sprintf("there is no %s %q", cmp.Or(string(cmp.Or(s.kind, t.kind)), "object"), s.name)
	if t.namespace != "" {
		text += fmt.Sprintf(" in namespace %q", t.namespace)
	}
	near := slices.DeleteFunc(slices.Clone(all), func(o controller.ObjectStatus) bool {
		return t.kind != "" && o.Kind != t.kind || !alike(s.name, o.Name)
	})
	if len(near) > 0 {
		return fmt.Errorf("%s; did you mean %s?", text, orList(namesOf(near)))
	}
	return fmt.Errorf("%s: `berth get` lists what there is", text)
}

// namesOf gives objects as arguments that mean just them.
func namesOf(objects []controller.ObjectStatus) []string {
	names := make([]string, len(objects))
	for i, o := range objects {
		names[i] = fmt.Sprintf("%s/%s -n %s", strings.ToLower(string(o.Kind)), o.Name, o.Namespace)
	}
	return names
}

func orList(items []string) string {
	last := len(items) - 1
	if last <= 0 {
		return strings.Join(items, "")
	}
	return strings.Join(items[:last], ", ") + " or " + items[last]
}

// ask has the agent do something with the object of a name.
func (t *target) ask(ctx context.Context, arg, verb string, body server.Ask) (controller.ObjectStatus, controller.Answer, error) {
	o, err := t.find(ctx, arg)
	if err != nil {
		return o, controller.Answer{}, err
	}
	a, err := request[controller.Answer](ctx, t.agent(), http.MethodPost, objectPath(o.Key(), verb), body)
	return o, a, err
}

func objectPath(k spec.Key, what string) string {
	return fmt.Sprintf("/v1/objects/%s/%s/%s/%s", k.Kind, k.Namespace, k.Name, what)
}

// request makes one request of an agent that is there.
func request[T any](ctx context.Context, c *client, method, path string, body any) (v T, err error) {
	b, err := json.Marshal(body)
	if err != nil {
		return v, err
	}
	req, err := http.NewRequestWithContext(ctx, method, "http://agent"+path, bytes.NewReader(b))
	if err != nil {
		return v, err
	}
	res, err := c.http.Do(req)
	if err != nil {
		return v, fmt.Errorf("cannot ask the agent: %w", err)
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return v, refusal(res)
	}
	if err := json.NewDecoder(res.Body).Decode(&v); err != nil {
		return v, fmt.Errorf("cannot read the agent's answer: %w", err)
	}
	return v, nil
}

// refusal is why the agent does not do what it was asked for, in its words.
func refusal(res *http.Response) error {
	var why server.Error
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<16)).Decode(&why); err == nil && why.Error != "" {
		return fmt.Errorf("%s", why.Error)
	}
	return fmt.Errorf("the agent answered %s", res.Status)
}

// tell prints what became of something.
func tell(out io.Writer, message string, a controller.Answer) {
	fmt.Fprintln(out, message)
	for _, n := range a.Notes {
		fmt.Fprintln(out, "note: "+n)
	}
}
