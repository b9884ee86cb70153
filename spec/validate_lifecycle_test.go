package spec_test

import (
	"maps"
	"slices"
	"strings"
)

// lifecycleCases are the fieldCases of probes, hooks, rollouts, jobs and notifications.
var lifecycleCases = map[string][]string{
	"Container spec.initContainers[].name":  {"initContainers: [{name: a}, {name: b-1}]", "initContainers: [{image: x}]", "initContainers: [{name: ''}]", "initContainers: [{name: A}]", "initContainers: [{name: a}, {name: a}]"},
	"Container spec.initContainers[].image": {"initContainers: [{name: a, image: 'x:1'}]", "initContainers: [{name: a, image: X}]"},

	"Container spec.dependsOn[].name":      {"dependsOn: [{name: db}, {name: db, namespace: b}, {name: db, kind: Job}]", "dependsOn: [{kind: Job}]", "dependsOn: [{name: ''}]", "dependsOn: [{name: D}]", "dependsOn: [{name: me}]", "dependsOn: [{name: me, namespace: default}]", "dependsOn: [{name: a}, {name: a, condition: Started}]"},
	"Container spec.dependsOn[].namespace": {"dependsOn: [{name: a, namespace: b}]", "dependsOn: [{name: a, namespace: B}]"},
	"Container spec.dependsOn[].kind":      {"dependsOn: [{name: a, kind: Job}]", "dependsOn: [{name: a, kind: CronJob}]", "dependsOn: [{name: a, kind: job}]"},
	"Container spec.dependsOn[].condition": {"dependsOn: [{name: a, condition: Completed}, {name: b, condition: Started}]", "dependsOn: [{name: a, condition: ready}]"},

	"Container spec.strategy.type":                         {"strategy: {type: Recreate}", "strategy: {type: Rolling}"},
	"Container spec.strategy.rollingUpdate.maxUnavailable": {"strategy: {rollingUpdate: {maxUnavailable: 100%}}", "strategy: {rollingUpdate: {maxUnavailable: -1}}", "strategy: {rollingUpdate: {maxUnavailable: 101%}}", "strategy: {rollingUpdate: {maxUnavailable: 1001}}", "strategy: {rollingUpdate: {maxUnavailable: half}}"},
	"Container spec.strategy.rollingUpdate.maxSurge":       {"strategy: {rollingUpdate: {maxSurge: 0, maxUnavailable: 1}}", "strategy: {rollingUpdate: {maxSurge: 1.5}}", "strategy: {rollingUpdate: {maxSurge: ''}}"},
	"Container spec.minReadySeconds":                       {"minReadySeconds: 0", "minReadySeconds: -1", "minReadySeconds: 600", "minReadySeconds: 5, progressDeadlineSeconds: 5"},
	"Container spec.progressDeadlineSeconds":               {"progressDeadlineSeconds: 1", "progressDeadlineSeconds: 0", "progressDeadlineSeconds: 10m"},
	"Container spec.revisionHistoryLimit":                  {"revisionHistoryLimit: 0", "revisionHistoryLimit: -1", "revisionHistoryLimit: 1001"},
	"Container spec.suspend":                               {"suspend: true", free},
	"Container spec.updatePolicy.type":                     {"imagePullPolicy: Always, updatePolicy: {type: Digest}", "imagePullPolicy: Always, updatePolicy: {type: Semver}"},
	"Container spec.updatePolicy.range":                    {"imagePullPolicy: Always, updatePolicy: {type: SemVer, range: '>=2 <3'}", "imagePullPolicy: Always, updatePolicy: {type: SemVer}", "imagePullPolicy: Always, updatePolicy: {type: SemVer, range: newest}", "imagePullPolicy: Always, updatePolicy: {range: ~1}"},
	"Container spec.updatePolicy.pattern":                  {"imagePullPolicy: Always, updatePolicy: {type: Glob, pattern: 'release-*'}", "imagePullPolicy: Always, updatePolicy: {type: Glob}", "imagePullPolicy: Always, updatePolicy: {type: Glob, pattern: 'a['}", "imagePullPolicy: Always, updatePolicy: {pattern: a}"},
	"Container spec.updatePolicy.schedule":                 {"imagePullPolicy: Always, updatePolicy: {schedule: '@every 90s'}", "imagePullPolicy: Always, updatePolicy: {schedule: 5m}", "imagePullPolicy: Always, updatePolicy: {schedule: '@every -1s'}", "imagePullPolicy: Always, updatePolicy: {schedule: 'CRON_TZ=UTC * * * * *'}"},
	"Container spec.updatePolicy.mode":                     {"imagePullPolicy: Always, updatePolicy: {mode: Notify}", "imagePullPolicy: Always, updatePolicy: {mode: Tell}"},

	"Job spec.completions":             {"completions: 0", "completions: -1", "completions: 100001"},
	"Job spec.parallelism":             {"parallelism: 0", "parallelism: -1", "parallelism: 1001"},
	"Job spec.backoffLimit":            {"backoffLimit: 0", "backoffLimit: -1"},
	"Job spec.activeDeadlineSeconds":   {"activeDeadlineSeconds: 1", "activeDeadlineSeconds: 0", "activeDeadlineSeconds: 1h"},
	"Job spec.ttlSecondsAfterFinished": {"ttlSecondsAfterFinished: 0", "ttlSecondsAfterFinished: -1"},
	"Job spec.suspend":                 {"suspend: true", free},

	"CronJob spec.schedule":                   {"schedule: 30 4 * * 1-5", "schedule: ''", "schedule: 30 4 * *", "schedule: 30 4 * * 7", "schedule: 0 0 30 2 *", "schedule: TZ=UTC", "schedule: '@every 1ms'", "schedule: '@never'"},
	"CronJob spec.timeZone":                   {"timeZone: America/New_York", "timeZone: Local", "timeZone: ../etc/passwd", "timeZone: CEST"},
	"CronJob spec.concurrencyPolicy":          {"concurrencyPolicy: Replace", "concurrencyPolicy: replace"},
	"CronJob spec.startingDeadlineSeconds":    {"startingDeadlineSeconds: 0", "startingDeadlineSeconds: -1"},
	"CronJob spec.suspend":                    {"suspend: true", free},
	"CronJob spec.successfulJobsHistoryLimit": {"successfulJobsHistoryLimit: 0", "successfulJobsHistoryLimit: -1"},
	"CronJob spec.failedJobsHistoryLimit":     {"failedJobsHistoryLimit: 0", "failedJobsHistoryLimit: 1001"},

	"Notification spec.webhook.url":                 {"webhook: {url: 'http://[::1]:8080/?a=b'}", "webhook: {url: hooks.example}", "webhook: {url: 'https:///a'}", "webhook: {url: 'ftp://a'}", "webhook: {url: 'http://a b'}", "webhook: {url: 5}"},
	"Notification spec.webhook.urlFile":             {"webhook: {urlFile: /etc/url}", "webhook: {urlFile: url}", "webhook: {urlFile: /a/../b}"},
	"Notification spec.webhook.format":              {"webhook: {url: 'http://a', format: CloudEvents}", "webhook: {url: 'http://a', format: json}"},
	"Notification spec.webhook.headers[].name":      {"webhook: {url: 'http://a', headers: [{name: X-A, value: b}, {name: x_a, value: b}]}", "webhook: {url: 'http://a', headers: [{value: b}]}", "webhook: {url: 'http://a', headers: [{name: '', value: b}]}", "webhook: {url: 'http://a', headers: [{name: 'A:', value: b}]}", "webhook: {url: 'http://a', headers: [{name: A, value: b}, {name: a, value: c}]}"},
	"Notification spec.webhook.headers[].value":     {"webhook: {url: 'http://a', headers: [{name: A, value: \"b\\tc\"}]}", "webhook: {url: 'http://a', headers: [{name: A, value: \"b\\r\\nC: d\"}]}", "webhook: {url: 'http://a', headers: [{name: A, value: true}]}"},
	"Notification spec.webhook.headers[].valueFile": {"webhook: {url: 'http://a', headers: [{name: A, valueFile: /a}]}", "webhook: {url: 'http://a', headers: [{name: A, valueFile: a}]}"},
	"Notification spec.webhook.timeout":             {"webhook: {url: 'http://a', timeout: 5s}", "webhook: {url: 'http://a', timeout: 0}", "webhook: {url: 'http://a', timeout: 1h}"},
	"Notification spec.filters[].kinds[]":           {"filters: [{kinds: [Container, Notification]}]", "filters: [{kinds: [Pod]}]", "filters: [{kinds: ['']}]"},
	"Notification spec.filters[].namespaces[]":      {"filters: [{namespaces: [a, b]}]", "filters: [{namespaces: ['*']}]", "filters: [{namespaces: ['']}]"},
	"Notification spec.filters[].names[]":           {"filters: [{names: ['web-*', '*']}]", "filters: [{names: [Web]}]", "filters: [{names: ['a?']}]"},
	"Notification spec.filters[].matchLabels":       {"filters: [{matchLabels: {a.b/c: d}}]", "filters: [{matchLabels: {'': d}}]", "filters: [{matchLabels: {a: 'b c'}}]"},
	"Notification spec.filters[].reasons[]":         {"filters: [{reasons: ['*Failed', RolledBack]}]", "filters: [{reasons: ['a b']}]"},
	"Notification spec.filters[].types[]":           {"filters: [{types: [Normal, Warning]}]", "filters: [{types: [Error]}]", "filters: [{types: ['']}]"},
	"Notification spec.rateLimitPerMinute":          {"rateLimitPerMinute: 1", "rateLimitPerMinute: 0", "rateLimitPerMinute: 6001"},
	"Notification spec.dedupeWindow":                {"dedupeWindow: 0s", "dedupeWindow: -1s", "dedupeWindow: 169h", "dedupeWindow: 5"},
	"Notification spec.suspend":                     {"suspend: true", free},
}

