package updates

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.uber.org/goleak"

	"berth.dev/berth/spec"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// run starts a checker on registries in memory, that runs until the test ends. It keeps what it finds in dir.
func run(t *testing.T, h *hub, dir string) *Checker {
	t.Helper()
	c := New(Options{StateDir: dir})
	c.client = client{base: h, keys: authn.NewMultiKeychain()}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return c
}

// container gives an object named after its image, with a policy of Digest unless change has it otherwise.
func container(image string, change ...func(*spec.Container)) *spec.Container {
	c := &spec.Container{Spec: spec.ContainerSpec{Image: image, UpdatePolicy: &spec.UpdatePolicy{}}}
	c.Metadata.Namespace, c.Metadata.Name = "test", image
	for _, f := range change {
		f(c)
	}
	return c
}

func named(name string) func(*spec.Container) {
	return func(c *spec.Container) { c.Metadata.Name = name }
}

func policy(p spec.UpdatePolicy) func(*spec.Container) {
	return func(c *spec.Container) { c.Spec.UpdatePolicy = &p }
}

func wantFound(t *testing.T, c *Checker, o spec.Object, want string) {
	t.Helper()
	synctest.Wait()
	if f, ok := c.Of(o.Key()); f.Image != want || ok != (want != "") {
		t.Errorf("found %q, want %q; status %+v", f.Image, want, c.Status(o.Key()))
	}
}

func wantCount(t *testing.T, c *Checker, result string, want float64) {
	t.Helper()
	if got := testutil.ToFloat64(c.checks.WithLabelValues(result)); got != want {
		t.Errorf("%v checks with the result %s, want %v", got, result, want)
	}
}

// period is longer than the time between two checks where no schedule is given.
const period = every + spread

func TestATagThatMovesIsFound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		h.push("one.example/app:1", "a")
		c := run(t, h, "")
		var told []spec.Key
		c.opts.OnChange = func(k spec.Key) { told = append(told, k) }
		web, twin := container("one.example/app:1", named("web")), container("one.example/app:1", named("twin"))
		c.Set([]spec.Object{web, twin, &spec.Network{}})
		time.Sleep(first)
		wantFound(t, c, web, "one.example/app:1@"+digestOf("a"))
		wantFound(t, c, twin, "one.example/app:1@"+digestOf("a"))
		if q := h.questions(); !slices.Equal(q, []string{"HEAD one.example/app:1"}) {
			t.Errorf("asked %q, want one question for both objects", q)
		}
		at := time.Now()

		time.Sleep(period)
		h.push("one.example/app:1", "b")
		time.Sleep(period)
		wantFound(t, c, web, "one.example/app:1@"+digestOf("b"))
		if f, _ := c.Of(web.Key()); !f.At.After(at.Add(period)) || f.At.After(time.Now()) {
			t.Errorf("found at %s, want the time of the new one", f.At)
		}
		if want := []spec.Key{web.Key(), twin.Key(), web.Key(), twin.Key()}; !slices.Equal(told, want) {
			t.Errorf("told of %v, want %v", told, want)
		}
		wantCount(t, c, "found", 2)
		wantCount(t, c, "unchanged", 1)
	})
}

func TestTheNewestTagIsFoundOnTheLastPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		h.page = 3
		for i := range 10 {
			h.push(fmt.Sprintf("one.example/app:1.4.%d", i), "a")
			h.push(fmt.Sprintf("one.example/app:release-%d", i), "b")
		}
		h.push("one.example/app:release-10", "c")
		c := run(t, h, "")
		version := container("one.example/app:1.4.0", policy(spec.UpdatePolicy{Type: spec.UpdateSemVer, Range: "~1.4"}))
		release := container("one.example/app:release-1", policy(spec.UpdatePolicy{Type: spec.UpdateGlob, Pattern: "release-*"}))
		c.Set([]spec.Object{version, release})
		time.Sleep(first)
		wantFound(t, c, version, "one.example/app:1.4.9@"+digestOf("a"))
		wantFound(t, c, release, "one.example/app:release-10@"+digestOf("c"))
		if n := len(h.questions()); n != 2*(7+1) {
			t.Errorf("%d requests, want seven pages and a manifest for each", n)
		}

		h.push("one.example/app:1.4.10", "d")
		time.Sleep(period)
		wantFound(t, c, version, "one.example/app:1.4.10@"+digestOf("d"))
	})
}

