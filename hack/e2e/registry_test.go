package e2e

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
)

// registryDo is the command `registry VERB`: a registry of images on this host.
//
//	start   and sets $REGISTRY to its address; once more after a stop: on the same address, with the same images
//	stop
func registryDo(s *script, args []string) result {
	switch {
	case len(args) != 1:
	case args[0] == "start":
		if s.hub == nil {
			h, err := newHub(s.path("registry"))
			if err != nil {
				return result{err: err}
			}
			s.hub = h
			s.ts.Setenv("REGISTRY", h.address)
		}
		return result{err: s.hub.start()}
	case args[0] == "stop" && s.hub != nil:
		s.hub.stop()
		return result{}
	}
	return fail("usage: registry start|stop")
}

// hub is a registry, Debian's docker-registry.
type hub struct {
	program, config, address string
	cmd                      *exec.Cmd
}

func newHub(dir string) (*hub, error) {
	program, err := registryProgram()
	if err != nil {
		return nil, err
	}
	l, err := net.Listen("tcp", "127.0.0.1:0") // 127.0.0.0/8 needs no TLS
	if err != nil {
		return nil, err
	}
	h := &hub{program: program, config: dir + ".yaml", address: l.Addr().String()}
	config := fmt.Sprintf("version: 0.1\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: %q}\n", dir, h.address)
	return h, errors.Join(l.Close(), os.WriteFile(h.config, []byte(config), 0o600))
}

// registryProgram finds the registry's program, and installs it where that can be.
func registryProgram() (string, error) {
	const name = "docker-registry"
	if path, err := exec.LookPath(name); err == nil {
		return path, nil
	}
	if _, err := exec.LookPath("apt-get"); err != nil || os.Geteuid() != 0 {
		return "", errors.New("install docker-registry: pulls are tested against one on this host")
	}
	install := exec.Command("sh", "-c", "apt-get update && apt-get install --yes --no-install-recommends "+name)
	install.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
	if r := execute(install); r.err != nil {
		return "", r.err
	}
	return exec.LookPath(name)
}

func (h *hub) start() error {
	h.cmd = exec.Command(h.program, "serve", h.config)
	if err := h.cmd.Start(); err != nil {
		return err
	}
	if !poll(within, func() bool { return httpSays(nil, []string{"http://" + h.address + "/v2/", ""}).err == nil }) {
		return fmt.Errorf("the registry at %s has not started within %s", h.address, within)
	}
	return nil
}

func (h *hub) stop() {
	if h.cmd != nil {
		_ = h.cmd.Process.Kill()
		_ = h.cmd.Wait() // it was killed
		h.cmd = nil
	}
}