// actionCases are of the actions that probes and hooks share.
var actionCases = map[string][]string{
	"exec.command[]":              {"exec: {command: [/a, '']}", "exec: {command: ['']}", "exec: {command: [5]}"},
	"httpGet.path":                {"httpGet: {port: 80, path: '/a?b=c'}", "httpGet: {port: 80, path: a}", "httpGet: {port: 80, path: '/a b'}", `httpGet: {port: 80, path: "/a\n"}`},
	"httpGet.port":                {"httpGet: {port: 65535}", "httpGet: {port: web}", "httpGet: {port: 0}", "httpGet: {port: 65536}", "httpGet: {}", "httpGet: {port: 0x50}", "httpGet: {port: Web}"},
	"httpGet.host":                {"httpGet: {port: 80, host: '::1'}", "httpGet: {port: 80, host: 'a:80'}", "httpGet: {port: 80, host: 'http://a'}"},
	"httpGet.scheme":              {"httpGet: {port: 80, scheme: HTTPS}", "httpGet: {port: 80, scheme: https}"},
	"httpGet.httpHeaders[].name":  {"httpGet: {port: 80, httpHeaders: [{name: Host, value: a}, {name: A}, {name: A}]}", "httpGet: {port: 80, httpHeaders: [{name: ''}]}", "httpGet: {port: 80, httpHeaders: [{name: 'A B'}]}"},
	"httpGet.httpHeaders[].value": {"httpGet: {port: 80, httpHeaders: [{name: A, value: 'é'}]}", `httpGet: {port: 80, httpHeaders: [{name: A, value: "a\nb"}]}`},
}

