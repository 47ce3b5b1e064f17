# Everything that is done with this project. `make run` and `make test` need
# only Go, git and make; as root they install what else is missing.
.DEFAULT_GOAL := help

VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo unknown)
BUILD   := go build -ldflags "-X main.version=$(VERSION)"
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0

.PHONY: help build run test lint packages soak fuzz bench clean

help: ## say what there is
	@grep -hE '^[a-z]+:.*##' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 12

build: ## make the binary ./mail-archive
	$(BUILD) -o mail-archive ./cmd/mail-archive

run: build ## start an archive with sample mail and say what to try
	@./sample/run.sh

packages: ## install the Debian packages that the tests want (as root)
	@./test/packages.sh

test: packages lint ## run every test, those with real servers too
	go test -race -timeout 14m $$(go list ./... | grep -v '/test$$')
	go test -race -timeout 14m -count=1 ./test # runs the binary, which the test cache does not see
	go test -run CostLittle ./internal/extract # what the race detector would distort

lint: ## formatting, vet, staticcheck, govulncheck
	@./test/lint.sh $(STATICCHECK) $(GOVULNCHECK)

soak: packages ## the crash and kill tests, many times over (an hour)
	MAIL_SOAK=1 go test -timeout 3h -count=1 -run 'Acknowledged|Kill|Corpus|StandardLibrary' ./internal/... ./test

fuzz: ## each fuzz target for a minute (FUZZTIME=1m)
	@./test/fuzz.sh $(or $(FUZZTIME),1m)

bench: packages build ## the benchmarks of bench/README.md
	@./bench/run.sh

clean: ## remove what was built and the sample archive
	rm -rf mail-archive build run
