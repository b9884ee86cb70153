package plan

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"berth.dev/berth/spec"
)

// change is a spec before and after one field of it changes.
type change struct {
	before, after string // YAML
	rows          int    // how many rows see it; 0 for one
}

// leafSamples has a change of every leaf of a ContainerSpec. A leaf that is missing here fails TestEveryLeafHasARow.
var leafSamples = map[string]change{
	"image":                         {`{}`, `{image: a}`, 0},
	"platform":                      {`{}`, `{platform: linux/arm64}`, 0},
	"command":                       {`{}`, `{command: [a]}`, 0},
	"args":                          {`{}`, `{args: [a]}`, 0},
	"workingDir":                    {`{}`, `{workingDir: /a}`, 0},
	"env.name":                      {`{env: [{name: A}]}`, `{env: [{name: B}]}`, 0},
	"env.value":                     {`{env: [{name: A}]}`, `{env: [{name: A, value: b}]}`, 0},
	"user":                          {`{}`, `{user: a}`, 0},
	"groups":                        {`{}`, `{groups: [a]}`, 0},
	"hostname":                      {`{}`, `{hostname: a}`, 0},
	"domainname":                    {`{}`, `{domainname: a}`, 0},
	"labels":                        {`{}`, `{labels: {a: ""}}`, 0},
	"annotations":                   {`{}`, `{annotations: {a: ""}}`, 0},
	"ports.containerPort":           {`{}`, `{ports: [{containerPort: 1}]}`, 0},
	"ports.hostPort":                {`{ports: [{containerPort: 1}]}`, `{ports: [{containerPort: 1, hostPort: 0}]}`, 0},
	"ports.hostIP":                  {`{ports: [{containerPort: 1, hostPort: 1}]}`, `{ports: [{containerPort: 1, hostPort: 1, hostIP: 127.0.0.1}]}`, 0},
	"ports.protocol":                {`{ports: [{containerPort: 1}]}`, `{ports: [{containerPort: 1, protocol: UDP}]}`, 0},
	"networkMode":                   {`{networkMode: bridge}`, `{networkMode: none}`, 0},
	"dns":                           {`{}`, `{dns: [a]}`, 0},
	"dnsSearch":                     {`{}`, `{dnsSearch: [a]}`, 0},
	"dnsOptions":                    {`{}`, `{dnsOptions: [a]}`, 0},
	"extraHosts":                    {`{}`, `{extraHosts: [a]}`, 0},
	"volumes.mountPath":             {`{volumes: [{mountPath: /a, tmpfs: {}}]}`, `{volumes: [{mountPath: /b, tmpfs: {}}]}`, 0},
	"volumes.readOnly":              {`{volumes: [{mountPath: /a, tmpfs: {}}]}`, `{volumes: [{mountPath: /a, tmpfs: {}, readOnly: true}]}`, 0},
	"volumes.subPath":               {`{volumes: [{mountPath: /a, volume: {name: a}}]}`, `{volumes: [{mountPath: /a, volume: {name: a}, subPath: b}]}`, 0},
	"volumes.volume.name":           {`{volumes: [{mountPath: /a, volume: {name: a}}]}`, `{volumes: [{mountPath: /a, volume: {name: b}}]}`, 0},
	"volumes.volume.noCopy":         {`{volumes: [{mountPath: /a, volume: {name: a}}]}`, `{volumes: [{mountPath: /a, volume: {name: a, noCopy: true}}]}`, 0},
	"volumes.hostPath.path":         {`{volumes: [{mountPath: /a, hostPath: {path: /a}}]}`, `{volumes: [{mountPath: /a, hostPath: {path: /b}}]}`, 0},
	"volumes.hostPath.propagation":  {`{volumes: [{mountPath: /a, hostPath: {path: /a}}]}`, `{volumes: [{mountPath: /a, hostPath: {path: /a, propagation: shared}}]}`, 0},
	"volumes.hostPath.nonRecursive": {`{volumes: [{mountPath: /a, hostPath: {path: /a}}]}`, `{volumes: [{mountPath: /a, hostPath: {path: /a, nonRecursive: true}}]}`, 0},
	"volumes.tmpfs.size":            {`{volumes: [{mountPath: /a, tmpfs: {}}]}`, `{volumes: [{mountPath: /a, tmpfs: {size: 1Mi}}]}`, 0},
	"volumes.tmpfs.mode":            {`{volumes: [{mountPath: /a, tmpfs: {}}]}`, `{volumes: [{mountPath: /a, tmpfs: {mode: "0700"}}]}`, 0},

	"initContainers.name": {`{initContainers: [{name: a}]}`, `{initContainers: [{name: b}]}`, 0}, // the others are those of a container

	"resources.requests.cpu":                {`{}`, `{resources: {requests: {cpu: 1m}}}`, 0},
	"resources.requests.memory":             {`{}`, `{resources: {requests: {memory: 1Mi}}}`, 0},
	"resources.limits.cpu":                  {`{}`, `{resources: {limits: {cpu: 1m}}}`, 0},
	"resources.limits.memory":               {`{}`, `{resources: {limits: {memory: 1Mi}}}`, 2}, // swap goes with it
	"resources.limits.swap":                 {`{resources: {limits: {memory: 1Mi}}}`, `{resources: {limits: {memory: 1Mi, swap: 0}}}`, 0},
	"resources.limits.pids":                 {`{}`, `{resources: {limits: {pids: 1}}}`, 0},
	"resources.cpuShares":                   {`{}`, `{resources: {cpuShares: 2}}`, 0},
	"resources.cpusetCpus":                  {`{}`, `{resources: {cpusetCpus: "0"}}`, 0},
	"resources.cpusetMems":                  {`{}`, `{resources: {cpusetMems: "0"}}`, 0},
	"resources.cpuRealtimePeriod":           {`{}`, `{resources: {cpuRealtimePeriod: 1}}`, 0},
	"resources.cpuRealtimeRuntime":          {`{}`, `{resources: {cpuRealtimeRuntime: 1}}`, 0},
	"resources.memorySwappiness":            {`{}`, `{resources: {memorySwappiness: 0}}`, 0},
	"resources.oomKillDisable":              {`{}`, `{resources: {oomKillDisable: false}}`, 0},
	"resources.oomScoreAdj":                 {`{}`, `{resources: {oomScoreAdj: 0}}`, 0},
	"resources.blkio.weight":                {`{}`, `{resources: {blkio: {weight: 10}}}`, 0},
	"resources.blkio.weightDevices.path":    {`{}`, `{resources: {blkio: {weightDevices: [{path: /a}]}}}`, 0},
	"resources.blkio.weightDevices.weight":  {`{resources: {blkio: {weightDevices: [{path: /a}]}}}`, `{resources: {blkio: {weightDevices: [{path: /a, weight: 10}]}}}`, 0},
	"resources.blkio.deviceReadBps.path":    {`{}`, `{resources: {blkio: {deviceReadBps: [{path: /a, rate: 1}]}}}`, 0},
	"resources.blkio.deviceReadBps.rate":    {`{resources: {blkio: {deviceReadBps: [{path: /a, rate: 1}]}}}`, `{resources: {blkio: {deviceReadBps: [{path: /a, rate: 2}]}}}`, 0},
	"resources.blkio.deviceWriteBps.path":   {`{}`, `{resources: {blkio: {deviceWriteBps: [{path: /a, rate: 1}]}}}`, 0},
	"resources.blkio.deviceWriteBps.rate":   {`{resources: {blkio: {deviceWriteBps: [{path: /a, rate: 1}]}}}`, `{resources: {blkio: {deviceWriteBps: [{path: /a, rate: 2}]}}}`, 0},
	"resources.blkio.deviceReadIOps.path":   {`{}`, `{resources: {blkio: {deviceReadIOps: [{path: /a, rate: 1}]}}}`, 0},
	"resources.blkio.deviceReadIOps.rate":   {`{resources: {blkio: {deviceReadIOps: [{path: /a, rate: 1}]}}}`, `{resources: {blkio: {deviceReadIOps: [{path: /a, rate: 2}]}}}`, 0},
	"resources.blkio.deviceWriteIOps.path":  {`{}`, `{resources: {blkio: {deviceWriteIOps: [{path: /a, rate: 1}]}}}`, 0},
	"resources.blkio.deviceWriteIOps.rate":  {`{resources: {blkio: {deviceWriteIOps: [{path: /a, rate: 1}]}}}`, `{resources: {blkio: {deviceWriteIOps: [{path: /a, rate: 2}]}}}`, 0},
	"resources.ulimits.name":                {`{}`, `{resources: {ulimits: [{name: core, soft: 0, hard: 0}]}}`, 0},
	"resources.ulimits.soft":                {`{resources: {ulimits: [{name: core, soft: 0, hard: 9}]}}`, `{resources: {ulimits: [{name: core, soft: 1, hard: 9}]}}`, 0},
	"resources.ulimits.hard":                {`{resources: {ulimits: [{name: core, soft: 0, hard: 9}]}}`, `{resources: {ulimits: [{name: core, soft: 0, hard: 8}]}}`, 0},
	"resources.shmSize":                     {`{}`, `{resources: {shmSize: 1Mi}}`, 0},
	"resources.devices.hostPath":            {`{}`, `{resources: {devices: [{hostPath: /a}]}}`, 0},
	"resources.devices.containerPath":       {`{resources: {devices: [{hostPath: /a}]}}`, `{resources: {devices: [{hostPath: /a, containerPath: /b}]}}`, 0},
	"resources.devices.permissions":         {`{resources: {devices: [{hostPath: /a}]}}`, `{resources: {devices: [{hostPath: /a, permissions: r}]}}`, 0},
	"resources.deviceCgroupRules":           {`{}`, `{resources: {deviceCgroupRules: [a]}}`, 0},
	"resources.deviceRequests.driver":       {`{}`, `{resources: {deviceRequests: [{driver: a}]}}`, 0},
	"resources.deviceRequests.count":        {`{resources: {deviceRequests: [{driver: a}]}}`, `{resources: {deviceRequests: [{driver: a, count: 1}]}}`, 0},
	"resources.deviceRequests.deviceIDs":    {`{resources: {deviceRequests: [{driver: a}]}}`, `{resources: {deviceRequests: [{driver: a, deviceIDs: [b]}]}}`, 0},
	"resources.deviceRequests.capabilities": {`{resources: {deviceRequests: [{driver: a}]}}`, `{resources: {deviceRequests: [{driver: a, capabilities: [[b]]}]}}`, 0},
	"resources.deviceRequests.options":      {`{resources: {deviceRequests: [{driver: a}]}}`, `{resources: {deviceRequests: [{driver: a, options: {b: c}}]}}`, 0},
	"resources.cgroupParent":                {`{}`, `{resources: {cgroupParent: a}}`, 0},

	"restartPolicy":                 {`{}`, `{restartPolicy: Always}`, 0},
	"maximumRetryCount":             {`{restartPolicy: OnFailure}`, `{restartPolicy: OnFailure, maximumRetryCount: 1}`, 0},
	"terminationGracePeriodSeconds": {`{}`, `{terminationGracePeriodSeconds: 0}`, 0},
	"stopSignal":                    {`{}`, `{stopSignal: INT}`, 0},
	"init":                          {`{}`, `{init: false}`, 0},
	"tty":                           {`{}`, `{tty: true}`, 0},
	"stdin":                         {`{}`, `{stdin: true}`, 0},
	"healthcheck.command":           {`{}`, `{healthcheck: {command: [a]}}`, 0},
	"healthcheck.shell":             {`{}`, `{healthcheck: {shell: a}}`, 0},
	"healthcheck.interval":          {`{}`, `{healthcheck: {interval: 1s}}`, 0},
	"healthcheck.timeout":           {`{}`, `{healthcheck: {timeout: 1s}}`, 0},
	"healthcheck.startPeriod":       {`{}`, `{healthcheck: {startPeriod: 1s}}`, 0},
	"healthcheck.startInterval":     {`{}`, `{healthcheck: {startInterval: 1s}}`, 0},
	"healthcheck.retries":           {`{}`, `{healthcheck: {retries: 1}}`, 0},
	"healthcheck.disable":           {`{}`, `{healthcheck: {disable: true}}`, 0},
	"logging.driver":                {`{}`, `{logging: {driver: a}}`, 0},
	"logging.options":               {`{logging: {driver: a}}`, `{logging: {driver: a, options: {b: ""}}}`, 0},

	"securityContext.privileged":                       {`{}`, `{securityContext: {privileged: true}}`, 0},
	"securityContext.capabilities.add":                 {`{}`, `{securityContext: {capabilities: {add: [a]}}}`, 0},
	"securityContext.capabilities.drop":                {`{}`, `{securityContext: {capabilities: {drop: [a]}}}`, 0},
	"securityContext.readOnlyRootFilesystem":           {`{}`, `{securityContext: {readOnlyRootFilesystem: true}}`, 0},
	"securityContext.noNewPrivileges":                  {`{}`, `{securityContext: {noNewPrivileges: false}}`, 0},
	"securityContext.seccompProfile.type":              {`{}`, `{securityContext: {seccompProfile: {type: Unconfined}}}`, 0},
	"securityContext.seccompProfile.localhostProfile":  {`{securityContext: {seccompProfile: {type: Localhost}}}`, `{securityContext: {seccompProfile: {type: Localhost, localhostProfile: a}}}`, 0},
	"securityContext.appArmorProfile.type":             {`{}`, `{securityContext: {appArmorProfile: {type: Unconfined}}}`, 0},
	"securityContext.appArmorProfile.localhostProfile": {`{securityContext: {appArmorProfile: {type: Localhost}}}`, `{securityContext: {appArmorProfile: {type: Localhost, localhostProfile: a}}}`, 0},
	"securityContext.seLinuxOptions.user":              {`{}`, `{securityContext: {seLinuxOptions: {user: a}}}`, 0},
	"securityContext.seLinuxOptions.role":              {`{securityContext: {seLinuxOptions: {user: a}}}`, `{securityContext: {seLinuxOptions: {user: a, role: a}}}`, 0},
	"securityContext.seLinuxOptions.type":              {`{securityContext: {seLinuxOptions: {role: a}}}`, `{securityContext: {seLinuxOptions: {type: a}}}`, 0},
	"securityContext.seLinuxOptions.level":             {`{securityContext: {seLinuxOptions: {type: a}}}`, `{securityContext: {seLinuxOptions: {level: a}}}`, 0},
	"securityContext.seLinuxOptions.disable":           {`{}`, `{securityContext: {seLinuxOptions: {disable: true}}}`, 0},
	"securityContext.maskedPaths":                      {`{}`, `{securityContext: {maskedPaths: []}}`, 0},
	"securityContext.readonlyPaths":                    {`{}`, `{securityContext: {readonlyPaths: []}}`, 0},

	"usernsMode":     {`{}`, `{usernsMode: host}`, 0},
	"pidMode":        {`{}`, `{pidMode: host}`, 0},
	"ipcMode":        {`{}`, `{ipcMode: host}`, 0},
	"utsMode":        {`{}`, `{utsMode: host}`, 0},
	"cgroupnsMode":   {`{}`, `{cgroupnsMode: host}`, 0},
	"sysctls":        {`{}`, `{sysctls: {a: ""}}`, 0},
	"runtime":        {`{}`, `{runtime: a}`, 0},
	"storageOptions": {`{}`, `{storageOptions: {a: b}}`, 0},
}

