package engine

import (
	"encoding/json"
	"testing"

	"sigs.k8s.io/yaml"

	"berth.dev/berth/reconciler/plan"
)

// TestLowerByVersion holds where the form of a request depends on the engine's API.
func TestLowerByVersion(t *testing.T) {
	const twoNetworks = `{networks: [{name: a, macAddress: "02:00:00:00:00:01"}, {name: b, priority: 1}]}`
	const firstHasMAC = `{networks: [{name: a, macAddress: "02:00:00:00:00:01", ipv4Address: 10.0.0.2}]}`
	const made = `{volumes: [{mountPath: /m, readOnly: true, subPath: in, hostPath: {path: /h, createHostPath: true, propagation: rslave}}]}`
	for _, test := range []struct{ name, api, spec, get, want string }{
		{"several networks", "1.43", `{networks: [{name: a}, {name: b, priority: 1}]}`, "networks", `{"NetworkMode":"b","Now":["b"],"Later":["a"]}`},
		{"several networks", "1.44", `{networks: [{name: a}, {name: b, priority: 1}]}`, "networks", `{"NetworkMode":"b","Now":["a","b"],"Later":null}`},
		{"MAC", "1.43", firstHasMAC, "macs", `{"Container":"02:00:00:00:00:01","Endpoint":""}`},
		{"MAC", "1.44", firstHasMAC, "macs", `{"Container":"","Endpoint":"02:00:00:00:00:01"}`},
		{"MAC of the second", "1.44", twoNetworks, "macs", `{"Container":"","Endpoint":"02:00:00:00:00:01"}`},
		{"host path made", "1.41", made, "mounts", `{"Binds":["/h/in:/m:ro,rslave"],"Mounts":null}`},
		{"host path made", "1.42", made, "mounts", `{"Binds":null,"Mounts":[{"Type":"bind","Source":"/h/in","Target":"/m","ReadOnly":true,"BindOptions":{"Propagation":"rslave","CreateMountpoint":true}}]}`},
		{"host path", "1.41", `{volumes: [{mountPath: /m, hostPath: {path: /h}}]}`, "mounts", `{"Binds":null,"Mounts":[{"Type":"bind","Source":"/h","Target":"/m"}]}`},
		{"tmpfs", "1.41", `{volumes: [{mountPath: /m, tmpfs: {mode: "1777"}}]}`, "mounts", `{"Binds":null,"Mounts":[{"Type":"tmpfs","Target":"/m","TmpfsOptions":{"Mode":1023}}]}`},
	} {
		t.Run(test.name+" "+test.api, func(t *testing.T) {
			var c plan.Create
			if err := yaml.UnmarshalStrict([]byte(test.spec), &c.Spec); err != nil {
				t.Fatal(err)
			}
			l, err := lower(c, test.api)
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.Marshal(parts[test.get](l))
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
}

// parts picks what a test looks at.
var parts = map[string]func(lowered) any{
	"networks": func(l lowered) any {
		out := struct {
			NetworkMode string
			Now, Later  []string
		}{NetworkMode: string(l.host.NetworkMode)}
		for _, name := range []string{"a", "b"} {
			if l.networking.EndpointsConfig[name] != nil {
				out.Now = append(out.Now, name)
			}
		}
		for _, e := range l.later {
			out.Later = append(out.Later, e.network)
		}
		return out
	},
	"macs": func(l lowered) any {
		//lint:ignore SA1019 below API 1.44
		return struct{ Container, Endpoint string }{l.config.MacAddress, l.networking.EndpointsConfig["a"].MacAddress}
	},
	"mounts": func(l lowered) any {
		return struct{ Binds, Mounts any }{l.host.Binds, l.host.Mounts}
	},
}
