package engine_test

import (
	"slices"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
)

// sample is a container with a field set, or with several that only make sense together.
type sample struct {
	// spec is YAML; $NET, $NET2, $VOL, $PEER, $DIR and $DISK stand for what the test made or found.
	spec string
	// lifted replaces, by path, what is expected back; "" where the engine does not report the field.
	lifted map[string]string
	// needs says whether the engine can do it, nil that all can; gap is then what is said of one that cannot.
	needs func(plan.Engine) bool
	gap   string
	// refusal is how this host's kernel or hardware may refuse it, which the engine does not tell before.
	refusal fault.Class
}

// samples has every field of a ContainerSpec; TestEveryFieldHasASample holds that.
var samples = map[string]sample{
	"agent": {spec: `{replicas: 2, imagePullPolicy: Never, envFile: [a.env], suspend: true, minReadySeconds: 3, progressDeadlineSeconds: 60, revisionHistoryLimit: 2,
		startupProbe: {grpc: {port: 9000}}, livenessProbe: {tcpSocket: {port: 80}}, readinessProbe: {httpGet: {port: web}},
		lifecycle: {preStop: {exec: {command: [/bye]}}}, initContainers: [{name: first, env: [{name: A, value: b}]}], dependsOn: [{name: db}],
		strategy: {type: Recreate, rollingUpdate: {maxSurge: 25%}}, updatePolicy: {type: Digest}}`},
	"platform":     {spec: `{platform: $PLATFORM}`, lifted: map[string]string{"platform": ""}},
	"command":      {spec: `{command: [/testapp, -exit-after, 1h], args: [-exit-code, "3"]}`},
	"args":         {spec: `{args: [-exit-after, 2h]}`},
	"workingDir":   {spec: `{workingDir: /tmp}`},
	"env":          {spec: `{env: [{name: MODE, value: "a=b c"}, {name: EMPTY}, {name: VERSION, value: "9"}]}`},
	"user":         {spec: `{user: "1000:2000"}`},
	"groups":       {spec: `{groups: [extra, "3000"]}`},
	"hostname":     {spec: `{hostname: box, domainname: example.test}`},
	"labels":       {spec: `{labels: {tier: front, empty: ""}}`},
	"annotations":  {spec: `{annotations: {example.test/a: b}}`, needs: since("1.43"), gap: "annotations needs engine API 1.43"},
	"port":         {spec: `{ports: [{name: web, containerPort: 8080, hostPort: 38471, hostIP: 127.0.0.1, protocol: TCP}]}`, lifted: map[string]string{"ports[].name": ""}},
	"port exposed": {spec: `{ports: [{containerPort: 9000, protocol: SCTP}]}`},
	"port chosen":  {spec: `{ports: [{containerPort: 9001, hostPort: 0, protocol: TCP}]}`, lifted: map[string]string{"ports[].hostPort": "0"}},
	"port range": {
		spec:   `{ports: [{containerPort: "7000-7001", hostPort: "38480-38481", hostIP: 127.0.0.1, protocol: UDP}]}`,
		lifted: map[string]string{"ports[].containerPort": "7000", "ports[].hostPort": "38481"},
	},

	"network": {spec: `{networks: [{name: $NET, aliases: [web, www], ipv4Address: 10.213.77.9, ipv6Address: "fd00:be57::9", macAddress: "02:42:0a:d5:4d:09"}]}`},
	"networks": {
		spec:   `{networks: [{name: $NET, aliases: [one]}, {name: $NET2, aliases: [two], priority: 5, ipv4Address: 10.213.78.9}]}`,
		lifted: map[string]string{"networks[].priority": ""},
	},
	"network MACs":      {spec: `{networks: [{name: $NET}, {name: $NET2, macAddress: "02:42:0a:d5:4e:0a"}]}`, needs: since("1.44"), gap: "networks[1].macAddress (of a network that is not the first) needs engine API 1.44"},
	"network gateway":   {spec: `{networks: [{name: $NET, gatewayPriority: 7}]}`, needs: since("1.48"), gap: "networks[0].gatewayPriority needs engine API 1.48"},
	"network link":      {spec: `{networks: [{name: $NET, linkLocalIPs: [169.254.77.9]}]}`},
	"network options":   {spec: `{networks: [{name: $NET, driverOptions: {com.example.option: "yes"}}]}`},
	"network none":      {spec: `{networkMode: none}`},
	"network host":      {spec: `{networkMode: host}`},
	"network bridge":    {spec: `{networkMode: bridge}`},
	"network container": {spec: `{networkMode: "container:$PEER"}`},
	"dns":               {spec: `{dns: [192.0.2.1], dnsSearch: [example.test], dnsOptions: ["ndots:2"]}`},
	"extraHosts":        {spec: `{extraHosts: ["a.test:192.0.2.7", "host.test:host-gateway"]}`},

	"volume":             {spec: `{volumes: [{name: data, mountPath: /data, volume: {name: $VOL, noCopy: true}, readOnly: true}]}`, lifted: map[string]string{"volumes[].name": ""}},
	"volume folder":      {spec: `{volumes: [{mountPath: /data, subPath: inner, volume: {name: $VOL}}]}`, needs: since("1.45"), gap: "volumes[0].subPath needs engine API 1.45", refusal: fault.RuntimeVolume},
	"volume anonymous":   {spec: `{volumes: [{mountPath: /cache, volume: {}}]}`},
	"host path":          {spec: `{volumes: [{mountPath: /h, hostPath: {path: $DIR, propagation: private, nonRecursive: true}, readOnly: true}]}`},
	"host path folder":   {spec: `{volumes: [{mountPath: /h, subPath: sub, hostPath: {path: $DIR}}]}`, lifted: map[string]string{"volumes[].subPath": "", "volumes[].hostPath.path": `"$DIR/sub"`}},
	"host path made":     {spec: `{volumes: [{mountPath: /h, hostPath: {path: $DIR/made, createHostPath: true, propagation: private}, readOnly: true}]}`},
	"host path made one": {spec: `{volumes: [{mountPath: /h, hostPath: {path: $DIR/alone, createHostPath: true, nonRecursive: true}}]}`, needs: since("1.42"), gap: "volumes[0].hostPath.nonRecursive (with createHostPath) needs engine API 1.42"},
	"tmpfs":              {spec: `{volumes: [{mountPath: /t, tmpfs: {size: 8Mi, mode: "1750"}, readOnly: true}]}`},

	"requests": {
		spec:   `{resources: {requests: {cpu: 250m, memory: 16Mi}}}`,
		lifted: map[string]string{"resources.requests.cpu": "", "resources.cpuShares": "256"},
		needs:  func(e plan.Engine) bool { return e.CPUShares && e.MemoryLimit },
		gap:    `resources.requests.`,
	},
	"limits":          {spec: `{resources: {limits: {cpu: 500m, memory: 64Mi, swap: 32Mi, pids: 50}}}`, needs: func(e plan.Engine) bool { return e.CPUCfs && e.MemoryLimit && e.SwapLimit && e.PidsLimit }, gap: `resources.limits.`},
	"limits no swap":  {spec: `{resources: {limits: {memory: 64Mi, swap: 0}}}`, needs: func(e plan.Engine) bool { return e.MemoryLimit && e.SwapLimit }, gap: `resources.limits.`},
	"limits all swap": {spec: `{resources: {limits: {memory: 64Mi, swap: -1}}}`, needs: func(e plan.Engine) bool { return e.MemoryLimit && e.SwapLimit }, gap: `resources.limits.`},
	"limits no pids":  {spec: `{resources: {limits: {pids: -1}}}`, lifted: map[string]string{"resources.limits.pids": ""}, needs: func(e plan.Engine) bool { return e.PidsLimit }, gap: `resources.limits.pids`},
	"cpuShares":       {spec: `{resources: {cpuShares: 512}}`, needs: func(e plan.Engine) bool { return e.CPUShares }, gap: `resources.cpuShares`},
	"cpuset":          {spec: `{resources: {cpusetCpus: "0", cpusetMems: "0"}}`, needs: func(e plan.Engine) bool { return e.CPUSet }, gap: `resources.cpuset`},
	"realtime":        {spec: `{resources: {cpuRealtimePeriod: 1000000, cpuRealtimeRuntime: 1000}}`, needs: cgroup1, gap: "resources.cpuRealtimePeriod: needs cgroup v1", refusal: fault.ResourceLimit},
	"swappiness":      {spec: `{resources: {memorySwappiness: 10}}`, needs: cgroup1, gap: "resources.memorySwappiness: needs cgroup v1"},
	"oom kill": {
		spec:  `{resources: {limits: {memory: 64Mi}, oomKillDisable: true}}`,
		needs: func(e plan.Engine) bool { return e.OOMKillDisable && e.MemoryLimit },
		gap:   "the engine's kernel has no",
	},
	"oom score":       {spec: `{resources: {oomScoreAdj: 500}}`},
	"blkio weight":    {spec: `{resources: {blkio: {weight: 300, weightDevices: [{path: $DISK, weight: 200}]}}}`, refusal: fault.ResourceLimit},
	"blkio rates":     {spec: `{resources: {blkio: {deviceReadBps: [{path: $DISK, rate: 10M}], deviceWriteBps: [{path: $DISK, rate: 11M}], deviceReadIOps: [{path: $DISK, rate: "120"}], deviceWriteIOps: [{path: $DISK, rate: "130"}]}}}`, refusal: fault.ResourceLimit},
	"ulimits":         {spec: `{resources: {ulimits: [{name: nofile, soft: 1000, hard: 2000}, {name: core, soft: -1, hard: -1}]}}`},
	"shmSize":         {spec: `{resources: {shmSize: 32Mi}}`},
	"devices":         {spec: `{resources: {devices: [{hostPath: /dev/null, containerPath: /dev/nothing, permissions: r}]}}`},
	"device rules":    {spec: `{resources: {deviceCgroupRules: ["c 1:3 rwm"]}}`},
	"device requests": {spec: `{resources: {deviceRequests: [{driver: nvidia, deviceIDs: ["0"], capabilities: [[gpu]], options: {a: b}}]}}`, refusal: fault.ResourceAllocation},
	"device count":    {spec: `{resources: {deviceRequests: [{count: -1, capabilities: [[gpu]]}]}}`, refusal: fault.ResourceAllocation},
	"cgroup parent":   {spec: `{resources: {cgroupParent: berthtest-eng}}`, needs: func(e plan.Engine) bool { return e.CgroupDriver != "systemd" }, gap: "resources.cgroupParent"},

	"restart always":         {spec: `{restartPolicy: Always}`},
	"restart unless stopped": {spec: `{restartPolicy: UnlessStopped}`},
	"restart on failure":     {spec: `{restartPolicy: OnFailure, maximumRetryCount: 3}`},
	"restart never":          {spec: `{restartPolicy: Never}`},
	"stop":                   {spec: `{terminationGracePeriodSeconds: 3, stopSignal: SIGUSR2}`},
	"stop at once":           {spec: `{terminationGracePeriodSeconds: 0}`},
	"init":                   {spec: `{init: true}`},
	"init not":               {spec: `{init: false}`},
	"tty":                    {spec: `{tty: true, stdin: true}`},
	"health command":         {spec: `{healthcheck: {command: [/testapp, healthcheck], interval: 2s, timeout: 3s, startPeriod: 4s, retries: 5}}`},
	"health shell":           {spec: `{healthcheck: {shell: "exit 0"}}`},
	"health start":           {spec: `{healthcheck: {command: [/testapp], startInterval: 1s}}`, needs: since("1.44"), gap: "healthcheck.startInterval needs engine API 1.44"},
	"health off":             {spec: `{healthcheck: {disable: true}}`},
	"logging":                {spec: `{logging: {driver: json-file, options: {max-size: 1m, max-file: "2"}}}`},
	"logging none":           {spec: `{logging: {driver: none}}`},

	"privileged":       {spec: `{securityContext: {privileged: true}}`, refusal: fault.RuntimeContainer},
	"capabilities":     {spec: `{securityContext: {capabilities: {add: [NET_ADMIN, SYS_TIME], drop: [ALL]}}}`},
	"read-only":        {spec: `{securityContext: {readOnlyRootFilesystem: true}}`},
	"no new":           {spec: `{securityContext: {noNewPrivileges: true}}`},
	"no new off":       {spec: `{securityContext: {noNewPrivileges: false}}`},
	"seccomp off":      {spec: `{securityContext: {seccompProfile: {type: Unconfined}}}`},
	"seccomp default":  {spec: `{securityContext: {seccompProfile: {type: RuntimeDefault}}}`, lifted: map[string]string{"securityContext.seccompProfile.type": ""}},
	"seccomp":          {spec: `{securityContext: {seccompProfile: {type: Localhost, localhostProfile: $DIR/seccomp.json}}}`, lifted: map[string]string{"securityContext.seccompProfile.localhostProfile": ""}, needs: secured("seccomp"), gap: "securityContext.seccompProfile: the engine runs without seccomp"},
	"apparmor off":     {spec: `{securityContext: {appArmorProfile: {type: Unconfined}}}`},
	"apparmor default": {spec: `{securityContext: {appArmorProfile: {type: RuntimeDefault}}}`, lifted: map[string]string{"securityContext.appArmorProfile.type": ""}},
	"apparmor":         {spec: `{securityContext: {appArmorProfile: {type: Localhost, localhostProfile: docker-default}}}`, needs: secured("apparmor"), gap: "securityContext.appArmorProfile: the engine runs without apparmor"},
	"selinux":          {spec: `{securityContext: {seLinuxOptions: {user: system_u, role: system_r, type: container_t, level: "s0:c1,c2"}}}`, needs: secured("selinux"), gap: "securityContext.seLinuxOptions: the engine runs without selinux"},
	"selinux off":      {spec: `{securityContext: {seLinuxOptions: {disable: true}}}`},
	"paths":            {spec: `{securityContext: {maskedPaths: [/proc/keys], readonlyPaths: [/proc/sys]}}`},
	"paths none":       {spec: `{securityContext: {maskedPaths: [], readonlyPaths: []}}`},

	"userns":          {spec: `{usernsMode: host}`},
	"pid host":        {spec: `{pidMode: host}`},
	"pid container":   {spec: `{pidMode: "container:$PEER"}`},
	"ipc none":        {spec: `{ipcMode: none}`},
	"ipc private":     {spec: `{ipcMode: private}`},
	"ipc shareable":   {spec: `{ipcMode: shareable}`},
	"ipc host":        {spec: `{ipcMode: host}`},
	"ipc container":   {spec: `{ipcMode: "container:$PEER"}`},
	"uts host":        {spec: `{utsMode: host}`},
	"cgroupns host":   {spec: `{cgroupnsMode: host}`},
	"cgroupns own":    {spec: `{cgroupnsMode: private}`},
	"sysctls":         {spec: `{sysctls: {net.ipv4.ip_unprivileged_port_start: "80"}}`},
	"runtime":         {spec: `{runtime: runc}`},
	"runtime not":     {spec: `{runtime: berthtest}`, needs: func(plan.Engine) bool { return false }, gap: `runtime: the engine has no runtime "berthtest"; it has`, refusal: fault.RuntimeContainer},
	"storage options": {spec: `{storageOptions: {size: 1G}}`, refusal: fault.RuntimeContainer},
}

func since(api string) func(plan.Engine) bool {
	return func(e plan.Engine) bool { return plan.APIAtLeast(e.APIVersion, api) }
}

func cgroup1(e plan.Engine) bool { return e.CgroupVersion == "1" }

func secured(option string) func(plan.Engine) bool {
	return func(e plan.Engine) bool {
		return slices.Contains(e.SecurityOptions, "name="+option) || slices.Contains(e.SecurityOptions, "name="+option+",profile=default") ||
			slices.Contains(e.SecurityOptions, "name="+option+",profile=builtin")
	}
}