// TestEveryLeafHasARow: a field that no row sees would be applied at the creation and never again.
func TestEveryLeafHasARow(t *testing.T) {
	var paths []string
	leaves(reflect.TypeFor[spec.ContainerSpec](), "", func(path string) { paths = append(paths, path) })
	for _, path := range paths {
		if agentOnly(path) {
			continue
		}
		before, after, want := leafSample(t, path)
		if before == nil {
			t.Errorf("%s: leafSamples has no change of it; or is it one of agentFields?", path)
			continue
		}
		var seen []string
		for i := range rows {
			if r := &rows[i]; !maps.Equal(r.flat(before), r.flat(after)) {
				seen = append(seen, r.path)
			}
		}
		if len(seen) != want {
			t.Errorf("%s: a change of it is seen by %d rows, not %d: %v", path, len(seen), want, seen)
		}
	}
	for path := range leafSamples {
		if !slices.Contains(paths, path) {
			t.Errorf("leafSamples has %s, and a ContainerSpec has not", path)
		}
	}
	for path := range agentFields {
		if !slices.ContainsFunc(paths, func(p string) bool { return p == path || strings.HasPrefix(p, path+".") }) {
			t.Errorf("agentFields has %s, and a ContainerSpec has not", path)
		}
	}
}

// leafSample is a change of one leaf, and how many rows see it. That of an init container is a container's, one level down.
func leafSample(t *testing.T, path string) (before, after *spec.ContainerSpec, rows int) {
	t.Helper()
	if sample, ok := leafSamples[path]; ok {
		return parseSpec(t, sample.before), parseSpec(t, sample.after), max(1, sample.rows)
	}
	inner, of := strings.CutPrefix(path, "initContainers.")
	sample, ok := leafSamples[inner]
	if !of || !ok {
		return nil, nil, 0
	}
	return withInit(t, sample.before), withInit(t, sample.after), 1
}

