package updates

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"

	"berth.dev/berth/spec"
)

const secret = "xyzzy-secret"

func TestErrorsSayWhatWouldBeRight(t *testing.T) {
	digest := question{Registry: "one.example", Repository: "one.example/app", Tag: "1", Type: spec.UpdateDigest}
	semver := question{Registry: "one.example", Repository: "one.example/app", Tag: "1", Type: spec.UpdateSemVer, Range: "~3"}
	for name, c := range map[string]struct {
		fault    fault
		asked    question
		want     string
		registry bool
	}{
		"not there":          {nil, digest, "cannot ask one.example for one.example/app:1: one.example has no such image: push it, or correct spec.image", false},
		"no such repository": {status(404, `{"errors":[{"code":"NAME_UNKNOWN"}]}`), semver, "cannot ask one.example for one.example/app ~3: one.example has no such image: push it, or correct spec.image", false},
		"nothing fits":       {nil, semver, `cannot ask one.example for one.example/app ~3: no tag fits "~3": push one, or correct updatePolicy`, false},
		"bad range":          {nil, question{Registry: "one.example", Repository: "one.example/app", Type: spec.UpdateSemVer, Range: "new"}, `cannot ask one.example for one.example/app new: updatePolicy.range "new" is not a range of versions`, false},
		"not logged in":      {status(401, ""), digest, "cannot ask one.example for one.example/app:1: it does not let us in: run `docker login one.example` as the agent's user", false},
		"forbidden":          {status(403, ""), digest, "cannot ask one.example for one.example/app:1: it forbids it: run `docker login one.example`", false},
		"too often":          {status(429, ""), digest, "cannot ask one.example for one.example/app:1: one.example was asked too often", true},
		"broken":             {status(500, "<html>\n<body>"+strings.Repeat("sorry ", 200)), digest, "cannot ask one.example for one.example/app:1: HEAD https://one.example/v2/app/manifests/1: unexpected status code 500", true},
		"not a registry":     {status(200, "<html>hello"), semver, "cannot ask one.example for one.example/app ~3: ", true},
		"unreachable":        {down, digest, `cannot ask one.example for one.example/app:1: Get "https://one.example/v2/": connection refused`, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub()
			h.push("one.example/app:2.0.0", "a")
			h.fail("one.example", c.fault)
			_, err := client{base: h, keys: authn.NewMultiKeychain()}.newest(t.Context(), c.asked)
			if err == nil || !strings.HasPrefix(err.Error(), c.want) || len(err.Error()) > 400 || strings.Contains(err.Error(), "\n") {
				t.Fatalf("got %v\nwant %s", err, c.want)
			}
			if err.registry != c.registry {
				t.Errorf("whether the registry is in trouble: %t, want %t", err.registry, c.registry)
			}
		})
	}
}

// private wants a user and a password, as basic authentication or for a token.
type private struct {
	hub    *hub
	tokens bool
}

func (p private) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.URL.Host = r.Host
	user, password, basic := r.BasicAuth()
	known := basic && user == "me" && password == secret
	switch bearer := r.Header.Get("Authorization") == "Bearer good"; {
	case r.URL.Path == "/token" && known:
		fmt.Fprint(w, `{"token":"good"}`)
	case known && !p.tokens, bearer && p.tokens:
		p.hub.serve(w, r)
	default:
		challenge := `Basic realm="r"`
		if p.tokens {
			challenge = fmt.Sprintf(`Bearer realm="http://%s/token",service="s"`, r.Host)
		}
		w.Header().Set("WWW-Authenticate", challenge)
		w.WriteHeader(http.StatusUnauthorized)
	}
}

// helper puts a program on the path that gives credentials.
func helper(t *testing.T, script string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "docker-credential-test"), []byte("#!/bin/sh\n"+script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestCredentialsAreDockers(t *testing.T) {
	auth := base64.StdEncoding.EncodeToString([]byte("me:" + secret))
	for name, c := range map[string]struct {
		config string // HOST stands for the registry's address
		helper string
		tokens bool
		want   string // an error
	}{
		"basic":           {config: `{"auths":{"HOST":{"auth":"` + auth + `"}}}`},
		"token":           {config: `{"auths":{"HOST":{"auth":"` + auth + `"}}}`, tokens: true},
		"helper":          {config: `{"credHelpers":{"HOST":"test"}}`, helper: `echo '{"Username":"me","Secret":"` + secret + `"}'`},
		"none":            {config: `{}`, want: "run `docker login HOST`"},
		"another's":       {config: `{"auths":{"other.example":{"auth":"` + auth + `"}}}`, tokens: true, want: "run `docker login HOST`"},
		"a broken file":   {config: `{"auths":{"HOST":{"auth":"` + secret + `"}}`, want: "cannot get credentials for HOST: "},
		"a broken helper": {config: `{"credsStore":"test"}`, helper: "echo " + secret + "; exit 1", want: "cannot get credentials for HOST: error getting credentials"},
		"no helper":       {config: `{"credsStore":"none"}`, want: `cannot get credentials for HOST: error getting credentials - err: exec: "docker-credential-none": executable file not found in $PATH`},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHub()
			s := httptest.NewServer(private{h, c.tokens})
			defer s.Close()
			host := strings.TrimPrefix(s.URL, "http://")
			h.push(host+"/app:1", "a")
			dir := t.TempDir()
			t.Setenv("DOCKER_CONFIG", dir)
			if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(strings.ReplaceAll(c.config, "HOST", host)), 0o600); err != nil {
				t.Fatal(err)
			}
			helper(t, c.helper)
			asker := New(Options{}).client
			defer asker.close()
			image, err := asker.newest(t.Context(), question{Registry: host, Repository: host + "/app", Tag: "1", Type: spec.UpdateDigest})
			if c.want == "" && (err != nil || image != host+"/app:1@"+digestOf("a")) {
				t.Errorf("found %q, %v", image, err)
			}
			if want := strings.ReplaceAll(c.want, "HOST", host); want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
				t.Errorf("got %v, want %s", err, want)
			}
			if err != nil && strings.Contains(err.Error(), secret) {
				t.Errorf("the error shows a secret: %v", err)
			}
		})
	}
}

