package engine_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/docker/cli/cli/config"

	"berth.dev/berth/reconciler/engine"
	"berth.dev/berth/reconciler/fault"
)

// dockerConfig makes a folder of Docker's command line for the test alone, and says where it is.
func dockerConfig(t *testing.T, content string) string {
	t.Helper()
	dir, was := t.TempDir(), config.Dir()
	config.SetDir(dir)
	t.Cleanup(func() { config.SetDir(was) })
	if err := os.WriteFile(filepath.Join(dir, "config.json"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

// dockerContext adds a context, as `docker context create` does.
func dockerContext(t *testing.T, dir, name, host string) {
	t.Helper()
	dir = filepath.Join(dir, "contexts", "meta", fmt.Sprintf("%x", sha256.Sum256([]byte(name))))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	meta := `{"Name": "` + name + `", "Metadata": {}, "Endpoints": {"docker": {"Host": "` + host + `"}}}`
	if err := os.WriteFile(filepath.Join(dir, "meta.json"), []byte(meta), 0o600); err != nil {
		t.Fatal(err)
	}
}

func decode(t *testing.T, header string) string {
	t.Helper()
	b, err := base64.URLEncoding.DecodeString(header)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestWhichEngine(t *testing.T) {
	for _, test := range []struct {
		name    string
		config  engine.Config
		env     map[string]string
		current string
		want    string
	}{
		{name: "nothing said", want: "unix:///var/run/docker.sock"},
		{name: "current context", current: "far", want: "tcp://far.test:2375"},
		{name: "context of the environment", current: "far", env: map[string]string{"DOCKER_CONTEXT": "near"}, want: "ssh://near.test"},
		{name: "host of the environment", current: "far", env: map[string]string{"DOCKER_CONTEXT": "near", "DOCKER_HOST": "unix:///env.sock"}, want: "unix:///env.sock"},
		{name: "context", config: engine.Config{Context: "far"}, env: map[string]string{"DOCKER_HOST": "unix:///env.sock"}, want: "tcp://far.test:2375"},
		{name: "host", config: engine.Config{Host: "unix:///own.sock"}, env: map[string]string{"DOCKER_CONTEXT": "near", "DOCKER_HOST": "unix:///env.sock"}, want: "unix:///own.sock"},
		{name: "default context", config: engine.Config{Context: "default"}, current: "far", want: "unix:///var/run/docker.sock"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := dockerConfig(t, `{"currentContext": "`+test.current+`"}`)
			dockerContext(t, dir, "far", "tcp://far.test:2375")
			dockerContext(t, dir, "near", "ssh://near.test")
			for _, name := range []string{"DOCKER_HOST", "DOCKER_CONTEXT", "DOCKER_API_VERSION", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH"} {
				t.Setenv(name, test.env[name])
			}
			c, err := engine.New(test.config)
			if err != nil {
				t.Fatal(err)
			}
			if c.Host() != test.want {
				t.Errorf("host %s, want %s", c.Host(), test.want)
			}
		})
	}
}

func TestWrongConfiguration(t *testing.T) {
	dir := dockerConfig(t, `{}`)
	dockerContext(t, dir, "hostless", "")
	for says, cfg := range map[string]engine.Config{
		`host "unix:///a" and context "b" are both set: keep one`:        {Host: "unix:///a", Context: "b"},
		`host "a.test" is not an address such as unix:///`:               {Host: "a.test"},
		`version "2" is not an API version such as 1.43`:                 {Version: "2"},
		`API version 1.40 is too old: 1.41 is the oldest that works`:     {Version: "1.40"},
		`timeout -1ns is negative`:                                       {Timeout: -1},
		`context "nowhere": context not found`:                           {Context: "nowhere"},
		`context hostless names no host`:                                 {Context: "hostless"},
		`ca.pem: no such file or directory`:                              {Host: "tcp://a.test:2376", TLSVerify: true},
		`cannot configure the connection to Docker: open ` + dir + `/x/`: {Host: "tcp://a.test:2376", CertPath: dir + "/x"},
	} {
		t.Run(says, func(t *testing.T) {
			_, err := engine.New(cfg)
			wantFault(t, err, fault.DockerConfiguration, fault.Terminal, says)
		})
	}
}

// TestTLS: the certificates come from a folder, and the engine's is checked where that is asked for.
func TestTLS(t *testing.T) {
	s := httptest.NewUnstartedServer(&fakeAPI{version: "1.44", calls: map[string]int{}, on: map[string]http.HandlerFunc{"GET /containers/json": reply([]any{})}})
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of the handshakes that are to fail
	s.StartTLS()
	t.Cleanup(s.Close)
	host := strings.Replace(s.URL, "https://", "tcp://", 1)
	trusted, other := certificates(t, s, s.Certificate().Raw), certificates(t, s, strangeCA(t))
	for _, test := range []struct {
		name      string
		cfg       engine.Config
		class     fault.Class // of the error; empty for none
		behaviour fault.Behaviour
		says      string
	}{
		{name: "checked", cfg: engine.Config{Host: host, CertPath: trusted, TLSVerify: true}},
		{name: "not checked", cfg: engine.Config{Host: host, CertPath: other}},
		{"of another authority", engine.Config{Host: host, CertPath: other, TLSVerify: true}, fault.DockerConnection, fault.Retry, "certificate"},
		{"without TLS", engine.Config{Host: host}, fault.DockerConfiguration, fault.Terminal, "HTTPS"},
	} {
		t.Run(test.name, func(t *testing.T) {
			c, err := engine.New(test.cfg)
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			_, err = c.List(t.Context())
			if test.class != "" {
				wantFault(t, err, test.class, test.behaviour, test.says)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

// certificates writes what Docker's command line expects in a folder: the server's own pair serves as the client's too.
func certificates(t *testing.T, s *httptest.Server, ca []byte) string {
	t.Helper()
	key, err := x509.MarshalPKCS8PrivateKey(s.TLS.Certificates[0].PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	for name, block := range map[string]*pem.Block{
		"ca.pem":   {Type: "CERTIFICATE", Bytes: ca},
		"cert.pem": {Type: "CERTIFICATE", Bytes: s.Certificate().Raw},
		"key.pem":  {Type: "PRIVATE KEY", Bytes: key},
	} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func strangeCA(t *testing.T) []byte {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	ca := &x509.Certificate{SerialNumber: big.NewInt(1), IsCA: true, BasicConstraintsValid: true}
	raw, err := x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestTimeout(t *testing.T) {
	for _, test := range []struct {
		config time.Duration
		env    string
		want   time.Duration // 0 for an error
	}{
		{0, "", engine.DefaultTimeout},
		{0, "7", 7 * time.Second},
		{time.Second, "7", time.Second},
		{0, "soon", 0},
		{0, "0", 0},
		{0, "-1", 0},
	} {
		t.Setenv("DOCKER_CLIENT_TIMEOUT", test.env)
		c, err := engine.New(engine.Config{Host: "unix:///nowhere", Timeout: test.config})
		if test.want == 0 {
			wantFault(t, err, fault.DockerConfiguration, fault.Terminal, `DOCKER_CLIENT_TIMEOUT "`+test.env+`" is not a number of seconds`)
			continue
		}
		if err != nil || c.Timeout() != test.want {
			t.Errorf("%s and %q: %v, want %s", test.config, test.env, err, test.want)
		}
	}
}
