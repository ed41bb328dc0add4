# Everything here works on Debian with Go, make and git only, for root and for
# ordinary users; what else is needed is installed as Debian packages.

# The Go that go.mod names, whichever Go from 1.21 on is installed: it fetches that
# one. Where it can't, every target but these two ends here.
TOOLCHAIN := $(shell sed -n 's/^toolchain //p' go.mod)
export GOTOOLCHAIN := $(TOOLCHAIN)+auto
ifneq ($(filter-out help clean,$(MAKECMDGOALS)),)
ifneq ($(shell GOTOOLCHAIN=$(GOTOOLCHAIN) go env GOVERSION),$(TOOLCHAIN))
$(error this needs $(TOOLCHAIN), or any Go from 1.21 on that can fetch it: see https://go.dev/dl)
endif
endif

# Git tells nothing of a clone that belongs to another user, and Go would not build it.
export GOFLAGS += $(shell git rev-parse HEAD >/dev/null 2>&1 || echo -buildvcs=false)

GO       := go
BIN      := bin
TOOL     := $(GO) tool -modfile=internal/dev/tools/go.mod
PACKAGES := deploy/dev/install-debian.sh
SERVICES := $(wildcard proto/kiwi/invitation/v1/*_service.proto)
PROTOVALIDATE := github.com/bufbuild/protovalidate@v1.2.2

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: run
run: postgres build ## run everything on this machine: Postgres, an inbox, the service, an example portal and app
	@exec bin/devserver

.PHONY: dev
dev: postgres ## the same, built and started anew whenever a file changes
	@exec deploy/dev/watch.sh

.PHONY: psql
psql: ## look into the database of `make run`, or into DATABASE_URL
	@$(PACKAGES) postgresql-client:psql
	@[ "$$DATABASE_URL" ] || [ -f .data/database-url ] || { echo "there is no database yet: make run, or set DATABASE_URL" >&2; exit 1; }
	@psql "$${DATABASE_URL:-$$(cat .data/database-url)}"

.PHONY: postgres
postgres: ## install PostgreSQL, unless there is one or DATABASE_URL
	@if [ -z "$$DATABASE_URL" ]; then $(PACKAGES) postgresql:initdb; fi

.PHONY: run-tls
run-tls: postgres certs ## the same, with mutual TLS and the default policy
	@INVITATION_DEV_CERTS=.data/certs $(MAKE) --no-print-directory run

.PHONY: certs
certs: ## make a development CA, and certificates for the server and each kind of caller
	$(GO) run ./internal/dev/devcerts .data/certs

.PHONY: build
build: ## build bin/invitationd and what `make run` needs
	@mkdir -p $(BIN)
	$(GO) build -o $(BIN)/ ./cmd/... ./internal/dev/devserver
	$(GO) build -modfile=internal/dev/tools/go.mod -o $(BIN)/ github.com/fullstorydev/grpcurl/cmd/grpcurl
	@$(BIN)/grpcurl -import-path proto $(SERVICES:proto/%=-proto %) -protoset-out $(BIN)/invitation.protoset describe >/dev/null

# RUN and PKG narrow a test run down: make test RUN=TestSend PKG=./internal/server
PKG := ./...
NARROWED = $(if $(RUN),-run '$(RUN)') $(PKG)

# Packages in which goroutines meet are tested under the race detector; what computes,
# and whole programs, would only take several times as long.
RACED    := ./internal/access ./internal/delivery ./internal/filewatch ./internal/group ./internal/keyfile \
	./internal/postgres ./internal/sendgrid ./internal/server ./internal/tracing ./pkg/client
UNRACED   = $(filter-out $(shell $(GO) list $(RACED)),$(shell $(GO) list ./...))

.PHONY: test
test: test-tools ## run all tests, or those of RUN=pattern PKG=./package, against a real Postgres
ifeq ($(PKG),./...)
	$(GO) test -race -timeout 10m $(if $(RUN),-run '$(RUN)') $(RACED)
	$(GO) test -timeout 10m $(if $(RUN),-run '$(RUN)') $(UNRACED)
else
	$(GO) test -race -timeout 10m $(NARROWED)
endif

.PHONY: test-fast
test-fast: postgres ## run what needs a minute at most: no race detector, browser, pooler or outage
	$(GO) test -tags fast $(NARROWED)

.PHONY: test-deploy
test-deploy: ## check what is in deploy/: the image, manifests, units
	@$(PACKAGES) systemd:systemd-analyze
	cd internal/dev/tools && $(GO) test -count 1 ./...

.PHONY: test-tools
test-tools: ## install what the tests need
	@$(PACKAGES) gcc:gcc libc6-dev postgresql:initdb zbar-tools:zbarimg librsvg2-bin:rsvg-convert poppler-utils:pdftotext chromium:chromium fonts-liberation pgbouncer:pgbouncer zsh:zsh \
		npm:npm protobuf-compiler libprotobuf-dev protobuf-compiler-grpc python3-grpcio

.PHONY: lint
lint: ## check style, imports and protos
	$(TOOL) golangci-lint run --allow-parallel-runners ./...
	$(GO) vet -tags fast ./...
	$(TOOL) buf lint
	$(TOOL) buf format --diff --exit-code

.PHONY: lint-fix
lint-fix: ## put right what can be put right by itself
	$(TOOL) golangci-lint run --allow-parallel-runners --fix ./...
	$(TOOL) golangci-lint fmt ./...
	$(TOOL) buf format --write

.PHONY: migrations
migrations: ## look for migrations that would stop the servers that run meanwhile
	@$(PACKAGES) npm:npm
	@deploy/dev/migrations.sh

.PHONY: beside
beside: postgres ## run the last release's store on the schema of this commit
	@deploy/dev/beside.sh

.PHONY: alerts
alerts: ## hold each alert against a case in which it fires, and one in which it does not
	@$(PACKAGES) prometheus:promtool
	promtool check rules --lint=all deploy/prometheus/alerts.yaml
	promtool test rules deploy/prometheus/alerts_test.yaml

.PHONY: breaking
breaking: ## compare the API with that of the last release, or of the commit before
	@deploy/dev/breaking.sh

.PHONY: mutants
mutants: ## show changes of the code that no test minds, in PKG=./package
	@deploy/dev/mutants.sh $(if $(filter ./...,$(PKG)),internal/invitation internal/mailaddr internal/keyfile internal/filewatch internal/sendgrid internal/server,$(PKG))

# validate.proto lies beside our protos, so that `protoc -I proto` finds it. It comes
# out of its Go module: the registry of buf modules is not needed, and the version is
# pinned above.
.PHONY: generate
generate: ## generate pkg/ from proto/
	@dir=$$($(GO) mod download -json $(PROTOVALIDATE) | sed -n 's/^\t"Dir": "\(.*\)",$$/\1/p') && \
		install -D -m 644 "$$dir/proto/protovalidate/buf/validate/validate.proto" proto/buf/validate/validate.proto
	$(TOOL) buf generate

.PHONY: bench
bench: ## measure against pgbench, in under 10 minutes
	@$(PACKAGES) postgresql:pgbench
	$(GO) run ./internal/dev/bench

.PHONY: bench-quick
bench-quick: ## the same for what most calls are, in under 3 minutes
	@$(PACKAGES) postgresql:pgbench
	$(GO) run ./internal/dev/bench -quick

.PHONY: bench-compare
bench-compare: ## the same, beside what the last run found
	@$(PACKAGES) postgresql:pgbench
	$(GO) run ./internal/dev/bench -quick -compare

.PHONY: bench-growth
bench-growth: ## compare 10,000 users with 10,000,000
	@$(PACKAGES) postgresql:pgbench
	$(GO) run ./internal/dev/bench -growth

.PHONY: bench-seen
bench-seen: ## compare a Send with and without metrics and traces
	@$(PACKAGES) postgresql:pgbench
	$(GO) run ./internal/dev/bench -seen -rounds 7

.PHONY: siege
siege: postgres ## attack the service, and measure what others keep, in under 10 minutes
	$(GO) run ./internal/dev/siege

.PHONY: failover
failover: postgres ## take the database away in each way it can go, and count broken promises, in under 8 minutes
	$(GO) run ./internal/dev/failover

.PHONY: fuzz
fuzz: test-tools ## run every fuzz target for FUZZTIME (30s) each
	@deploy/dev/fuzz.sh

.PHONY: build-release
build-release: ## build bin/release/invitationd: static, the same bytes every time
	@mkdir -p bin/release
	VERSION=$$(git describe --tags --always --dirty) COMMIT=$$(git rev-parse HEAD) deploy/supply/build.sh bin/release/invitationd

.PHONY: reproducible
reproducible: ## build the release twice, in different places, and compare
	@deploy/supply/reproducible.sh

.PHONY: sbom
sbom: ## write bin/release/sbom.json (CycloneDX)
	@mkdir -p bin/release
	CGO_ENABLED=0 $(TOOL) cyclonedx-gomod app -json -std -licenses -noserial -notimestamp -main cmd/invitationd -output bin/release/sbom.json .

.PHONY: image
image: build-release sbom ## write bin/release/image, a container image as an OCI layout, without a container engine
	cd internal/dev/tools && $(GO) run ./image -binary $(CURDIR)/bin/release/invitationd -sbom $(CURDIR)/bin/release/sbom.json \
		-out $(CURDIR)/bin/release/image -version "$$(git describe --tags --always --dirty)" -commit "$$(git rev-parse HEAD)"

.PHONY: licences
licences: ## list the licences of all dependencies, and fail on others than agreed
	@deploy/supply/licences.sh

.PHONY: vulnerabilities
vulnerabilities: ## look for known vulnerabilities; says so when it could not
	@deploy/supply/vulnerabilities.sh

.PHONY: clean
clean: ## remove what was built; the data of `make run` stays
	rm -rf bin .cache
