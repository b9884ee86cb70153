package schema_test

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"berth.dev/berth/spec"
	"berth.dev/berth/spec/load"
	"berth.dev/berth/spec/schema"
)

func compile(t *testing.T, text []byte, err error) *jsonschema.Schema {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("berth.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("berth.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func all(t *testing.T) *jsonschema.Schema {
	text, err := schema.All()
	return compile(t, text, err)
}

func validate(t *testing.T, s *jsonschema.Schema, doc []byte) error {
	t.Helper()
	j, err := yaml.YAMLToJSON(doc)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(j))
	if err != nil {
		t.Fatal(err)
	}
	return s.Validate(v)
}

// TestExamples holds the schema, the loader and the examples against each other.
func TestExamples(t *testing.T) {
	combined, n := all(t), 0
	err := filepath.WalkDir("../../examples", func(path string, e fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yaml" {
			return err
		}
		data, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for doc := range strings.SplitSeq(string(data), "\n---\n") {
			n++
			if err := validate(t, combined, []byte(doc)); err != nil {
				t.Errorf("%s: %v", path, err)
			}
		}
		r := load.LoadFile(load.File{Path: path, Data: data}, load.Options{ReadFile: os.ReadFile})
		for _, p := range r.Problems {
			t.Error(p)
		}
		for _, o := range r.Objects {
			validateAgain(t, o)
		}
		return nil
	})
	if err != nil || n == 0 {
		t.Fatal(n, err)
	}
}

// validateAgain holds an object, as berth writes it, against the schema of its kind.
func validateAgain(t *testing.T, o spec.Object) {
	t.Helper()
	text, err := schema.Schema(o.Key().Kind)
	one := compile(t, text, err)
	doc, err := yaml.Marshal(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate(t, one, doc); err != nil {
		t.Errorf("%s: %v", o.Key(), err)
	}
}

func TestRefused(t *testing.T) {
	combined := all(t)
	container := func(s string) string {
		return "{apiVersion: berth.dev/v1, kind: Container, metadata: {name: a}, spec: {image: nginx, " + s + "}}"
	}
	for doc, ok := range map[string]bool{
		container("replicas: 2"): true,
		container("ports: [{containerPort: 80, hostPort: 8000-8001}]"):      true,
		container("resources: {limits: {cpu: 0.5, memory: 64Mi, swap: 0}}"): true,
		container("healthcheck: {interval: 1m30s, timeout: 0}"):             true,
		container("securityContext: {maskedPaths: []}"):                     true,

		container("readinessProbe: {httpGet: {port: a-name-with-9}}"):              true,
		container("livenessProbe: {dockerHealth: {}}"):                             true,
		container("strategy: {rollingUpdate: {maxSurge: 25%, maxUnavailable: 0}}"): true,
		container("initContainers: [{name: a, volumes: []}]"):                      true,

		container("readinessProbe: {httpGet: {port: 0}}"):                                            false,
		container("readinessProbe: {httpGet: {port: '080'}}"):                                        false,
		container("readinessProbe: {httpGet: {}}"):                                                   false,
		container("livenessProbe: {dockerHealth: {interval: 5s}}"):                                   false,
		container("strategy: {rollingUpdate: {maxSurge: a few}}"):                                    false,
		container("strategy: {rollingUpdate: {maxSurge: -1}}"):                                       false,
		"{apiVersion: berth.dev/v1, kind: CronJob, metadata: {name: a}, spec: {schedule: '@daily'}}": false,
		"{apiVersion: berth.dev/v1, kind: Job, metadata: {name: a}, spec: {template: {spec: {}}}}":   false,

		"{}": false,
		"{apiVersion: berth.dev/v1, kind: Volume}":                                                 false,
		"{apiVersion: berth.dev/v1, kind: Pod, metadata: {name: a}}":                               false,
		"{apiVersion: berth.dev/v2, kind: Volume, metadata: {name: a}}":                            false,
		"{apiVersion: berth.dev/v1, kind: Volume, metadata: {name: A}}":                            false,
		"{apiVersion: berth.dev/v1, kind: Container, metadata: {name: a}, spec: {}}":               false,
		"{apiVersion: berth.dev/v1, kind: Network, metadata: {name: a}, spec: {image: x}}":         false,
		"{apiVersion: berth.dev/v1, kind: Volume, metadata: {name: a}, spec: {reclaimPolicy: No}}": false,
		container("imagePullPolicy: always"):                                                       false,
		container("frobnicate: 1"):                                                                 false,
		container("env: {A: b}"):                                                                   false,
		container("command: /bin/web"):                                                             false,
		container("tty: 'yes'"):                                                                    false,
		container("replicas: '2'"):                                                                 false,
		container("replicas: 1.5"):                                                                 false,
		container("replicas: -1"):                                                                  false,
		container("user: 1000"):                                                                    false,
		container("env: [{value: x}]"):                                                             false,
		container("labels: {a: 1}"):                                                                false,
		container("ports: [{containerPort: 70000}]"):                                               false,
		container("ports: [{containerPort: http}]"):                                                false,
		container("healthcheck: {interval: 30}"):                                                   false,
		container("resources: {limits: {cpu: lots}}"):                                              false,
		container("resources: {blkio: {weight: -1}}"):                                              false,
	} {
		if err := validate(t, combined, []byte(doc)); (err == nil) != ok {
			t.Errorf("%s: %v", doc, err)
		}
	}
}

// TestEverythingIsDescribed also notices a type in a file that is not embedded.
func TestEverythingIsDescribed(t *testing.T) {
	text, err := schema.All()
	if err != nil {
		t.Fatal(err)
	}
	var root any
	if err := json.Unmarshal(text, &root); err != nil {
		t.Fatal(err)
	}
	n := described(t, root, "")
	if n < 100 {
		t.Errorf("only %d properties", n)
	}
}

func described(t *testing.T, v any, path string) (n int) {
	m, ok := v.(map[string]any)
	if !ok {
		return 0
	}
	for key, sub := range m {
		n += described(t, sub, path+"/"+key)
	}
	if strings.HasSuffix(path, "/properties") && !strings.Contains(path, "/if/") && path != "/properties" {
		for key, sub := range m {
			n++
			if text, _ := sub.(map[string]any)["description"].(string); text == "" {
				t.Errorf("%s/%s has no description: comment the field, and embed its file", path, key)
			}
		}
	}
	return n
}

func TestDeterministic(t *testing.T) {
	a, _ := schema.All()
	b, _ := schema.All()
	if len(a) == 0 || !bytes.Equal(a, b) {
		t.Error("two calls differ")
	}
}

func TestNoSuchKind(t *testing.T) {
	if _, err := schema.Schema("Pod"); err == nil || !strings.Contains(err.Error(), "Container") {
		t.Error(err)
	}
}
