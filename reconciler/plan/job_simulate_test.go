package plan

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"berth.dev/berth/spec"
)

// jobScenario is a job that is followed for some hours, and what it is to make.
type jobScenario struct {
	name, object, script string
	hours                int
	failing              string // containers that end with exit code 1
	want                 string // containers that are made, each once
}

const jobHead = "apiVersion: berth.dev/v1\nmetadata: {name: x, namespace: shop}\n"

var jobScenarios = []jobScenario{
	{"job", "kind: Job\nspec: {completions: 3, parallelism: 2, template: {spec: {image: 'web:1'}}}", "", 1, "", "shop.x.0-0 shop.x.1-0 shop.x.2-0"},
	{"job that fails once", "kind: Job\nspec: {template: {spec: {image: 'web:1'}}}", "", 1, "shop.x.0-0", "shop.x.0-0 shop.x.0-1"},
	{"job that is removed at once", "kind: Job\nspec: {ttlSecondsAfterFinished: 0, template: {spec: {image: 'web:1'}}}", "", 5, "", "shop.x.0-0"},
	{"job that fails for good", "kind: Job\nspec: {backoffLimit: 1, template: {spec: {image: 'web:1'}}}", "", 1, "shop.x.0-0 shop.x.0-1", "shop.x.0-0 shop.x.0-1"},
	{"runs", cronObject(""), "since 0s", 2, "", "shop.x.29460300-0-0 shop.x.29460360-0-0"},
	{"runs without history", cronObject("successfulJobsHistoryLimit: 0, failedJobsHistoryLimit: 0"), "since 0s", 2, "", "shop.x.29460300-0-0 shop.x.29460360-0-0"},
	{"a run by hand without history", cronObject("suspend: true, successfulJobsHistoryLimit: 0"), "since 0s\nmanual ma", 2, "", "shop.x.ma-0-0"},
	{"Replace", cronObject("concurrencyPolicy: Replace"), "since 0s\nwait 1h\napplied\nwait 1h", 0, "", "shop.x.29460360-0-0"},
}

func cronObject(more string) string {
	if more != "" {
		more = ", " + more
	}
	return "kind: CronJob\nspec: {schedule: '0 * * * *', timeZone: UTC, jobTemplate: {spec: {template: {spec: {image: 'web:1'}}}}" + more + "}"
}

// jobModel is a world with the agent at work in it.
type jobModel struct {
	*world
	key  spec.Key
	end  time.Time
	made map[string]int
	late bool // the agent was away for long: then a run may be missed
}

func (m *jobModel) clone() *jobModel {
	c := *m
	c.world, c.made = m.world.clone(), maps.Clone(m.made)
	return &c
}

// TestJobCrash stops the agent before and after each operation and each note of each plan, for a moment or for long, and once more in
// what it does then: whatever happens, no try is made twice, and but for those that were missed all are made.
func TestJobCrash(t *testing.T) {
	for _, s := range jobScenarios {
		t.Run(s.name, func(t *testing.T) {
			ways := s.follow(t, s.model(t), 2, nil)
			if ways < 5 {
				t.Fatalf("only %d ways were tried", ways)
			}
		})
	}
}

func (s jobScenario) model(t *testing.T) *jobModel {
	m := &jobModel{world: newWorld(), made: map[string]int{}}
	o := parseObjects(t, jobHead+s.object)[0]
	m.objects[o.Key()], m.key = o, o.Key()
	m.addImage("web:1", spec.ContainerSpec{})
	for line := range strings.Lines("at 05 12:00\n" + s.script) {
		if err := m.command(strings.TrimSpace(line)); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
	}
	m.end = m.now.Add(time.Duration(s.hours)*time.Hour + time.Minute)
	return m
}

// follow goes on to the end, and counts the ways.
func (s jobScenario) follow(t *testing.T, m *jobModel, crashes int, trail []string) (ways int) {
	crash := func(where string) {
		if crashes == 0 {
			return
		}
		ways += s.follow(t, m.clone(), crashes-1, append(slices.Clone(trail), "crash "+where))
		if m.key.Kind == spec.KindCronJob {
			away := m.clone()
			away.late, away.now = true, away.now.Add(70*time.Minute)
			ways += s.follow(t, away, crashes-1, append(slices.Clone(trail), "long crash "+where))
		}
	}
	for range 100 {
		p := m.plan(m.key)
		switch {
		case !p.Notes.Empty():
			crash("before the note " + p.Notes.String())
			m.known.Runs = m.known.Runs.With(p.Notes.Claims)
			if p.Notes.Done != nil {
				m.known.Done = p.Notes.Done
			}
			trail = append(trail, "note "+p.Notes.String())
		case !p.Empty():
			for _, a := range p.Actions {
				for _, op := range a.Ops {
					crash("before " + op.String())
					if op.Verb == CreateContainer {
						m.made[op.Target]++
					}
					if err := m.do(op); err != nil {
						t.Fatalf("%v after\n%s", err, strings.Join(trail, "\n"))
					}
					trail = append(trail, op.String())
				}
			}
		case !m.passTime(s, p):
			s.check(t, m, trail)
			return ways + 1
		}
	}
	t.Fatalf("it does not come to an end:\n%s", strings.Join(trail, "\n"))
	return ways
}

// passTime lets containers end or, where none runs, the next thing come; false at the end.
func (m *jobModel) passTime(s jobScenario, p Plan) bool {
	for _, c := range m.containers {
		if c.State == StateRunning {
			m.now = m.now.Add(time.Second)
			c.State, c.FinishedAt = StateExited, m.now
			if slices.Contains(strings.Fields(s.failing), c.Name) {
				c.ExitCode = 1
			}
			return true
		}
	}
	if p.RetryAt.IsZero() || p.RetryAt.After(m.end) {
		return false
	}
	m.now = p.RetryAt
	return true
}

func (s jobScenario) check(t *testing.T, m *jobModel, trail []string) {
	t.Helper()
	want := map[string]bool{}
	for _, name := range strings.Fields(s.want) {
		want[name] = true
		if m.made[name] == 0 && !m.late {
			t.Fatalf("%s was not made, after\n%s", name, strings.Join(trail, "\n"))
		}
	}
	for name, times := range m.made {
		if times > 1 || !want[name] && !m.late {
			t.Fatalf("%s was made %d times, after\n%s", name, times, strings.Join(trail, "\n"))
		}
	}
	if state := m.plan(m.key); state.Cron != nil && state.Cron.Active() > 0 {
		t.Fatal(fmt.Errorf("%d are active at the end", state.Cron.Active()))
	}
}
