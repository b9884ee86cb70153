package engine_test

import (
	"testing"

	"go.uber.org/goleak"
)

// TestMain holds that a client that was closed leaves no goroutine behind.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }
