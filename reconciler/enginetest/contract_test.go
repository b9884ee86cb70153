package enginetest_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"berth.dev/berth/reconciler/enginetest"
	"berth.dev/berth/reconciler/plan"
	"berth.dev/berth/spec"
)

// The images have what those of hack/images have.
const (
	appImage  = "berth.test/app:1"
	metaImage = "berth.test/meta:1"
)

var app = spec.ContainerSpec{
	Command: []string{"/testapp"}, Args: []string{"-http", ":8080"}, Env: []spec.EnvVar{{Name: "VERSION", Value: "1"}},
	Labels: map[string]string{"berth.test/image": "true"},
}

func meta() spec.ContainerSpec {
	s := app
	s.Env = []spec.EnvVar{{Name: "VERSION", Value: "1"}, {Name: "FROM_IMAGE", Value: "yes"}}
	s.Labels = map[string]string{"from-image": "yes", spec.LabelNamespace: "evil", spec.LabelName: "evil", spec.LabelOrdinal: "0"}
	s.User, s.WorkingDir, s.StopSignal = "app", "/data", "SIGUSR1"
	s.Ports = []spec.Port{{ContainerPort: spec.PortRange{First: 8080, Last: 8080}, Protocol: spec.ProtocolTCP}, {ContainerPort: spec.PortRange{First: 9090, Last: 9090}, Protocol: spec.ProtocolUDP}}
	s.Volumes = []spec.VolumeMount{{MountPath: "/data", Volume: &spec.VolumeSource{}}}
	s.Healthcheck = check()
	return s
}

func check() *spec.Healthcheck {
	return &spec.Healthcheck{Command: []string{"/testapp", "healthcheck"}, Interval: spec.Duration(time.Second), Timeout: spec.Duration(5 * time.Second), Retries: 2}
}

func TestContract(t *testing.T) {
	enginetest.Contract(t, synctest.Test, newFake)
}

func newFake(t *testing.T) enginetest.Harness {
	e := enginetest.New()
	t.Cleanup(e.Close)
	e.AddImage(appImage, plan.Image{Defaults: app})
	e.AddImage(metaImage, plan.Image{Defaults: meta()})
	e.OnExec(func(_ string, command []string) enginetest.Reply { return replies[strings.Join(command, " ")] })
	return enginetest.Harness{
		Engine: e, App: appImage, Meta: metaImage, Prefix: "contract-", Kill: e.Kill, Pause: e.PauseByHand,
		Program: func(b enginetest.Behaviour) spec.ContainerSpec { return program(e, b) },
	}
}

// replies are what the commands of the test program do.
var replies = map[string]enginetest.Reply{
	"/testapp exit 3":       {Code: 3},
	"/testapp exit 7":       {Code: 7},
	"/testapp cat /none":    {Code: 1, Output: "testapp: open /none: no such file or directory\n"},
	"/testapp cat /testapp": {Output: strings.Repeat("x", 1<<20)},
	"/testapp sleep 600ms":  {Takes: 600 * time.Millisecond},
	"/testapp sleep 20s":    {Takes: 20 * time.Second},
	"/etc":                  {Code: 126, Output: `exec: "/etc": permission denied`},
	"/none":                 {Code: 126, Output: `exec: "/none": stat /none: no such file or directory`},
	"none":                  {Code: 126, Output: `exec: "none": executable file not found in $PATH`},
}

// program is an image of its own for every behaviour.
func program(e *enginetest.Engine, b enginetest.Behaviour) spec.ContainerSpec {
	s := spec.ContainerSpec{Image: appImage}
	if b == (enginetest.Behaviour{}) {
		return s
	}
	s.Image = fmt.Sprintf("program.test/%x:1", sha256.Sum256(fmt.Append(nil, b)))
	e.AddImage(s.Image, plan.Image{Defaults: app})
	e.Behave(s.Image, b)
	if b.HealthyAfter > 0 {
		s.Healthcheck = check()
	}
	return s
}
