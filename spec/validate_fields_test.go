package spec_test

import (
	"bytes"
	"fmt"
	"maps"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"sigs.k8s.io/yaml"

	"berth.dev/berth/spec"
	"berth.dev/berth/spec/internal/shape"
	"berth.dev/berth/spec/load"
	"berth.dev/berth/spec/schema"
)

// free marks a field that takes every value of its type.
const free = "free"

// fieldCases has, for each field that a manifest can have, a spec that is right, and then some that are wrong in this field.
var fieldCases = map[string][]string{
	"Container spec.replicas":                          {"replicas: 3", "replicas: -1", "replicas: 100000", "replicas: two"},
	"Container spec.image":                             {"image: reg.example:5000/a/b:1.4@sha256:" + strings.Repeat("a", 64), "image: Nginx", "image: ''", "image: 'a b'", "image: 1.20"},
	"Container spec.imagePullPolicy":                   {"imagePullPolicy: Always", "imagePullPolicy: always"},
	"Container spec.platform":                          {"platform: linux/arm64/v8", "platform: linux", "platform: Linux/amd64"},
	"Container spec.command[]":                         {"command: [/web, '']", "command: ['']"},
	"Container spec.args[]":                            {"args: [a, '']", "args: [1]"},
	"Container spec.workingDir":                        {"workingDir: /srv", "workingDir: srv"},
	"Container spec.env[].name":                        {"env: [{name: a.b-C}]", "env: [{name: ''}]", "env: [{name: A=B}]", "env: [{name: a b}]", "env: [{name: A}, {name: A}]"},
	"Container spec.env[].value":                       {"env: [{name: A, value: ' = '}]", `env: [{name: A, value: "\0"}]`, "env: [{name: A, value: 1}]"},
	"Container spec.envFile[]":                         {"envFile: [a.env]", "envFile: ['']", "envFile: [none.env]", "envFile: [a.env, a.env]"},
	"Container spec.user":                              {"user: '1000:staff'", "user: 'a b'", "user: ':1'", "user: 'a:b:c'"},
	"Container spec.groups[]":                          {"groups: ['1000', staff]", "groups: ['']", "groups: [a, a]"},
	"Container spec.hostname":                          {"hostname: Web-1.example", "hostname: a_b", "hostname: -a", "hostname: " + strings.Repeat("a", 64)},
	"Container spec.domainname":                        {"domainname: example.org", "domainname: example..org"},
	"Container spec.labels":                            {"labels: {a.b/c: ''}", "labels: {dev.berth.name: x}", "labels: {'': x}", "labels: {a: 1}"},
	"Container spec.annotations":                       {"annotations: {a: b}", "annotations: {dev.berth.x: y}", "annotations: {'': x}"},
	"Container spec.ports[].name":                      {"ports: [{name: http, containerPort: 80}]", "ports: [{name: H, containerPort: 80}]", "ports: [{name: a, containerPort: 1}, {name: a, containerPort: 2}]"},
	"Container spec.ports[].containerPort":             {"ports: [{containerPort: 80}, {containerPort: 80, protocol: UDP}]", "ports: [{containerPort: 0}]", "ports: [{containerPort: 70000}]", "ports: [{containerPort: 1-9}, {containerPort: 5}]"},
	"Container spec.ports[].hostPort":                  {"ports: [{containerPort: 1-2, hostPort: 3-4}, {containerPort: 1, hostPort: 0}]", "ports: [{containerPort: 1, hostPort: 0-1}]", "ports: [{containerPort: 1-3, hostPort: 1-2}]", "replicas: 2, ports: [{containerPort: 80, hostPort: 80}]", "replicas: 3, ports: [{containerPort: 80, hostPort: 80-81}]", "replicas: 2, ports: [{containerPort: 1-2, hostPort: 1-2}]", "ports: [{containerPort: 1, hostPort: 9}, {containerPort: 2, hostPort: 9}]", "ports: [{containerPort: 1, hostPort: 9, hostIP: 0.0.0.0}, {containerPort: 2, hostPort: 9, hostIP: 127.0.0.1}]", "networkMode: host, ports: [{containerPort: 1, hostPort: 1}]", "networkMode: none, ports: [{containerPort: 1, hostPort: 1}]"},
	"Container spec.ports[].hostIP":                    {"ports: [{containerPort: 1, hostPort: 9, hostIP: 127.0.0.1}, {containerPort: 2, hostPort: 9, hostIP: 127.0.0.2}, {containerPort: 2, hostPort: 9, hostIP: '::1'}]", "ports: [{containerPort: 1, hostPort: 1, hostIP: localhost}]", "ports: [{containerPort: 1, hostIP: 127.0.0.1}]"},
	"Container spec.ports[].protocol":                  {"ports: [{containerPort: 1, protocol: SCTP}]", "ports: [{containerPort: 1, protocol: tcp}]"},
	"Container spec.networks[].name":                   {"networks: [{name: a}, {name: b}]", "networks: [{name: ''}]", "networks: [{name: A_b}]", "networks: [{name: a}, {name: a}]"},
	"Container spec.networks[].aliases[]":              {"networks: [{name: a, aliases: [db_1, db.x]}]", "networks: [{name: a, aliases: ['a b']}]", "networks: [{name: a, aliases: [b, b]}]"},
	"Container spec.networks[].ipv4Address":            {"networks: [{name: a, ipv4Address: 172.20.0.9}]", "networks: [{name: a, ipv4Address: fd00::1}]", "networks: [{name: a, ipv4Address: 172.20.0}]", "replicas: 2, networks: [{name: a, ipv4Address: 172.20.0.9}]"},
	"Container spec.networks[].ipv6Address":            {"networks: [{name: a, ipv6Address: 'fd00::9'}]", "networks: [{name: a, ipv6Address: 172.20.0.9}]", "replicas: 2, networks: [{name: a, ipv6Address: 'fd00::9'}]"},
	"Container spec.networks[].macAddress":             {"networks: [{name: a, macAddress: '02:42:ac:11:00:02'}]", "networks: [{name: a, macAddress: '02:42'}]", "networks: [{name: a, macAddress: '01:00:5e:00:00:01'}]", "replicas: 2, networks: [{name: a, macAddress: '02:42:ac:11:00:02'}]"},
	"Container spec.networks[].gatewayPriority":        {"networks: [{name: a, gatewayPriority: -5}]", "networks: [{name: a, gatewayPriority: 9999999999}]"},
	"Container spec.networks[].priority":               {"networks: [{name: a, priority: 1000}]", "networks: [{name: a, priority: 9999999999}]"},
	"Container spec.networks[].linkLocalIPs[]":         {"networks: [{name: a, linkLocalIPs: [169.254.1.1, 'fe80::1']}]", "networks: [{name: a, linkLocalIPs: [10.0.0.1]}]"},
	"Container spec.networks[].driverOptions":          {"networks: [{name: a, driverOptions: {a.b: c}}]", "networks: [{name: a, driverOptions: {'': c}}]"},
	"Container spec.networkMode":                       {"networkMode: container:shop/db", "networkMode: shop", "networkMode: 'container:'", "networkMode: container:a/b/c", "networkMode: container:/db", "networkMode: container:me", "networkMode: container:default/me", "networkMode: bridge, networks: [{name: a}]"},
	"Container spec.dns[]":                             {"dns: [10.0.0.1, '::1']", "dns: [dns.example]", "dns: [10.0.0.1, 10.0.0.1]"},
	"Container spec.dnsSearch[]":                       {"dnsSearch: [example.org, .]", "dnsSearch: ['']", "dnsSearch: ['a b']"},
	"Container spec.dnsOptions[]":                      {"dnsOptions: ['ndots:2']", "dnsOptions: ['ndots: 2']", "dnsOptions: ['']"},
	"Container spec.extraHosts[]":                      {"extraHosts: ['a:10.0.0.1', 'b:::1', 'c:[::1]', 'd:host-gateway', e=10.0.0.1]", "extraHosts: [a]", "extraHosts: ['a:b']", "extraHosts: [':10.0.0.1']", "extraHosts: ['a b:10.0.0.1']"},
	"Container spec.volumes[].name":                    {"volumes: [{name: a, mountPath: /a, volume: {}}]", "volumes: [{name: A, mountPath: /a, volume: {}}]", "volumes: [{name: a, mountPath: /a, volume: {}}, {name: a, mountPath: /b, volume: {}}]"},
	"Container spec.volumes[].mountPath":               {"volumes: [{mountPath: /a, volume: {}}, {mountPath: /a/b, volume: {}}]", "volumes: [{mountPath: a, volume: {}}]", "volumes: [{mountPath: /, volume: {}}]", "volumes: [{mountPath: /a/, volume: {}}]", "volumes: [{mountPath: /a/../b, volume: {}}]", "volumes: [{mountPath: '', volume: {}}]", "volumes: [{mountPath: /a, volume: {}}, {mountPath: /a, tmpfs: {}}]"},
	"Container spec.volumes[].readOnly":                {"volumes: [{mountPath: /a, volume: {name: a}, readOnly: true}]", "volumes: [{mountPath: /a, volume: {}, readOnly: true}]"},
	"Container spec.volumes[].subPath":                 {"volumes: [{mountPath: /a, volume: {name: a}, subPath: b/c}]", "volumes: [{mountPath: /a, volume: {name: a}, subPath: ../c}]", "volumes: [{mountPath: /a, volume: {name: a}, subPath: /c}]", "volumes: [{mountPath: /a, volume: {}, subPath: c}]", "volumes: [{mountPath: /a, tmpfs: {}, subPath: c}]"},
	"Container spec.volumes[].volume.name":             {"volumes: [{mountPath: /a, volume: {name: a-b}}]", "volumes: [{mountPath: /a, volume: {name: a_b}}]"},
	"Container spec.volumes[].volume.noCopy":           {"volumes: [{mountPath: /a, volume: {noCopy: true}}]", free},
	"Container spec.volumes[].hostPath.path":           {"volumes: [{mountPath: /a, hostPath: {path: /}}]", "volumes: [{mountPath: /a, hostPath: {path: ''}}]", "volumes: [{mountPath: /a, hostPath: {path: ./a}}]", "volumes: [{mountPath: /a, hostPath: {path: /a//b}}]"},
	"Container spec.volumes[].hostPath.createHostPath": {"volumes: [{mountPath: /a, hostPath: {path: /a, createHostPath: true}}]", free},
	"Container spec.volumes[].hostPath.propagation":    {"volumes: [{mountPath: /a, hostPath: {path: /a, propagation: rslave}}]", "volumes: [{mountPath: /a, hostPath: {path: /a, propagation: slaves}}]"},
	"Container spec.volumes[].hostPath.nonRecursive":   {"volumes: [{mountPath: /a, hostPath: {path: /a, nonRecursive: true}}]", free},
	"Container spec.volumes[].tmpfs.size":              {"volumes: [{mountPath: /a, tmpfs: {size: 64Mi}}]", "volumes: [{mountPath: /a, tmpfs: {size: 0}}]", "volumes: [{mountPath: /a, tmpfs: {size: 1m}}]"},
	"Container spec.volumes[].tmpfs.mode":              {"volumes: [{mountPath: /a, tmpfs: {mode: '1777'}}]", "volumes: [{mountPath: /a, tmpfs: {mode: '1779'}}]", "volumes: [{mountPath: /a, tmpfs: {mode: 1777}}]"},

	"Container spec.resources.requests.cpu":                    {"resources: {requests: {cpu: 250m}, limits: {cpu: 1}}", "resources: {requests: {cpu: 0}}", "resources: {requests: {cpu: 2}, limits: {cpu: 1}}", "resources: {requests: {cpu: 10k}}"},
	"Container spec.resources.requests.memory":                 {"resources: {requests: {memory: 64Mi}}", "resources: {requests: {memory: 1Mi}}", "resources: {requests: {memory: 65Mi}, limits: {memory: 64Mi}}"},
	"Container spec.resources.limits.cpu":                      {"resources: {limits: {cpu: 1.5}}", "resources: {limits: {cpu: 0}}", "resources: {limits: {cpu: 1m}}", "resources: {limits: {cpu: -1}}", "resources: {limits: {cpu: 1M}}"},
	"Container spec.resources.limits.memory":                   {"resources: {limits: {memory: 6Mi}}", "resources: {limits: {memory: 5Mi}}", "resources: {limits: {memory: 256m}}", "resources: {limits: {memory: 8E}}"},
	"Container spec.resources.limits.swap":                     {"resources: {limits: {memory: 64Mi, swap: -1}}", "resources: {limits: {memory: 64Mi, swap: -2}}", "resources: {limits: {swap: 64Mi}}"},
	"Container spec.resources.limits.pids":                     {"resources: {limits: {pids: -1}}", "resources: {limits: {pids: 0}}", "resources: {limits: {pids: -2}}"},
	"Container spec.resources.cpuShares":                       {"resources: {cpuShares: 512}", "resources: {cpuShares: 1}", "resources: {cpuShares: -5}", "resources: {cpuShares: 512, requests: {cpu: 1}}"},
	"Container spec.resources.cpusetCpus":                      {"resources: {cpusetCpus: '0-2,4'}", "resources: {cpusetCpus: '2-0'}", "resources: {cpusetCpus: '0,'}", "resources: {cpusetCpus: '0-99999'}"},
	"Container spec.resources.cpusetMems":                      {"resources: {cpusetMems: '0'}", "resources: {cpusetMems: a}"},
	"Container spec.resources.cpuRealtimePeriod":               {"resources: {cpuRealtimePeriod: 1000000}", "resources: {cpuRealtimePeriod: -1}"},
	"Container spec.resources.cpuRealtimeRuntime":              {"resources: {cpuRealtimePeriod: 100, cpuRealtimeRuntime: 100}", "resources: {cpuRealtimePeriod: 100, cpuRealtimeRuntime: 101}", "resources: {cpuRealtimeRuntime: -1}"},
	"Container spec.resources.memorySwappiness":                {"resources: {memorySwappiness: 0}", "resources: {memorySwappiness: 101}", "resources: {memorySwappiness: -1}"},
	"Container spec.resources.oomKillDisable":                  {"resources: {oomKillDisable: true}", free},
	"Container spec.resources.oomScoreAdj":                     {"resources: {oomScoreAdj: -1000}", "resources: {oomScoreAdj: 1001}"},
	"Container spec.resources.blkio.weight":                    {"resources: {blkio: {weight: 10}}", "resources: {blkio: {weight: 9}}", "resources: {blkio: {weight: 1001}}"},
	"Container spec.resources.blkio.weightDevices[].path":      {"resources: {blkio: {weightDevices: [{path: /dev/sda, weight: 10}]}}", "resources: {blkio: {weightDevices: [{path: sda, weight: 10}]}}", "resources: {blkio: {weightDevices: [{path: /dev/a, weight: 10}, {path: /dev/a, weight: 10}]}}"},
	"Container spec.resources.blkio.weightDevices[].weight":    {"resources: {blkio: {weightDevices: [{path: /dev/sda, weight: 1000}]}}", "resources: {blkio: {weightDevices: [{path: /dev/sda, weight: 0}]}}"},
	"Container spec.resources.ulimits[].name":                  {"resources: {ulimits: [{name: nofile, soft: 1, hard: 1}]}", "resources: {ulimits: [{name: NOFILE, soft: 1, hard: 1}]}", "resources: {ulimits: [{name: core, soft: 1, hard: 1}, {name: core, soft: 1, hard: 1}]}"},
	"Container spec.resources.ulimits[].soft":                  {"resources: {ulimits: [{name: core, soft: -1, hard: -1}]}", "resources: {ulimits: [{name: core, soft: 2, hard: 1}]}", "resources: {ulimits: [{name: core, soft: -1, hard: 1}]}"},
	"Container spec.resources.ulimits[].hard":                  {"resources: {ulimits: [{name: core, soft: 0, hard: 1}]}", "resources: {ulimits: [{name: core, soft: 0, hard: -2}]}"},
	"Container spec.resources.shmSize":                         {"resources: {shmSize: 64Mi}", "resources: {shmSize: 0}", "resources: {shmSize: 64MB}"},
	"Container spec.resources.devices[].hostPath":              {"resources: {devices: [{hostPath: /dev/fuse}]}", "resources: {devices: [{hostPath: fuse}]}", "resources: {devices: [{hostPath: ''}]}"},
	"Container spec.resources.devices[].containerPath":         {"resources: {devices: [{hostPath: /dev/fuse, containerPath: /dev/f}]}", "resources: {devices: [{hostPath: /dev/fuse, containerPath: f}]}", "resources: {devices: [{hostPath: /dev/a}, {hostPath: /dev/b, containerPath: /dev/a}]}"},
	"Container spec.resources.devices[].permissions":           {"resources: {devices: [{hostPath: /dev/fuse, permissions: mr}]}", "resources: {devices: [{hostPath: /dev/fuse, permissions: rx}]}", "resources: {devices: [{hostPath: /dev/fuse, permissions: rr}]}"},
	"Container spec.resources.deviceCgroupRules[]":             {"resources: {deviceCgroupRules: ['c 1:3 rwm', 'a *:* r']}", "resources: {deviceCgroupRules: ['d 1:3 rwm']}", "resources: {deviceCgroupRules: ['c 1:3']}"},
	"Container spec.resources.deviceRequests[].driver":         {"resources: {deviceRequests: [{driver: nvidia, count: 1}]}", "resources: {deviceRequests: [{driver: 'a b', count: 1}]}"},
	"Container spec.resources.deviceRequests[].count":          {"resources: {deviceRequests: [{driver: nvidia, count: -1}]}", "resources: {deviceRequests: [{driver: nvidia, count: -2}]}", "resources: {deviceRequests: [{driver: nvidia}]}", "resources: {deviceRequests: [{driver: nvidia, count: 1, deviceIDs: [a]}]}"},
	"Container spec.resources.deviceRequests[].deviceIDs[]":    {"resources: {deviceRequests: [{driver: nvidia, deviceIDs: ['0', GPU-1]}]}", "resources: {deviceRequests: [{driver: nvidia, deviceIDs: ['']}]}"},
	"Container spec.resources.deviceRequests[].capabilities[]": {"resources: {deviceRequests: [{capabilities: [[gpu, utility]], count: 1}]}", "resources: {deviceRequests: [{capabilities: [[]], count: 1}]}", "resources: {deviceRequests: [{capabilities: [['']], count: 1}]}", "resources: {deviceRequests: [{capabilities: [gpu], count: 1}]}"},
	"Container spec.resources.deviceRequests[].options":        {"resources: {deviceRequests: [{driver: a, count: 1, options: {a: b}}]}", "resources: {deviceRequests: [{driver: a, count: 1, options: {'': b}}]}"},
	"Container spec.resources.cgroupParent":                    {"resources: {cgroupParent: /berth/a}", "resources: {cgroupParent: /a/../b}", "resources: {cgroupParent: 'a b'}"},

	"Container spec.restartPolicy":                 {"restartPolicy: OnFailure", "restartPolicy: on-failure", "restartPolicy: always"},
	"Container spec.maximumRetryCount":             {"restartPolicy: OnFailure, maximumRetryCount: 3", "maximumRetryCount: 3", "restartPolicy: OnFailure, maximumRetryCount: -1"},
	"Container spec.terminationGracePeriodSeconds": {"terminationGracePeriodSeconds: 0", "terminationGracePeriodSeconds: -1", "terminationGracePeriodSeconds: 30s"},
	"Container spec.stopSignal":                    {"stopSignal: SIGRTMIN+3", "stopSignal: TERM", "stopSignal: SIGFOO", "stopSignal: '65'", "stopSignal: 15"},
	"Container spec.init":                          {"init: false", free},
	"Container spec.tty":                           {"tty: true", free},
	"Container spec.stdin":                         {"stdin: true", free},
	"Container spec.healthcheck.command[]":         {"healthcheck: {command: [/check, '']}", "healthcheck: {command: ['']}"},
	"Container spec.healthcheck.shell":             {"healthcheck: {shell: 'true'}", "healthcheck: {shell: 'true', command: [a]}"},
	"Container spec.healthcheck.interval":          {"healthcheck: {interval: 1ms}", "healthcheck: {interval: 1us}", "healthcheck: {interval: -1s}", "healthcheck: {interval: 5}"},
	"Container spec.healthcheck.timeout":           {"healthcheck: {timeout: 1m30s}", "healthcheck: {timeout: 10ns}"},
	"Container spec.healthcheck.startPeriod":       {"healthcheck: {startPeriod: 0}", "healthcheck: {startPeriod: -5s}"},
	"Container spec.healthcheck.startInterval":     {"healthcheck: {startInterval: 5s}", "healthcheck: {startInterval: 5ns}"},
	"Container spec.healthcheck.retries":           {"healthcheck: {retries: 1}", "healthcheck: {retries: -1}"},
	"Container spec.healthcheck.disable":           {"healthcheck: {disable: true}", "healthcheck: {disable: true, interval: 1s}"},
	"Container spec.logging.driver":                {"logging: {driver: json-file}", "logging: {driver: ''}", "logging: {driver: 'a b'}"},
	"Container spec.logging.options":               {"logging: {driver: json-file, options: {max-size: 10m}}", "logging: {driver: none, options: {a: b}}", "logging: {driver: local, options: {'': b}}", "logging: {driver: local, options: {max-file: 3}}"},

	"Container spec.securityContext.privileged":                       {"securityContext: {privileged: true}", free},
	"Container spec.securityContext.capabilities.add[]":               {"securityContext: {capabilities: {add: [NET_ADMIN, ALL]}}", "securityContext: {capabilities: {add: [CAP_NET_ADMIN]}}", "securityContext: {capabilities: {add: [net_admin]}}", "securityContext: {capabilities: {add: [FLY]}}", "securityContext: {capabilities: {add: [KILL, KILL]}}"},
	"Container spec.securityContext.capabilities.drop[]":              {"securityContext: {capabilities: {add: [KILL], drop: [ALL]}}", "securityContext: {capabilities: {add: [KILL], drop: [KILL]}}", "securityContext: {capabilities: {drop: [all]}}"},
	"Container spec.securityContext.readOnlyRootFilesystem":           {"securityContext: {readOnlyRootFilesystem: true}", free},
	"Container spec.securityContext.noNewPrivileges":                  {"securityContext: {noNewPrivileges: true}", free},
	"Container spec.securityContext.seccompProfile.type":              {"securityContext: {seccompProfile: {type: Unconfined}}", "securityContext: {seccompProfile: {type: unconfined}}", "securityContext: {seccompProfile: {type: ''}}"},
	"Container spec.securityContext.seccompProfile.localhostProfile":  {"securityContext: {seccompProfile: {type: Localhost, localhostProfile: /etc/a.json}}", "securityContext: {seccompProfile: {type: Localhost}}", "securityContext: {seccompProfile: {type: Localhost, localhostProfile: a.json}}", "securityContext: {seccompProfile: {type: Unconfined, localhostProfile: /a.json}}"},
	"Container spec.securityContext.appArmorProfile.type":             {"securityContext: {appArmorProfile: {type: RuntimeDefault}}", "securityContext: {appArmorProfile: {type: Default}}"},
	"Container spec.securityContext.appArmorProfile.localhostProfile": {"securityContext: {appArmorProfile: {type: Localhost, localhostProfile: web}}", "securityContext: {appArmorProfile: {type: Localhost}}", "securityContext: {appArmorProfile: {type: Localhost, localhostProfile: 'a b'}}"},
	"Container spec.securityContext.seLinuxOptions.user":              {"securityContext: {seLinuxOptions: {user: system_u}}", "securityContext: {seLinuxOptions: {user: 'a b'}}"},
	"Container spec.securityContext.seLinuxOptions.role":              {"securityContext: {seLinuxOptions: {role: system_r}}", "securityContext: {seLinuxOptions: {role: 'a b'}}"},
	"Container spec.securityContext.seLinuxOptions.type":              {"securityContext: {seLinuxOptions: {type: container_t}}", "securityContext: {seLinuxOptions: {type: 'a b'}}"},
	"Container spec.securityContext.seLinuxOptions.level":             {"securityContext: {seLinuxOptions: {level: 's0:c1,c2'}}", "securityContext: {seLinuxOptions: {level: 'a b'}}"},
	"Container spec.securityContext.seLinuxOptions.disable":           {"securityContext: {seLinuxOptions: {disable: true}}", "securityContext: {seLinuxOptions: {disable: true, type: a}}"},
	"Container spec.securityContext.maskedPaths[]":                    {"securityContext: {maskedPaths: [/proc/kcore]}", "securityContext: {maskedPaths: [proc]}"},
	"Container spec.securityContext.readonlyPaths[]":                  {"securityContext: {readonlyPaths: []}", "securityContext: {readonlyPaths: [/proc/]}"},

	"Container spec.usernsMode":     {"usernsMode: host", "usernsMode: private"},
	"Container spec.pidMode":        {"pidMode: container:db", "pidMode: private", "pidMode: 'container:'", "pidMode: container:me"},
	"Container spec.ipcMode":        {"ipcMode: shareable", "ipcMode: shared", "ipcMode: container:A"},
	"Container spec.utsMode":        {"utsMode: host", "utsMode: private"},
	"Container spec.cgroupnsMode":   {"cgroupnsMode: private", "cgroupnsMode: shared"},
	"Container spec.sysctls":        {"sysctls: {net.core.somaxconn: '1024', kernel.shmmax: '1'}", "sysctls: {vm.swappiness: '1'}", "networkMode: host, sysctls: {net.core.somaxconn: '1'}", "ipcMode: host, sysctls: {kernel.sem: '1'}", "utsMode: host, sysctls: {kernel.domainname: a}", "sysctls: {net.core.somaxconn: 1024}"},
	"Container spec.runtime":        {"runtime: io.containerd.runc.v2", "runtime: 'a b'"},
	"Container spec.storageOptions": {"storageOptions: {size: 10G}", "storageOptions: {'': a}"},

	"Network spec.networkName":               {"networkName: shop_net.1", "networkName: a", "networkName: a/b", "networkName: -ab", "networkName: bridge"},
	"Network spec.external":                  {"external: true, networkName: host", free},
	"Network spec.driver":                    {"driver: macvlan", "driver: 'a b'", "driver: host", "external: true, driver: bridge"},
	"Network spec.options":                   {"options: {com.docker.network.bridge.name: br0}", "options: {'': a}", "external: true, options: {a: b}"},
	"Network spec.ipam.driver":               {"ipam: {driver: default}", "ipam: {driver: 'a b'}"},
	"Network spec.ipam.options":              {"ipam: {options: {a: b}}", "ipam: {options: {'': b}}"},
	"Network spec.ipam.pools[].subnet":       {"ipv6: true, ipam: {pools: [{subnet: 172.20.0.0/16}, {subnet: 'fd00::/64'}]}", "ipam: {pools: [{subnet: 172.20.0.1/16}]}", "ipam: {pools: [{subnet: 172.20.0.0}]}", "ipam: {pools: [{subnet: ''}]}", "ipam: {pools: [{subnet: 'fd00::/64'}]}", "ipam: {pools: [{subnet: 10.0.0.0/8}, {subnet: 10.1.0.0/16}]}"},
	"Network spec.ipam.pools[].ipRange":      {"ipam: {pools: [{subnet: 172.20.0.0/16, ipRange: 172.20.5.0/24}]}", "ipam: {pools: [{subnet: 172.20.0.0/16, ipRange: 172.21.5.0/24}]}", "ipam: {pools: [{subnet: 172.20.0.0/16, ipRange: 172.0.0.0/8}]}", "ipam: {pools: [{subnet: 172.20.0.0/16, ipRange: 172.20.5.1/24}]}"},
	"Network spec.ipam.pools[].gateway":      {"ipam: {pools: [{subnet: 172.20.0.0/16, gateway: 172.20.0.1}]}", "ipam: {pools: [{subnet: 172.20.0.0/16, gateway: 172.21.0.1}]}", "ipam: {pools: [{subnet: 172.20.0.0/16, gateway: a}]}"},
	"Network spec.ipam.pools[].auxAddresses": {"ipam: {pools: [{subnet: 172.20.0.0/16, auxAddresses: {router: 172.20.0.2}}]}", "ipam: {pools: [{subnet: 172.20.0.0/16, auxAddresses: {router: 10.0.0.2}}]}", "ipam: {pools: [{subnet: 172.20.0.0/16, auxAddresses: {router: ''}}]}", "ipam: {pools: [{subnet: 172.20.0.0/16, gateway: 172.20.0.1, auxAddresses: {a: 172.20.0.1}}]}"},
	"Network spec.internal":                  {"internal: true", "external: true, internal: true"},
	"Network spec.attachable":                {"attachable: true", "external: true, attachable: true"},
	"Network spec.ipv6":                      {"ipv6: true", "external: true, ipv6: true"},
	"Network spec.labels":                    {"labels: {a: b}", "labels: {dev.berth.name: b}", "external: true, labels: {a: b}"},

	"Volume spec.volumeName":    {"volumeName: shop_data", "volumeName: a", "volumeName: /data"},
	"Volume spec.external":      {"external: true, volumeName: data", free},
	"Volume spec.driver":        {"driver: local", "driver: 'a b'", "external: true, driver: local"},
	"Volume spec.options":       {"options: {type: nfs, o: addr=10.0.0.1}", "options: {'': a}", "external: true, options: {a: b}"},
	"Volume spec.labels":        {"labels: {a: b}", "labels: {dev.berth.x: b}"},
	"Volume spec.reclaimPolicy": {"reclaimPolicy: Delete", "reclaimPolicy: delete", "external: true, reclaimPolicy: Delete"},
}

func init() {
	for _, rates := range []string{"deviceReadBps", "deviceWriteBps", "deviceReadIOps", "deviceWriteIOps"} {
		at := "Container spec.resources.blkio." + rates
		fieldCases[at+"[].path"] = []string{
			"resources: {blkio: {" + rates + ": [{path: /dev/sda, rate: 1Mi}]}}",
			"resources: {blkio: {" + rates + ": [{path: sda, rate: 1}]}}",
			"resources: {blkio: {" + rates + ": [{path: /dev/a, rate: 1}, {path: /dev/a, rate: 1}]}}",
		}
		fieldCases[at+"[].rate"] = []string{
			"resources: {blkio: {" + rates + ": [{path: /dev/sda, rate: 100}]}}",
			"resources: {blkio: {" + rates + ": [{path: /dev/sda, rate: 0}]}}",
			"resources: {blkio: {" + rates + ": [{path: /dev/sda, rate: 500m}]}}",
		}
	}
}

// TestEveryField notices a field that nobody thought of how to check.
func TestEveryField(t *testing.T) {
	known := map[string]bool{}
	for _, k := range spec.Kinds() {
		o, _ := spec.New(k)
		for _, leaf := range leaves(reflect.TypeOf(o).Elem(), string(k)+" ") {
			known[leaf] = true
			if !strings.Contains(leaf, " spec.") || strings.Contains(leaf, "emplate.spec.") {
				continue // the same for every kind: TestMetadata; or for a Container: addJobTemplate
			}
			if cases := fieldCases[leaf]; len(cases) < 2 {
				t.Errorf("%s is not in the table of fields: validate it, and add a value that is right and one that is wrong", leaf)
			}
		}
	}
	editor := manifests(t)
	for _, path := range slices.Sorted(maps.Keys(fieldCases)) {
		if !known[path] {
			t.Errorf("%s is in the table of fields, and there is none", path)
		}
		t.Run(path, func(t *testing.T) { checkField(t, path, fieldCases[path], editor) })
	}
}

func leaves(t reflect.Type, at string) []string {
	switch shape.Of(t) {
	case shape.Object:
		var out []string
		for _, f := range shape.Fields(t) {
			sep := "."
			if strings.HasSuffix(at, " ") {
				sep = ""
			}
			out = append(out, leaves(f.Type, at+sep+f.Name)...)
		}
		return out
	case shape.List:
		if e := shape.Deref(t.Elem()); shape.Of(e) == shape.Object {
			return leaves(e, at+"[]")
		}
		return []string{at + "[]"}
	}
	return []string{at}
}

func checkField(t *testing.T, path string, cases []string, known *jsonschema.Schema) {
	kind, field, _ := strings.Cut(path, " ")
	if problems := try(kind, cases[0]); len(problems) > 0 {
		t.Errorf("%s:\n%v", cases[0], problems)
	}
	if err := known.Validate(decode(t, manifest(kind, cases[0]))); err != nil {
		t.Errorf("%s: not in the schema: %v", cases[0], err)
	}
	for _, bad := range cases[1:] {
		if bad == free {
			continue
		}
		problems := try(kind, bad)
		if !slices.ContainsFunc(problems, func(p load.Problem) bool { return within(p, field) }) {
			t.Errorf("%s: no problem with %s:\n%v", bad, field, problems)
		}
	}
}

var subscript = regexp.MustCompile(`\[\d+\]`)

// within reports whether a problem is that of a field, or of something in it or, for lists, of the list.
func within(p load.Problem, field string) bool {
	at := subscript.ReplaceAllString(p.Field, "[]")
	return strings.HasPrefix(at, field) && p.Line == 4 && p.Message != ""
}

// manifests is the schema of every kind; what loads must be in it, or editors complain about what is right.
func manifests(t *testing.T) *jsonschema.Schema {
	t.Helper()
	text, err := schema.All()
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
	return c.MustCompile("berth.json")
}

func decode(t *testing.T, manifest []byte) any {
	t.Helper()
	j, err := yaml.YAMLToJSON(manifest)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(j))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// needed is what a spec of a kind cannot do without.
var needed = map[string][]struct{ field, text string }{
	"Container":    {{"image:", "image: nginx"}},
	"Job":          {{"template:", "template: {spec: {image: nginx}}"}},
	"CronJob":      {{"schedule:", "schedule: '@daily'"}, {"jobTemplate:", "jobTemplate: {spec: {template: {spec: {image: nginx}}}}"}},
	"Notification": {{"webhook:", "webhook: {url: 'http://a'}"}},
}

func manifest(kind, body string) []byte {
	parts := []string{body}
	for _, n := range needed[kind] {
		if !strings.HasPrefix(body, n.field) {
			parts = append(parts, n.text)
		}
	}
	return fmt.Appendf(nil, "apiVersion: berth.dev/v1\nkind: %s\nmetadata: {name: me}\nspec: {%s}\n", kind, strings.Join(parts, ", "))
}

func try(kind, body string) []load.Problem {
	read := func(path string) ([]byte, error) {
		if path == "a.env" {
			return []byte("A=1\n"), nil
		}
		return nil, fmt.Errorf("there is no %s", path)
	}
	return load.LoadFile(load.File{Path: "m.yaml", Data: manifest(kind, body)}, load.Options{ReadFile: read}).Problems
}

func TestMetadata(t *testing.T) {
	for metadata, field := range map[string]string{
		"{name: a, namespace: b, labels: {a.b/c: d, e: ''}, annotations: {berth.dev/adopt: 'true', x: 'any text'}}": "",
		"{name: A}":   "metadata.name",
		"{name: ''}":  "metadata.name",
		"{name: a.b}": "metadata.name",
		"{name: " + strings.Repeat("a", 64) + "}":          "metadata.name",
		"{name: a, namespace: B_c}":                        "metadata.namespace",
		"{name: a, labels: {'a b': c}}":                    "metadata.labels",
		"{name: a, labels: {a: 'b c'}}":                    "metadata.labels[a]",
		"{name: a, labels: {dev.berth.name: b}}":           "metadata.labels[dev.berth.name]",
		"{name: a, annotations: {'a b': c}}":               "metadata.annotations",
		"{name: a, annotations: {berth.dev/adopt: 'yes'}}": "metadata.annotations[berth.dev/adopt]",
		"{name: a, annotations: {dev.berth.x: 'yes'}}":     "metadata.annotations[dev.berth.x]",
	} {
		data := fmt.Appendf(nil, "apiVersion: berth.dev/v1\nkind: Volume\nmetadata: %s\n", metadata)
		problems := load.LoadFile(load.File{Path: "m.yaml", Data: data}, load.Options{}).Problems
		if field == "" && len(problems) == 0 {
			continue
		}
		if len(problems) != 1 || problems[0].Field != field {
			t.Errorf("%s: want a problem with %q, found %v", metadata, field, problems)
		}
	}
}