func TestARegistryThatIsDownDelaysNobodyElse(t *testing.T) {
	for name, f := range map[string]fault{"refusing": down, "hanging": hanging, "failing": status(http.StatusBadGateway, "")} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHub()
				h.fail("down.example", f)
				lost, well := container("down.example/app:1"), container("up.example/app:1")
				h.push("down.example/app:1", "a")
				h.push("up.example/app:1", "a")
				objects := []spec.Object{lost, well}
				for i := range 50 {
					objects = append(objects, container(fmt.Sprintf("down.example/app%d:1", i)))
				}
				c := run(t, h, "")
				c.Set(objects)
				time.Sleep(first)
				wantFound(t, c, well, "up.example/app:1@"+digestOf("a"))
				wantFound(t, c, lost, "")

				time.Sleep(time.Hour)
				if n := testutil.ToFloat64(c.checks.WithLabelValues("failed")); n < 8 || n > 40 {
					t.Errorf("a registry that is down was asked %v times in an hour", n)
				}
				if s := c.Status(lost.Key()); s.Error == "" || s.Next.Before(time.Now().Add(-patience)) || s.Next.After(time.Now().Add(backoffMost)) {
					t.Errorf("status %+v", s)
				}
				h.fail("down.example", nil)
				time.Sleep(backoffMost + patience)
				wantFound(t, c, lost, "down.example/app:1@"+digestOf("a"))
				if s := c.Status(lost.Key()); s.Error != "" {
					t.Errorf("status %+v", s)
				}
			})
		})
	}
}

func TestARepositoryThatFailsIsAskedForLessAndLess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		h.push("one.example/well:1", "a")
		h.fail("one.example", func(r *http.Request) (*http.Response, error) {
			if strings.Contains(r.URL.Path, "/ill/") {
				return status(http.StatusInternalServerError, "")(r)
			}
			return nil, nil
		})
		c := run(t, h, "")
		c.Set([]spec.Object{container("one.example/ill:1"), container("one.example/well:1", policy(spec.UpdatePolicy{Schedule: "@every 1s"}))})
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := testutil.ToFloat64(c.checks.WithLabelValues("failed")); n < 10 || n > 40 {
			t.Errorf("%v checks failed in an hour", n)
		}
		if n := len(h.questions()); n < 3000 {
			t.Errorf("the other repository was asked for %d times, want once a second but for the waits", n)
		}
	})
}

func TestARegistryIsAskedOneQuestionAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		h.takes = 100 * time.Millisecond
		var objects []spec.Object
		for i := range 100 {
			h.push(fmt.Sprintf("one.example/app%d:1", i), "a")
			objects = append(objects, container(fmt.Sprintf("one.example/app%d:1", i)))
		}
		c := run(t, h, "")
		c.Set(objects)
		time.Sleep(first)
		for _, o := range objects {
			c.Check(o.Key())
			synctest.Wait()
		}
		time.Sleep(20 * time.Second)
		for _, o := range objects {
			if _, ok := c.Of(o.Key()); !ok {
				t.Errorf("%s was not asked for", o.Key())
			}
		}
		if h.most != 1 {
			t.Errorf("%d requests at once, want one", h.most)
		}
		h.questions()
		time.Sleep(time.Hour)
		if n := len(h.questions()); n < 100*10 || n > 100*12 {
			t.Errorf("%d requests in an hour for 100 images, want one every %s for each", n, every)
		}
	})
}

func TestARegistryIsLeftAloneForAsLongAsItWants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		h.push("one.example/app:1", "a")
		h.fail("one.example", status(http.StatusTooManyRequests, "", "Retry-After", "3600"))
		c := run(t, h, "")
		web := container("one.example/app:1")
		c.Set([]spec.Object{web, container("one.example/other:1")})
		time.Sleep(first)
		synctest.Wait()
		at := c.Status(web.Key()).Next
		h.fail("one.example", nil)
		c.Check(web.Key())
		time.Sleep(50 * time.Minute)
		wantFound(t, c, web, "")
		wantCount(t, c, "limited", 1)
		if d := time.Until(at); d < 9*time.Minute || d > 10*time.Minute+first {
			t.Errorf("the next check is in %s, want it an hour after the refusal", d)
		}
		time.Sleep(11 * time.Minute)
		wantFound(t, c, web, "one.example/app:1@"+digestOf("a"))
	})
}

func TestASchedule(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		h.push("one.example/app:1", "a")
		c := run(t, h, "")
		web := container("one.example/app:1", policy(spec.UpdatePolicy{Schedule: "30 3 * * *"}))
		c.Set([]spec.Object{web})
		time.Sleep(first)
		synctest.Wait()
		last := c.Status(web.Key()).Last
		if last.IsZero() {
			t.Error("it is not asked for when it appears")
		}
		for range 3 {
			next := c.Status(web.Key()).Next
			due := time.Date(next.Year(), next.Month(), next.Day(), 3, 30, 0, 0, time.Local)
			if late := next.Sub(due); late < 0 || late > spread || next.Sub(last) > 24*time.Hour+spread {
				t.Errorf("after %s the next check is at %s, want 03:30", last, next)
			}
			time.Sleep(time.Until(next))
			synctest.Wait()
			if last = c.Status(web.Key()).Last; !last.Equal(next) {
				t.Errorf("checked at %s, want %s", last, next)
			}
		}
	})
}

