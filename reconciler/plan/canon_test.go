package plan

import (
	"maps"
	"testing"
)

// TestCanonical: what means the same has the same form, and what does not has not.
func TestCanonical(t *testing.T) {
	for _, test := range []struct {
		row, a, b string
		differ    bool
	}{
		{"stopSignal", `{stopSignal: SIGTERM}`, `{stopSignal: TERM}`, false},
		{"stopSignal", `{stopSignal: SIGTERM}`, `{stopSignal: term}`, false},
		{"stopSignal", `{stopSignal: SIGTERM}`, `{stopSignal: INT}`, true},
		{"securityContext.capabilities.add", `{securityContext: {capabilities: {add: [CAP_NET_ADMIN, SYS_TIME]}}}`, `{securityContext: {capabilities: {add: [sys_time, net_admin]}}}`, false},
		{"securityContext.capabilities.drop", `{securityContext: {capabilities: {drop: [ALL]}}}`, `{securityContext: {capabilities: {drop: [all]}}}`, false},
		{"securityContext.maskedPaths", `{securityContext: {maskedPaths: [/a, /b]}}`, `{securityContext: {maskedPaths: [/b, /a]}}`, false},
		{"securityContext.maskedPaths", `{securityContext: {maskedPaths: []}}`, `{}`, true},
		{"resources.limits.cpu", `{resources: {limits: {cpu: "0.5"}}}`, `{resources: {limits: {cpu: 500m}}}`, false},
		{"resources.limits.cpu", `{resources: {limits: {cpu: 1}}}`, `{resources: {limits: {cpu: 1000m}}}`, false},
		{"resources.limits.cpu", `{resources: {limits: {cpu: 0}}}`, `{}`, false},
		{"resources.limits.memory", `{resources: {limits: {memory: 1Gi}}}`, `{resources: {limits: {memory: 1024Mi}}}`, false},
		{"resources.limits.memory", `{resources: {limits: {memory: 1Gi}}}`, `{resources: {limits: {memory: "1073741824"}}}`, false},
		{"resources.limits.memory", `{resources: {limits: {memory: 1G}}}`, `{resources: {limits: {memory: 1Gi}}}`, true},
		{"resources.limits.memory", `{resources: {limits: {memory: 0}}}`, `{}`, false},
		{"resources.limits.swap", `{resources: {limits: {memory: 64Mi}}}`, `{resources: {limits: {memory: 64Mi, swap: 64Mi}}}`, false},
		{"resources.limits.swap", `{resources: {limits: {memory: 64Mi, swap: -1}}}`, `{resources: {limits: {memory: 64Mi, swap: -5}}}`, false},
		{"resources.limits.swap", `{resources: {limits: {memory: 64Mi, swap: 0}}}`, `{resources: {limits: {memory: 64Mi}}}`, true},
		{"resources.limits.swap", `{resources: {limits: {swap: -1}}}`, `{}`, false},
		{"resources.limits.pids", `{resources: {limits: {pids: -1}}}`, `{}`, false},
		{"resources.cpuShares", `{resources: {requests: {cpu: 500m}}}`, `{resources: {cpuShares: 512}}`, false},
		{"resources.cpuShares", `{resources: {requests: {cpu: 1}}}`, `{}`, false},
		{"resources.cpuShares", `{resources: {requests: {cpu: 1m}}}`, `{resources: {cpuShares: 2}}`, false},
		{"resources.shmSize", `{resources: {shmSize: 64Mi}}`, `{resources: {shmSize: 65536Ki}}`, false},
		{"resources.devices", `{resources: {devices: [{hostPath: /dev/a}]}}`, `{resources: {devices: [{hostPath: /dev/a, containerPath: /dev/a, permissions: rwm}]}}`, false},
		{"resources.blkio.deviceReadBps", `{resources: {blkio: {deviceReadBps: [{path: /a, rate: 1M}]}}}`, `{resources: {blkio: {deviceReadBps: [{path: /a, rate: "1000000"}]}}}`, false},
		{"ports", `{ports: [{containerPort: 80}]}`, `{ports: [{containerPort: 80, protocol: TCP}]}`, false},
		{"ports", `{ports: [{containerPort: 80, hostPort: 1}]}`, `{ports: [{containerPort: 80, hostPort: 1, hostIP: 0.0.0.0}]}`, false},
		{"ports", `{ports: [{containerPort: 80, hostPort: 1}]}`, `{ports: [{containerPort: 80, hostPort: 1, hostIP: "::"}]}`, true},
		{"ports", `{ports: [{containerPort: 80-81, hostPort: 90-91}]}`, `{ports: [{containerPort: 81, hostPort: 91}, {containerPort: 80, hostPort: 90}]}`, false},
		{"ports", `{ports: [{containerPort: 80, hostPort: 1}, {containerPort: 80}]}`, `{ports: [{containerPort: 80, hostPort: 1}]}`, false},
		{"ports", `{ports: [{containerPort: 80, name: a}]}`, `{ports: [{containerPort: 80, name: b}]}`, false},
		{"networkMode", `{networkMode: default}`, `{networkMode: bridge}`, false},
		{"networkMode", `{networkMode: "some-network"}`, `{}`, false},
		{"volumes", `{volumes: [{mountPath: /a, hostPath: {path: /b, propagation: rprivate}}]}`, `{volumes: [{mountPath: /a, hostPath: {path: /b}}]}`, false},
		{"volumes", `{volumes: [{mountPath: /a, hostPath: {path: /b}, subPath: c}]}`, `{volumes: [{mountPath: /a, hostPath: {path: /b/c}}]}`, false},
		{"volumes", `{volumes: [{mountPath: /a, hostPath: {path: /b/}, subPath: c/}]}`, `{volumes: [{mountPath: /a, hostPath: {path: /b/c}}]}`, false},
		{"volumes", `{volumes: [{mountPath: /a/, hostPath: {path: /b/}}]}`, `{volumes: [{mountPath: /a, hostPath: {path: /b}}]}`, false},
		{"volumes", `{volumes: [{mountPath: /a, hostPath: {path: /b, createHostPath: true}}]}`, `{volumes: [{mountPath: /a, hostPath: {path: /b}}]}`, false},
		{"volumes", `{volumes: [{mountPath: /a, tmpfs: {mode: "0700"}}]}`, `{volumes: [{mountPath: /a, tmpfs: {mode: "700"}}]}`, false},
		{"volumes", `{volumes: [{mountPath: /a, tmpfs: {}}, {mountPath: /b, tmpfs: {}}]}`, `{volumes: [{mountPath: /b, tmpfs: {}}, {mountPath: /a, tmpfs: {}}]}`, false},
		{"env", `{env: [{name: A, value: b}, {name: C}]}`, `{env: [{name: C}, {name: A, value: b}]}`, false},
		{"env", `{env: [{name: A, value: b}, {name: A, value: c}]}`, `{env: [{name: A, value: c}]}`, false},
		{"groups", `{groups: [a, b]}`, `{groups: [b, a]}`, false},
		{"dns", `{dns: [a, b]}`, `{dns: [b, a]}`, true},
		{"command", `{command: [a, b]}`, `{command: [b, a]}`, true},
		{"command", `{command: []}`, `{}`, false},
		{"restartPolicy", `{}`, `{restartPolicy: Never}`, false},
		{"restartPolicy", `{restartPolicy: OnFailure}`, `{restartPolicy: OnFailure, maximumRetryCount: 0}`, false},
		{"restartPolicy", `{restartPolicy: Always, maximumRetryCount: 3}`, `{restartPolicy: Always}`, false},
		{"healthcheck", `{healthcheck: {interval: 60s}}`, `{healthcheck: {interval: 1m}}`, false},
		{"healthcheck", `{healthcheck: {}}`, `{}`, false},
	} {
		r := &rows[rowIndex[test.row]]
		a, b := r.flat(parseSpec(t, test.a)), r.flat(parseSpec(t, test.b))
		if maps.Equal(a, b) == test.differ {
			t.Errorf("%s: differ should be %v:\n%s: %v\n%s: %v", test.row, test.differ, test.a, a, test.b, b)
		}
	}
}