// probeCases are of the rest of a probe; each is put beside an action where it has none.
var probeCases = map[string][]string{
	"tcpSocket.port":      {"tcpSocket: {port: 80}", "tcpSocket: {port: web}", "tcpSocket: {port: ''}"},
	"tcpSocket.host":      {"tcpSocket: {port: 80, host: a.example}", "tcpSocket: {port: 80, host: 'a b'}"},
	"grpc.port":           {"grpc: {port: 80}", "grpc: {port: web}", "grpc: {}"},
	"grpc.service":        {"grpc: {port: 80, service: a.B}", "grpc: {port: 80, service: 'a b'}"},
	"initialDelaySeconds": {"exec: {command: [a]}, initialDelaySeconds: 0", "exec: {command: [a]}, initialDelaySeconds: -1"},
	"periodSeconds":       {"exec: {command: [a]}, periodSeconds: 1", "exec: {command: [a]}, periodSeconds: -1", "exec: {command: [a]}, periodSeconds: 10s"},
	"timeoutSeconds":      {"exec: {command: [a]}, timeoutSeconds: 20", "exec: {command: [a]}, timeoutSeconds: 604801"},
	"successThreshold":    {"exec: {command: [a]}, successThreshold: 1", "exec: {command: [a]}, successThreshold: -1", "exec: {command: [a]}, successThreshold: 10001"},
	"failureThreshold":    {"exec: {command: [a]}, failureThreshold: 1", "exec: {command: [a]}, failureThreshold: -1"},
	"terminationGracePeriodSeconds": {"exec: {command: [a]}, terminationGracePeriodSeconds: 0", "exec: {command: [a]}, terminationGracePeriodSeconds: -1",
		"exec: {command: [a]}, terminationGracePeriodSeconds: 604801"},
}