// stuck is a keychain whose helper does not answer.
type stuck struct{ never chan struct{} }

func (s stuck) Resolve(authn.Resource) (authn.Authenticator, error) {
	<-s.never
	return authn.Anonymous, nil
}

func TestAHelperThatHangsIsLeft(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stuck{make(chan struct{})}
		defer close(s.never)
		c := New(Options{})
		c.client = client{base: newHub(), keys: s}
		web := container("one.example/app:1")
		c.Set([]spec.Object{web})
		go c.Run(t.Context())
		time.Sleep(first + patience)
		synctest.Wait()
		if got := c.Status(web.Key()).Error; !strings.HasSuffix(got, "cannot get credentials for one.example: the credential helper does not answer") {
			t.Errorf("error %q", got)
		}
	})
}

func TestOnlyThisHostMayDoWithoutTLS(t *testing.T) {
	for host, plain := range map[string]bool{
		"127.0.0.1:5000":        true,
		"localhost:5000":        true,
		"127.8.8.8:5000":        true,
		"10.0.0.1:5000":         false,
		"192.168.1.1":           false,
		"registry.local:5000":   false,
		"registry.example:5000": false,
	} {
		asked := map[string]bool{}
		h := newHub()
		h.push(host+"/app:1", "a")
		h.fail(host, func(r *http.Request) (*http.Response, error) {
			asked[r.URL.Scheme] = true
			if r.URL.Scheme == "https" {
				return down(r)
			}
			return nil, nil
		})
		_, err := client{base: h, keys: authn.NewMultiKeychain()}.newest(t.Context(), question{Registry: host, Repository: host + "/app", Tag: "1", Type: spec.UpdateDigest})
		if asked["http"] != plain || (err == nil) != plain {
			t.Errorf("%s was asked by %v, error %v; without TLS: %t", host, asked, err, plain)
		}
	}
}

func TestRetryAfter(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"":                              0,
		"0":                             0,
		"90":                            90 * time.Second,
		"-5":                            0,
		"soon":                          0,
		"999999999":                     waitMost,
		"Sun, 01 Mar 2026 12:30:00 GMT": 30 * time.Minute,
		"Sun, 01 Mar 2026 11:30:00 GMT": 0,
	} {
		if got := retryAfter(header, now); got != want {
			t.Errorf("%q is %s, want %s", header, got, want)
		}
	}
}

func TestAnAnswerFillsNoMemory(t *testing.T) {
	h := newHub()
	h.fail("one.example", status(200, `{"tags":["`+strings.Repeat("a", longest)+`"]}`))
	_, err := client{base: h, keys: authn.NewMultiKeychain()}.newest(t.Context(), question{Registry: "one.example", Repository: "one.example/app", Type: spec.UpdateGlob, Pattern: "*"})
	if err == nil || !strings.Contains(err.Error(), "too large") {
		t.Errorf("got %v", err)
	}
}

// The name that people write and the address of Docker Hub differ.
func TestQuestions(t *testing.T) {
	for image, want := range map[string]string{
		"nginx":                        "HEAD index.docker.io/library/nginx:latest",
		"docker.io/library/nginx:1.25": "HEAD index.docker.io/library/nginx:1.25",
		"me/app:2":                     "HEAD index.docker.io/me/app:2",
		"one.example:5000/a/b/c:3":     "HEAD one.example:5000/a/b/c:3",
	} {
		q, ok := questionOf(container(image))
		if !ok {
			t.Errorf("%s is not asked for", image)
			continue
		}
		h := newHub()
		h.push(strings.TrimPrefix(want, "HEAD "), "a")
		found, err := client{base: h, keys: authn.NewMultiKeychain()}.newest(t.Context(), q)
		if asked := h.questions(); err != nil || len(asked) != 1 || asked[0] != want {
			t.Errorf("%s: asked %q, want %s; %v", image, asked, want, err)
		}
		if again, ok := questionOf(container(found)); ok {
			t.Errorf("%s is followed, and pinned: %v", found, again)
		}
	}
}