func withInit(t *testing.T, text string) *spec.ContainerSpec {
	t.Helper()
	c := spec.InitContainer{Name: "a"}
	if err := yaml.UnmarshalStrict([]byte(text), &c); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return &spec.ContainerSpec{InitContainers: []spec.InitContainer{c}}
}

// TestEngineOnly: what agentFields has, and nothing else, is what EngineOnly takes away. Networks are told to the engine, one by one.
func TestEngineOnly(t *testing.T) {
	var s spec.ContainerSpec
	v := reflect.ValueOf(&s).Elem()
	for i := range v.NumField() {
		switch f := v.Field(i); f.Kind() {
		case reflect.Pointer:
			f.Set(reflect.New(f.Type().Elem()))
		case reflect.Slice:
			f.Set(reflect.MakeSlice(f.Type(), 1, 1))
		case reflect.Bool:
			f.SetBool(true)
		case reflect.String:
			f.SetString("a")
		case reflect.Int:
			f.SetInt(1)
		default:
			continue // maps and structs have no field that is the agent's alone
		}
	}
	full := s
	s.EngineOnly()
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		want := agentOnly(name) && name != "networks" || name == "initContainers"
		if was := !reflect.ValueOf(full).Field(i).IsZero(); was && v.Field(i).IsZero() != want {
			t.Errorf("%s: taken away %t, want %t", name, v.Field(i).IsZero(), want)
		}
	}
}