func init() {
	maps.Copy(fieldCases, lifecycleCases)
	addProbes()
	addHandlers()
	addInitContainers()
	addJobTemplate()
}

// wrapped puts cases into what has them.
func wrapped(cases []string, before, after string) []string {
	var out []string
	for _, c := range cases {
		if c != free {
			c = before + c + after
		}
		out = append(out, c)
	}
	return out
}

func addProbes() {
	for _, probe := range []string{"startupProbe", "livenessProbe", "readinessProbe"} {
		for _, table := range []map[string][]string{actionCases, probeCases} {
			for path, cases := range table {
				fieldCases["Container spec."+probe+"."+path] = wrapped(cases, probe+": {", "}")
			}
		}
	}
	fieldCases["Container spec.readinessProbe.terminationGracePeriodSeconds"] = []string{"readinessProbe: {exec: {command: [a]}}", "readinessProbe: {exec: {command: [a]}, terminationGracePeriodSeconds: 1}"}
	for _, probe := range []string{"startupProbe", "livenessProbe"} {
		at := "Container spec." + probe + ".successThreshold"
		fieldCases[at] = append(fieldCases[at], probe+": {exec: {command: [a]}, successThreshold: 2}")
	}
}

func addHandlers() {
	for _, hook := range []string{"postStart", "preStop"} {
		for path, cases := range actionCases {
			fieldCases["Container spec.lifecycle."+hook+"."+path] = wrapped(cases, "lifecycle: {"+hook+": {", "}}")
		}
		fieldCases["Container spec.lifecycle."+hook+".sleep.seconds"] = wrapped([]string{"{seconds: 30}", "{seconds: -1}", "{seconds: 604801}", "{}"}, "lifecycle: {"+hook+": {sleep: ", "}}")
	}
	at := "Container spec.lifecycle.preStop.sleep.seconds"
	fieldCases[at] = append(fieldCases[at], "terminationGracePeriodSeconds: 3, lifecycle: {preStop: {sleep: {seconds: 4}}}")
}

// addInitContainers has those of a container's fields that an init container has too.
func addInitContainers() {
	for path, cases := range fieldCases {
		rest, of := strings.CutPrefix(path, "Container spec.")
		if of && slices.Contains([]string{"command", "args", "workingDir", "env", "user", "volumes", "resources", "securityContext"}, topField(rest)) {
			fieldCases["Container spec.initContainers[]."+rest] = wrapped(cases, "initContainers: [{name: i, ", "}]")
		}
	}
}

// notForJobs are fields of a container that a job's cannot have, and one whose cases are long already.
var notForJobs = []string{"replicas", "startupProbe", "livenessProbe", "readinessProbe", "strategy", "minReadySeconds", "progressDeadlineSeconds",
	"revisionHistoryLimit", "suspend", "updatePolicy", "initContainers"}

// addJobTemplate has those of a container's cases that are about neither replicas nor the object itself: the same rules hold for the
// container of a job, a few levels down.
func addJobTemplate() {
	for path, cases := range fieldCases {
		rest, of := strings.CutPrefix(path, "Container spec.")
		if !of || slices.Contains(notForJobs, topField(rest)) {
			continue
		}
		cases = slices.DeleteFunc(slices.Clone(cases), func(c string) bool {
			return strings.Contains(c, "replicas:") || strings.Contains(c, "container:me") || strings.Contains(c, "/me") || strings.Contains(c, "name: me")
		})
		before := "template: {spec: {image: nginx, "
		if strings.HasPrefix(cases[0], "image:") {
			before = "template: {spec: {"
		}
		fieldCases["Job spec.template.spec."+rest] = wrapped(cases, before, "}}")
	}
}

func topField(path string) string {
	top, _, _ := strings.Cut(strings.ReplaceAll(path, "[", "."), ".")
	return top
}