// TestCombinations has what concerns several fields, or none that is written.
func TestCombinations(t *testing.T) {
	for body, want := range map[string]string{
		"networkMode: container:db, hostname: a":                           "spec.hostname",
		"networkMode: container:db, dns: [10.0.0.1]":                       "spec.dns",
		"networkMode: container:db, extraHosts: ['a:10.0.0.1']":            "spec.extraHosts",
		"networkMode: container:db, ports: [{containerPort: 80}]":          "spec.ports",
		"utsMode: host, hostname: a":                                       "spec.hostname",
		"volumes: [{mountPath: /a}]":                                       "spec.volumes[0]",
		"volumes: [{mountPath: /a, volume: {}, tmpfs: {}}]":                "spec.volumes[0]",
		"securityContext: {privileged: true, capabilities: {add: [KILL]}}": "spec.securityContext.capabilities",
		"resources: {deviceRequests: [{count: 1}]}":                        "spec.resources.deviceRequests[0].capabilities",
		"replicas: 2, networks: [{name: a, linkLocalIPs: [169.254.1.1]}]":  "spec.networks[0].linkLocalIPs",

		"livenessProbe: {}": "spec.livenessProbe",
		"livenessProbe: {exec: {command: [a]}, grpc: {port: 80}}":             "spec.livenessProbe",
		"livenessProbe: {exec: {command: []}}":                                "spec.livenessProbe.exec.command",
		"livenessProbe: {exec: {}}":                                           "spec.livenessProbe.exec.command",
		"livenessProbe: {dockerHealth: {}, failureThreshold: 3}":              "spec.livenessProbe.failureThreshold",
		"livenessProbe: {dockerHealth: {}, initialDelaySeconds: 3}":           "spec.livenessProbe.initialDelaySeconds",
		"livenessProbe: {dockerHealth: {}, terminationGracePeriodSeconds: 3}": "spec.livenessProbe.terminationGracePeriodSeconds",
		"livenessProbe: {dockerHealth: {}}, healthcheck: {disable: true}":     "spec.livenessProbe.dockerHealth",
		"readinessProbe: {dockerHealth: {}}":                                  "spec.readinessProbe.dockerHealth",
		"startupProbe: {dockerHealth: {}}":                                    "spec.startupProbe.dockerHealth",
		"networkMode: none, livenessProbe: {httpGet: {port: 80}}":             "spec.livenessProbe.httpGet",
		"networkMode: none, livenessProbe: {tcpSocket: {port: 80}}":           "spec.livenessProbe.tcpSocket",
		"networkMode: none, livenessProbe: {grpc: {port: 80}}":                "spec.livenessProbe.grpc",
		"networkMode: none, lifecycle: {preStop: {httpGet: {port: 80}}}":      "spec.lifecycle.preStop.httpGet",
		"lifecycle: {}":            "spec.lifecycle",
		"lifecycle: {preStop: {}}": "spec.lifecycle.preStop",
		"lifecycle: {preStop: {sleep: {seconds: 1}, exec: {command: [a]}}}": "spec.lifecycle.preStop",
		"strategy: {type: Recreate, rollingUpdate: {}}":                     "spec.strategy.rollingUpdate",
		"strategy: {rollingUpdate: {maxSurge: 0%, maxUnavailable: 0}}":      "spec.strategy.rollingUpdate",
		"updatePolicy: {}": "spec.updatePolicy",
		"image: 'a@sha256:" + strings.Repeat("0", 64) + "', imagePullPolicy: Always, updatePolicy: {}": "spec.updatePolicy",

		"webhook: {}": "spec.webhook",
		"webhook: {url: 'http://a', urlFile: /a}":                                   "spec.webhook",
		"webhook: {url: 'http://a', headers: [{name: A}]}":                          "spec.webhook.headers[0]",
		"webhook: {url: 'http://a', headers: [{name: A, value: b, valueFile: /a}]}": "spec.webhook.headers[0]",
	} {
		kind := "Container"
		if strings.HasPrefix(body, "webhook:") {
			kind = "Notification"
		}
		problems := try(kind, body)
		if len(problems) != 1 || problems[0].Field != want {
			t.Errorf("%s: want a problem with %s, found %v", body, want, problems)
		}
	}
}

