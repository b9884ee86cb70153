package main

import (
	"os"

	"github.com/go-logr/logr"
	"github.com/go-logr/zapr"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// newLogger makes the agent's log, on standard error.
func newLogger(c LogConfiguration) (log logr.Logger, flush func()) {
	cfg := zap.NewProductionEncoderConfig()
	cfg.EncodeTime = zapcore.ISO8601TimeEncoder
	cfg.EncodeDuration = zapcore.StringDurationEncoder
	encoder := zapcore.NewJSONEncoder(cfg)
	if c.Format == "text" {
		cfg.EncodeLevel = zapcore.CapitalLevelEncoder
		encoder = zapcore.NewConsoleEncoder(cfg)
	}
	level := zapcore.Level(-c.Verbosity) // logr's verbosity is zap's level, negated
	z := zap.New(zapcore.NewCore(encoder, zapcore.Lock(os.Stderr), level))
	return zapr.NewLogger(z), func() { _ = z.Sync() } // standard error is not buffered
}
