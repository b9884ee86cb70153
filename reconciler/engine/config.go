package engine

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/docker/cli/cli/config"
	dcontext "github.com/docker/cli/cli/context"
	"github.com/docker/cli/cli/context/docker"
	"github.com/docker/cli/cli/context/store"
	"github.com/docker/docker/client"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
)

// DefaultTimeout is how long a short call may take. It is long: giving up on a slow engine helps nobody.
const DefaultTimeout = time.Minute

// The environment that Docker's own command line has too.
const (
	envHost      = "DOCKER_HOST"
	envVersion   = "DOCKER_API_VERSION"
	envTLSVerify = "DOCKER_TLS_VERIFY"
	envCertPath  = "DOCKER_CERT_PATH"
	envContext   = "DOCKER_CONTEXT"
	envTimeout   = "DOCKER_CLIENT_TIMEOUT" // of Docker's older clients, in seconds
)

const defaultContext = "default"

// Config is how an engine is reached. What is left out comes from the DOCKER_* environment, then from the current Docker
// context, and last there is the default socket.
type Config struct {
	Host      string        // unix://, tcp:// or ssh://; not together with Context
	Version   string        // API version, as in 1.43, instead of the highest that both sides have
	Timeout   time.Duration // of a short call; DefaultTimeout where it is 0
	TLSVerify bool          // whether the engine's certificate is checked; a TCP host only
	CertPath  string        // folder of ca.pem, cert.pem and key.pem; Docker's own folder where it is left out and TLSVerify is set
	Context   string        // name of a Docker context
}

var apiVersion = regexp.MustCompile(`^1\.[0-9]+$`)

// withEnvironment fills in what is left out. An explicit host or context leaves no say to the environment's host or context.
func (c Config) withEnvironment() (Config, error) {
	if c.Host != "" && c.Context != "" {
		return c, misconfigured("host %q and context %q are both set: keep one", c.Host, c.Context)
	}
	if c.Host == "" && c.Context == "" {
		c.Host = os.Getenv(envHost)
	}
	if c.Host == "" && c.Context == "" {
		c.Context = os.Getenv(envContext)
	}
	if c.CertPath == "" {
		c.CertPath = os.Getenv(envCertPath)
	}
	if c.Version == "" {
		c.Version = os.Getenv(envVersion)
	}
	c.Version = strings.TrimPrefix(c.Version, "v")
	c.TLSVerify = c.TLSVerify || os.Getenv(envTLSVerify) != ""
	if c.Timeout == 0 {
		var err error
		if c.Timeout, err = environmentTimeout(); err != nil {
			return c, err
		}
	}
	return c, c.check()
}

func environmentTimeout() (time.Duration, error) {
	s := os.Getenv(envTimeout)
	if s == "" {
		return DefaultTimeout, nil
	}
	seconds, err := strconv.ParseUint(s, 10, 31)
	if err != nil || seconds == 0 {
		return 0, misconfigured("%s %q is not a number of seconds", envTimeout, s)
	}
	return time.Duration(seconds) * time.Second, nil
}

func (c Config) check() error {
	switch {
	case c.Timeout < 0:
		return misconfigured("timeout %s is negative", c.Timeout)
	case c.Version == "":
		return nil
	case !apiVersion.MatchString(c.Version):
		return misconfigured("version %q is not an API version such as 1.43", c.Version)
	case !plan.APIAtLeast(c.Version, minAPI):
		return misconfigured("API version %s is too old: %s is the oldest that works", c.Version, minAPI)
	}
	return nil
}

func misconfigured(format string, args ...any) error {
	return fault.New(fault.DockerConfiguration, fault.Terminal, "cannot configure the connection to Docker: "+format, args...)
}

// endpoint is where the engine is. It is settled once: `docker context use` does not move a running agent to another host.
func (c Config) endpoint() (docker.Endpoint, error) {
	if c.Host != "" {
		return c.hostEndpoint(c.Host)
	}
	name := c.Context
	if name == "" {
		name = currentContext()
	}
	if name == "" || name == defaultContext {
		return c.hostEndpoint(client.DefaultDockerHost)
	}
	return contextEndpoint(name)
}

// schemes are those of addresses that can be connected to. Docker's client takes any other for the name of a network, and finds out
// only when it connects.
var schemes = []string{"unix", "tcp", "http", "https", "ssh", "npipe"}

func (c Config) hostEndpoint(host string) (docker.Endpoint, error) {
	if _, err := client.ParseHostURL(host); err != nil || !slices.Contains(schemes, strings.SplitN(host, "://", 2)[0]) {
		return docker.Endpoint{}, fmt.Errorf("host %q is not an address such as %s", host, client.DefaultDockerHost)
	}
	ep := docker.Endpoint{EndpointMeta: docker.EndpointMeta{Host: host}}
	if !strings.HasPrefix(host, "tcp://") || !c.TLSVerify && c.CertPath == "" {
		return ep, nil
	}
	dir := c.CertPath
	if dir == "" {
		dir = config.Dir()
	}
	ep.SkipTLSVerify = !c.TLSVerify
	var err error
	ep.TLSData, err = dcontext.TLSDataFromFiles(filepath.Join(dir, "ca.pem"), filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem"))
	return ep, err
}

// currentContext is what `docker context use` chose. A configuration file that cannot be read chooses nothing, as for Docker's
// own command line.
func currentContext() string {
	file, err := config.Load(config.Dir())
	if err != nil {
		return ""
	}
	return file.CurrentContext
}

func contextEndpoint(name string) (docker.Endpoint, error) {
	s := store.New(config.ContextStoreDir(), store.NewConfig(
		func() any { return &map[string]any{} },
		store.EndpointTypeGetter(docker.DockerEndpoint, func() any { return &docker.EndpointMeta{} }),
	))
	meta, err := s.GetMetadata(name)
	if err != nil {
		return docker.Endpoint{}, err
	}
	ep, err := docker.EndpointFromContext(meta)
	if err != nil {
		return docker.Endpoint{}, err
	}
	if ep.Host == "" {
		return docker.Endpoint{}, errors.New("context " + name + " names no host")
	}
	return docker.WithTLSData(s, name, ep)
}

// dial makes a client without a word to the engine. Every one has its own transport: the one of a broken connection is not used
// again, and certificates that were renewed are read again.
func (c *Client) dial() (*client.Client, error) {
	opts, err := c.endpoint.ClientOpts()
	if err != nil {
		return nil, err
	}
	opts = append([]client.Opt{client.WithHTTPClient(httpClient())}, opts...)
	return client.NewClientWithOpts(append(opts, client.WithVersion(c.version), client.WithUserAgent("berth"))...)
}

// httpClient keeps as many connections as calls are usually in flight; Docker's own keeps two.
func httpClient() *http.Client {
	const conns = 16
	return &http.Client{
		Transport:     &http.Transport{MaxIdleConns: conns, MaxIdleConnsPerHost: conns, IdleConnTimeout: 30 * time.Second},
		CheckRedirect: client.CheckRedirect,
	}
}