func TestACheckByHand(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		h.fail("one.example", down)
		c := run(t, h, "")
		web := container("one.example/app:1", policy(spec.UpdatePolicy{Schedule: "@yearly"}))
		c.Set([]spec.Object{web})
		time.Sleep(time.Hour)
		h.fail("one.example", nil)
		for _, letter := range []string{"a", "b"} {
			h.push("one.example/app:1", letter)
			c.Check(web.Key())
			wantFound(t, c, web, "one.example/app:1@"+digestOf(letter))
		}
		c.Check(spec.Key{Kind: spec.KindContainer, Namespace: "test", Name: "none"}) // does no harm
	})
}

func TestWhatWasFoundSurvivesARestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "state")
		h := newHub()
		h.push("one.example/app:1", "a")
		web := container("one.example/app:1")
		c := run(t, h, dir)
		c.Set([]spec.Object{web})
		time.Sleep(first)
		wantFound(t, c, web, "one.example/app:1@"+digestOf("a"))
		before, _ := c.Of(web.Key())

		h.fail("one.example", down)
		c = run(t, h, dir)
		c.Set([]spec.Object{web})
		if after, _ := c.Of(web.Key()); after.Image != before.Image || !after.At.Equal(before.At) {
			t.Errorf("found %+v before the restart, %+v after it", before, after)
		}
		time.Sleep(time.Hour)
		wantFound(t, c, web, before.Image)

		if err := os.WriteFile(filepath.Join(dir, "updates.json"), []byte("{"), 0o600); err != nil {
			t.Fatal(err)
		}
		c = run(t, h, dir)
		c.Set([]spec.Object{web})
		wantFound(t, c, web, "")
		h.fail("one.example", nil)
		time.Sleep(first)
		wantFound(t, c, web, before.Image)
	})
}

func TestWhatWasFoundForAnotherManifestIsForgotten(t *testing.T) {
	for name, change := range map[string]func(*spec.Container){
		"image":      func(c *spec.Container) { c.Spec.Image = "one.example/app:2" },
		"repository": func(c *spec.Container) { c.Spec.Image = "one.example/other:1" },
		"policy":     policy(spec.UpdatePolicy{Type: spec.UpdateGlob, Pattern: "2*"}),
		"none":       func(c *spec.Container) { c.Spec.UpdatePolicy = nil },
		"pinned":     func(c *spec.Container) { c.Spec.Image = "one.example/app:1@" + digestOf("a") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				dir := t.TempDir()
				h := newHub()
				h.push("one.example/app:1", "a")
				old := container("one.example/app:1", named("web"))
				c := run(t, h, dir)
				c.Set([]spec.Object{old})
				time.Sleep(first)
				wantFound(t, c, old, "one.example/app:1@"+digestOf("a"))
				h.fail("one.example", down)
				c.Set([]spec.Object{container("one.example/app:1", named("web"), change)})
				wantFound(t, c, old, "")
				if b, err := os.ReadFile(filepath.Join(dir, "updates.json")); err != nil || strings.Contains(string(b), "sha256") {
					t.Errorf("it is still kept: %s, %v", b, err)
				}
				c.Set([]spec.Object{old})
				wantFound(t, c, old, "")
			})
		})
	}
}

// The mode says what becomes of what is found; changing it forgets nothing.
func TestTheModeIsNoPartOfTheQuestion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		h.push("one.example/app:1", "a")
		c := run(t, h, "")
		web := container("one.example/app:1")
		c.Set([]spec.Object{web})
		time.Sleep(first)
		c.Set([]spec.Object{container("one.example/app:1", policy(spec.UpdatePolicy{Type: spec.UpdateDigest, Mode: spec.UpdateNotify}))})
		wantFound(t, c, web, "one.example/app:1@"+digestOf("a"))
	})
}

func TestTheEndWaitsForNoRegistry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHub()
		h.fail("one.example", hanging)
		c := New(Options{})
		c.client = client{base: h, keys: authn.NewMultiKeychain()}
		c.Set([]spec.Object{container("one.example/app:1")})
		ctx, cancel := context.WithTimeout(t.Context(), first+time.Second)
		defer cancel()
		if err := c.Run(ctx); err != nil {
			t.Error(err)
		}
		if late := time.Since(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)); late != first+time.Second {
			t.Errorf("it ended after %s", late)
		}
	})
}
