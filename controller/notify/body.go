package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"berth.dev/berth/spec"
)

// body is berth's own form of an event; docs/notifications.md has its fields.
type body struct {
	ID       string            `json:"id"`
	Time     time.Time         `json:"time"`
	Type     spec.EventType    `json:"type"`
	Reason   string            `json:"reason"`
	Message  string            `json:"message"`
	Object   *object           `json:"object,omitempty"`
	Labels   map[string]string `json:"labels,omitempty"`
	Source   string            `json:"source,omitempty"`
	Host     string            `json:"host"`
	Action   string            `json:"action,omitempty"`
	Repeated int               `json:"repeated,omitempty"`
	Untold   int               `json:"untold,omitempty"`
}

type object struct {
	Kind      spec.Kind `json:"kind"`
	Namespace string    `json:"namespace"`
	Name      string    `json:"name"`
}

// cloudEvent is the JSON form of CloudEvents 1.0, in structured mode. id, source, specversion and type are those that the
// specification requires; a source and an id together name one event, over retries too.
type cloudEvent struct {
	SpecVersion     string    `json:"specversion"`
	ID              string    `json:"id"`
	Source          string    `json:"source"` // a URI reference
	Type            string    `json:"type"`   // begins with a name in reverse DNS order
	Subject         string    `json:"subject,omitempty"`
	Time            time.Time `json:"time"`
	DataContentType string    `json:"datacontenttype"`
	Data            body      `json:"data"`
}

// longest is how much of a message is told, in bytes. Receivers of CloudEvents have to take 64 KiB.
const longest = 8 << 10

func bodyOf(it *item) body {
	e := it.event
	b := body{ID: it.id, Time: e.Time, Type: e.Type, Reason: e.Reason, Message: e.Message, Labels: e.Labels, Source: e.Source,
		Host: e.Host, Action: e.Action, Repeated: it.repeated, Untold: it.untold}
	if len(b.Message) > longest {
		b.Message = strings.ToValidUTF8(b.Message[:longest], "") + " …"
	}
	if k := e.Object; k != (spec.Key{}) {
		b.Object = &object{k.Kind, k.Namespace, k.Name}
	}
	return b
}

func cloudEventOf(b body) cloudEvent {
	c := cloudEvent{SpecVersion: "1.0", ID: b.ID, Source: "/berth/" + url.PathEscape(b.Host), Type: "dev.berth.agent." + b.Reason, Time: b.Time,
		DataContentType: "application/json", Data: b}
	if o := b.Object; o != nil {
		c.Type = "dev.berth." + strings.ToLower(string(o.Kind)) + "." + b.Reason
		c.Subject = fmt.Sprintf("%s/%s/%s", o.Kind, o.Namespace, o.Name)
	}
	return c
}

// encode gives a delivery's body and its media type.
func encode(f spec.NotificationFormat, b body) (data []byte, contentType string) {
	var v any = b
	contentType = "application/json"
	if f == spec.FormatCloudEvents {
		v, contentType = cloudEventOf(b), "application/cloudevents+json; charset=utf-8"
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false) // a change reads as a -> b
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("notify: an event does not marshal: %v", err)) // it is text and numbers
	}
	return bytes.TrimSpace(out.Bytes()), contentType
}
