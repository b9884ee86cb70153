package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/distribution/reference"
	"github.com/docker/cli/cli/config"
	"github.com/docker/docker/api/types/image"
	"github.com/docker/docker/api/types/registry"
	"github.com/docker/docker/client"

	"berth.dev/berth/reconciler/apply"
	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
)

// Image implements reconciler.Observer.
func (c *Client) Image(ctx context.Context, ref string) (plan.Image, error) {
	return query(ctx, c, cannot(fault.RuntimeImage, "inspect image %q", ref), func(ctx context.Context, api *client.Client) (plan.Image, error) {
		i, err := api.ImageInspect(ctx, ref)
		return liftImage(i), err
	})
}

// Pull implements apply.Engine. It takes as long as it takes, while the engine answers.
func (c *Client) Pull(ctx context.Context, ref, platform string, progress func(apply.Progress)) error {
	f := cannot(fault.RuntimeImage, "pull image %q", ref)
	return patient(ctx, c, f, alive, func(ctx context.Context, api *client.Client) error {
		auth, err := registryAuth(ref)
		if err != nil {
			return err
		}
		stream, err := api.ImagePull(ctx, ref, image.PullOptions{Platform: platform, RegistryAuth: auth})
		if err != nil {
			return err
		}
		defer stream.Close()
		return follow(stream, progress)
	})
}

// registryAuth finds the credentials for an image's registry where `docker login` put them: the configuration file or a
// credential helper. Without any the pull is anonymous.
func registryAuth(ref string) (string, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "", fault.New(fault.RuntimeImage, fault.Terminal, "%w", err)
	}
	file, err := config.Load(config.Dir())
	if err != nil {
		return "", fmt.Errorf("cannot read Docker's configuration: %w", err)
	}
	host := reference.Domain(named)
	if host == "docker.io" {
		host = "https://index.docker.io/v1/" // the key of Docker Hub since before there were others
	}
	auth, err := file.GetAuthConfig(host)
	if err != nil {
		return "", fmt.Errorf("cannot get credentials for %s: %w", host, err)
	}
	return registry.EncodeAuthConfig(registry.AuthConfig(auth))
}

// message is one line of the stream that a pull answers with; see JSONMessage in moby's pkg/jsonmessage.
type message struct {
	ID       string
	Status   string
	Progress *struct{ Current, Total int64 } `json:"progressDetail"`
	Error    *struct {
		Code    int
		Message string
	} `json:"errorDetail"`
}

// follow reads a pull to its end. The engine answers 200 before it knows whether the pull succeeds: the error is in the stream.
func follow(stream io.Reader, progress func(apply.Progress)) error {
	layers := layers{}
	for d := json.NewDecoder(stream); ; {
		var m message
		switch err := d.Decode(&m); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case m.Error != nil:
			return errors.New(m.Error.Message)
		}
		if layers.note(m) && progress != nil {
			progress(layers.progress())
		}
	}
}

// layers maps the short IDs of layers to how far they are.
type layers map[string]layer

type layer struct {
	current, total int64
	done           bool
}

// note takes a message in and reports whether it says anything about a layer. A layer is downloaded, then extracted; the bytes
// of the download count.
func (l layers) note(m message) bool {
	s, known := l[m.ID]
	switch m.Status {
	case "Pulling fs layer", "Waiting":
	case "Downloading":
		if m.Progress != nil {
			s.current, s.total = m.Progress.Current, m.Progress.Total
		}
	case "Download complete", "Verifying Checksum":
		s.current = s.total
	case "Pull complete", "Already exists":
		s.current, s.done = s.total, true
	default:
		return known
	}
	l[m.ID] = s
	return true
}

func (l layers) progress() apply.Progress {
	p := apply.Progress{Layers: len(l)}
	for _, s := range l {
		p.Current += s.current
		p.Total += s.total
		if s.done {
			p.Done++
		}
	}
	return p
}
