# `make` lists the targets. All of them work as root on a bare Debian with Go,
# git and make; what else they need they install or start, see hack/.

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)

# The packages whose tests use the real engine. They share it, so they are kept
# apart from each other; all others may run side by side.
ENGINE_PACKAGE := /(reconciler/engine|hack/e2e)(/|$$)
UNIT_TESTS = $(shell go list ./... | grep -vE '$(ENGINE_PACKAGE)')
ENGINE_TESTS = $(shell go list ./... | grep -E '$(ENGINE_PACKAGE)')

.DEFAULT_GOAL := help
.PHONY: help build run clean-run test test-unit test-e2e lint fmt bench compiler engine images clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-10s  %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

build: ## build bin/berth, a static binary
	CGO_ENABLED=0 go build -trimpath -buildvcs=false -ldflags '-s -w -X main.version=$(VERSION)' -o bin/berth ./cmd/berth

run: build engine images ## run the agent on examples/ and show what to try
	hack/run

clean-run: build ## remove what `make run` left on the engine
	bin/berth delete examples
	@rm -f .cache/run/left

test: test-unit test-e2e ## run every test, with the race detector

test-unit: compiler ## run the tests that need no engine
	go test -race $(UNIT_TESTS)

test-e2e: compiler engine images ## run the tests that use the engine
	@if test -e .cache/run/left; then echo "first, what 'make run' left:"; $(MAKE) --no-print-directory clean-run; fi
	go test -race -count=1 -p 1 $(ENGINE_TESTS)

lint: ## check format, vet, staticcheck (and shellcheck where installed)
	@unformatted=$$(gofmt -l .); test -z "$$unformatted" || { echo "run 'make fmt', not formatted: $$unformatted"; exit 1; }
	go vet ./...
	go tool staticcheck ./...
	@if command -v shellcheck >/dev/null; then set -x; shellcheck -x $$(grep -lr '^#!/bin/bash' hack .ci) hack/lib/*.bash; fi

fmt: ## format the Go files
	gofmt -w .

bench: build engine images ## measure against the raw API, print a table
	go run ./hack/bench

compiler:
	@hack/compiler

engine: ## make sure that a Docker Engine answers
	@hack/engine

images: engine ## build the images of tests and examples
	@hack/images

clean: ## remove what was built here
	rm -rf bin .cache