func agentOnly(path string) bool {
	path = strings.TrimPrefix(path, "initContainers.")
	for field := range agentFields {
		if path == field || strings.HasPrefix(path, field+".") {
			return true
		}
	}
	return false
}

func parseSpec(t *testing.T, text string) *spec.ContainerSpec {
	t.Helper()
	var s spec.ContainerSpec
	if err := yaml.UnmarshalStrict([]byte(text), &s); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return &s
}

// scalars are the structs that hold one value.
var scalars = []reflect.Type{
	reflect.TypeFor[resource.Quantity](), reflect.TypeFor[spec.PortRange](), reflect.TypeFor[spec.PortRef](), reflect.TypeFor[spec.CountOrPercent](),
}

// leaves calls on with the path of every field that holds a value, as JSON names it.
func leaves(t reflect.Type, path string, on func(string)) {
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice:
		leaves(t.Elem(), path, on)
		return
	case reflect.Struct:
		if !slices.Contains(scalars, t) {
			for i := range t.NumField() {
				name, _, _ := strings.Cut(t.Field(i).Tag.Get("json"), ",")
				leaves(t.Field(i).Type, strings.TrimPrefix(path+"."+name, "."), on)
			}
			return
		}
	}
	on(path)
}

// TestUpdaters: each row that changes in place has an updater that sends something, and no other row has one.
func TestUpdaters(t *testing.T) {
	full := parseSpec(t, `{restartPolicy: Always, resources: {cpusetCpus: "0", cpusetMems: "0", cpuRealtimePeriod: 1, cpuRealtimeRuntime: 1, cpuShares: 3,
		limits: {cpu: 1, memory: 1Mi, pids: 1}, requests: {memory: 1Mi}, blkio: {weight: 10}}}`)
	for i := range rows {
		r := &rows[i]
		set, has := updaters[r.path]
		if has != (r.class != recreate) {
			t.Errorf("%s: class %d, and an updater: %v", r.path, r.class, has)
		}
		if !has {
			continue
		}
		var u Update
		set(&u, full)
		if u == (Update{}) {
			t.Errorf("%s: its updater sends nothing", r.path)
		}
	}
	for path := range updaters {
		if _, ok := rowIndex[path]; !ok {
			t.Errorf("an updater for %s, which is no row", path)
		}
	}
}

func TestRowsAreOnce(t *testing.T) {
	if len(rowIndex) != len(rows) {
		t.Errorf("%d paths for %d rows", len(rowIndex), len(rows))
	}
}
