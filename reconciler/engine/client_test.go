package engine_test

import (
	"berth.dev/berth/reconciler"
	"berth.dev/berth/reconciler/engine"
)

var _ reconciler.Observer = (*engine.Client)(nil)