// TestValidateBeforeDefault holds what Validate says about order: a default is never a problem.
func TestValidateBeforeDefault(t *testing.T) {
	job := spec.ContainerTemplate{Spec: spec.ContainerSpec{Image: "nginx"}}
	for _, o := range []spec.Object{
		&spec.Container{Metadata: spec.Metadata{Name: "a"}, Spec: spec.ContainerSpec{Image: "nginx", Networks: []spec.NetworkAttachment{{Name: "n"}}}},
		&spec.Volume{Metadata: spec.Metadata{Name: "a"}, Spec: spec.VolumeSpec{External: true}},
		&spec.Network{Metadata: spec.Metadata{Name: "a"}, Spec: spec.NetworkSpec{External: true}},
		&spec.Container{Metadata: spec.Metadata{Name: "a"}, Spec: spec.ContainerSpec{Image: "nginx", ImagePullPolicy: spec.PullAlways, Strategy: &spec.Strategy{RollingUpdate: &spec.RollingUpdate{}},
			LivenessProbe: &spec.Probe{DockerHealth: &spec.DockerHealthAction{}}, ReadinessProbe: &spec.Probe{HTTPGet: &spec.HTTPGetAction{Port: spec.PortRef{Number: 80}}},
			UpdatePolicy: &spec.UpdatePolicy{}, DependsOn: []spec.Dependency{{Name: "b"}}}},
		&spec.Job{Metadata: spec.Metadata{Name: "a"}, Spec: spec.JobSpec{Template: job}},
		&spec.CronJob{Metadata: spec.Metadata{Name: "a"}, Spec: spec.CronJobSpec{Schedule: "@daily", JobTemplate: spec.JobTemplate{Spec: spec.JobSpec{Template: job}}}},
		&spec.Notification{Metadata: spec.Metadata{Name: "a"}, Spec: spec.NotificationSpec{Webhook: spec.Webhook{URL: "http://a"}}},
	} {
		before := spec.Validate(o)
		spec.Default(o)
		if after := spec.Validate(o); len(before) > 0 || len(after) > 0 {
			t.Errorf("%s: %v before, %v after", o.Key(), before, after)
		}
	}
}
