package spec

// Notification has what happens to objects told to a webhook.
type Notification struct {
	TypeMeta `json:",inline"`
	// Name, namespace, labels and annotations.
	Metadata Metadata `json:"metadata"`
	// Whom to tell, and what.
	Spec NotificationSpec `json:"spec"`

	source Source
}

// NotificationSpec says whom to tell, and what.
type NotificationSpec struct {
	// Whom to tell.
	Webhook Webhook `json:"webhook"`
	// What to tell: an event that any of the filters lets through; everything where it is left out.
	Filters []NotificationFilter `json:"filters,omitempty"`
	// At most this many deliveries a minute, in bursts of as many; 60 by default. What is over it is counted, and told with the next one.
	RateLimitPerMinute *int32 `json:"rateLimitPerMinute,omitempty"`
	// How long the same event of the same object is told only once; 5m by default, 0s tells each.
	DedupeWindow *Duration `json:"dedupeWindow,omitempty"`
	// Whether nothing is told.
	Suspend bool `json:"suspend,omitempty"`
}

// Webhook is where notifications are posted to.
type Webhook struct {
	// The URL, http or https. It is never printed beyond its host. Exactly one of url and urlFile is set.
	URL string `json:"url,omitempty"`
	// A file that has the URL, on the agent's host: an absolute path. It is read anew for each delivery.
	URLFile string `json:"urlFile,omitempty"`
	// JSON (the default; berth's own event) or CloudEvents (1.0, structured mode).
	Format NotificationFormat `json:"format,omitempty"`
	// Headers of the request.
	Headers []WebhookHeader `json:"headers,omitempty"`
	// How long a delivery may take; 10s by default.
	Timeout *Duration `json:"timeout,omitempty"`
}

// WebhookHeader is one header of a delivery. Exactly one of value and valueFile is set.
type WebhookHeader struct {
	// The header's name.
	Name string `json:"name"`
	// Its value; it is never printed.
	Value string `json:"value,omitempty"`
	// A file that has the value, on the agent's host: an absolute path.
	ValueFile string `json:"valueFile,omitempty"`
}

// NotificationFormat is the form of a notification's body.
type NotificationFormat string

// The formats.
const (
	FormatJSON        NotificationFormat = "JSON"
	FormatCloudEvents NotificationFormat = "CloudEvents"
)

// Values lists the formats.
func (NotificationFormat) Values() []string { return []string{"JSON", "CloudEvents"} }

// NotificationFilter lets events through that match all of its fields; one that is left out matches everything.
type NotificationFilter struct {
	// Kinds of object.
	Kinds []Kind `json:"kinds,omitempty"`
	// Namespaces.
	Namespaces []string `json:"namespaces,omitempty"`
	// Names of objects; * stands for any text.
	Names []string `json:"names,omitempty"`
	// Labels that the object's metadata has.
	MatchLabels map[string]string `json:"matchLabels,omitempty"`
	// Reasons, as in the table of docs/agent.md; * stands for any text.
	Reasons []string `json:"reasons,omitempty"`
	// Types of event.
	Types []EventType `json:"types,omitempty"`
}

// EventType says whether an event asks for attention.
type EventType string

// The types of event, which are Kubernetes'.
const (
	EventNormal  EventType = "Normal"
	EventWarning EventType = "Warning"
)

// Values lists the types of event.
func (EventType) Values() []string { return []string{"Normal", "Warning"} }

// Key implements Object.
func (n *Notification) Key() Key { return n.Metadata.key(KindNotification) }

// Meta implements Object.
func (n *Notification) Meta() *Metadata { return &n.Metadata }

// Source implements Object.
func (n *Notification) Source() *Source { return &n.source }
