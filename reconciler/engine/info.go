package engine

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/docker/docker/api/types/system"
	"github.com/docker/docker/client"

	"berth.dev/berth/reconciler/fault"
	"berth.dev/berth/reconciler/plan"
)

// Info implements reconciler.Observer.
func (c *Client) Info(ctx context.Context) (plan.Engine, error) {
	return query(ctx, c, cannot(fault.DockerAPI, "ask the engine about itself"), func(ctx context.Context, api *client.Client) (plan.Engine, error) {
		i, err := api.Info(ctx)
		return liftInfo(i, api.ClientVersion()), err
	})
}

func liftInfo(i system.Info, api string) plan.Engine {
	return plan.Engine{
		ID:              i.ID,
		Name:            i.Name,
		Version:         i.ServerVersion,
		APIVersion:      api,
		CgroupVersion:   cmp.Or(i.CgroupVersion, "1"),
		CgroupDriver:    i.CgroupDriver,
		Architecture:    i.Architecture,
		NCPU:            i.NCPU,
		MemTotal:        i.MemTotal,
		DefaultRuntime:  i.DefaultRuntime,
		Runtimes:        slices.Sorted(maps.Keys(i.Runtimes)),
		LoggingDriver:   i.LoggingDriver,
		LogDrivers:      i.Plugins.Log,
		NetworkDrivers:  i.Plugins.Network,
		VolumeDrivers:   i.Plugins.Volume,
		SecurityOptions: i.SecurityOptions,
		StorageDriver:   i.Driver,
		DataRoot:        i.DockerRootDir,
		Rootless:        isRootless(i.SecurityOptions),
		MemoryLimit:     i.MemoryLimit,
		SwapLimit:       i.SwapLimit,
		CPUCfs:          i.CPUCfsPeriod && i.CPUCfsQuota,
		CPUShares:       i.CPUShares,
		CPUSet:          i.CPUSet,
		PidsLimit:       i.PidsLimit,
		OOMKillDisable:  i.OomKillDisable,
	}
}

func isRootless(options []string) bool {
	return slices.ContainsFunc(options, func(o string) bool { return strings.HasPrefix(o, "name=rootless") })
}
