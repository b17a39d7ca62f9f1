# `make demo` and `make test` set up whatever they need; a second run reuses it.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
MODELS := build/models

# `make demo SECONDS=20 RATE=50 HEADLESS=1`, or the same as environment variables. SECONDS=0: until Ctrl-C.
SECONDS ?= 60
RATE ?= 20
SEED ?= 7
HEADLESS ?=
LONG ?=

.PHONY: help setup kafka models images demo test unit oracle integration e2e soak lint protos lock bench bench-latency bench-ysb bench-join bench-consume bench-tables bench-growth bench-sizing clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 16

setup: $(VENV)/.installed ## virtual environment with the locked dependencies

$(VENV)/.installed: requirements.lock pyproject.toml setup.py $(wildcard sightline/*/_*.[ch] sightline/query/runtime/_*.[ch])
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Python 3.11 or newer is needed; set PYTHON=" >&2; exit 1; }
	@echo "installing the locked dependencies into $(VENV) (about 2 minutes the first time) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

kafka: build/kafka/libs/.fetched ## Apache Kafka's jars, by Maven

build/kafka/libs/.fetched: tools/kafka/pom.xml
	@command -v mvn >/dev/null && command -v java >/dev/null || { echo "a JDK 17 or newer and Maven are needed" >&2; exit 1; }
	@echo "fetching Apache Kafka by Maven ..."
	@mvn --quiet --batch-mode --file $< dependency:copy-dependencies -DoutputDirectory=$(CURDIR)/build/kafka/libs
	@touch $@

models: setup ## EfficientNet-Lite0, pulled and exported into build/models (reused when there)
	@$(BIN)/python -m sightline.cli models export --root $(MODELS) --cache $(MODELS)-cache --replace >/dev/null

# `make images TARGETS="stream-joiner alerting" TAG=dev ENGINE=buildah BASE=registry.example.com/debian@sha256:...`
TARGETS ?= stream-joiner featurizer-cpu featurizer-gpu alerting models
TAG ?=
ENGINE ?=
BASE ?=
images: $(if $(filter models,$(TARGETS)),models,setup) ## container images and their sizes, by Docker or buildah (TARGETS, TAG, ENGINE, BASE)
	$(BIN)/python -m tools.images build $(TARGETS) $(if $(TAG),--tag $(TAG)) $(if $(ENGINE),--engine $(ENGINE)) $(if $(BASE),--base $(BASE))

demo: setup kafka models ## find Bond: Kafka, the three services and a stream of photographs (SECONDS, RATE, HEADLESS)
	@$(BIN)/python -m demo --seconds $(SECONDS) --rate $(RATE) --seed $(SEED) $(if $(filter-out 0,$(HEADLESS)),--headless)

test: setup kafka models lint unit oracle integration ## everything: lint, unit, SQL against Spark, integration and flow tests

unit: setup ## unit tests alone, seconds
	$(BIN)/python -m pytest tests/unit

oracle: setup ## the SQL against Spark, a minute (SIGHTLINE_SOAK=1: many more random expressions)
	$(BIN)/python -m pytest tests/oracle

integration: setup kafka models ## tests with a real Kafka, real models and real processes
	$(BIN)/python -m pytest tests/integration tests/flow --durations=10

soak: setup kafka ## exactness under kill -9 and broker restarts, 5 minutes (SECONDS; a new SEED each time, SEED= repeats one)
	SIGHTLINE_SOAK_SECONDS=$(if $(filter-out file,$(origin SECONDS)),$(SECONDS),300) \
	SIGHTLINE_SOAK_SEED=$(if $(filter-out file,$(origin SEED)),$(SEED)) \
	$(BIN)/python -m pytest tests/soak -s --show-capture=no

# tests/e2e/clusters.py and tests/e2e/images.py name the variables; without a cluster each test says why it is skipped.
e2e: setup kafka models ## tests on the Kubernetes cluster of KUBECONFIG or SIGHTLINE_CLUSTER_UP (LONG=1: all of them)
	LONG=$(LONG) $(BIN)/python -m pytest tests/e2e -rs --durations=20

bench-latency: setup kafka models ## event→alert at 20 and 50 events/s over TCP and a unix socket, about 9 minutes
	@$(BIN)/python -m benchmarks.latency

bench-tables: setup ## look-ups in tables of 1 k to 10 M rows, in memory and on disk, about 4 minutes
	@$(BIN)/python -m benchmarks.tables

bench-consume: setup kafka ## what reading from Kafka costs, about 2 minutes
	@$(BIN)/python -m benchmarks.consume

# `make bench-ysb FLAGS="--engines ours,flink-datastream --rounds 1"`; --help lists them.
bench-ysb: setup kafka ## Yahoo Streaming Benchmark against its peers, about an hour (FLAGS=--quick: 15 minutes)
	@$(BIN)/python -m benchmarks.ysb $(FLAGS)

bench-join: setup kafka ## a stream joined with a table, against its peers, about an hour (FLAGS=--quick: 12 minutes)
	@$(BIN)/python -m benchmarks.join $(FLAGS)

# `make bench-growth FLAGS="--only keys,payload"`
bench-growth: setup kafka ## cost as keys, payloads, pipelines and tables grow, 10 minutes at most (FLAGS=--quick: 6)
	@$(BIN)/python -m benchmarks.growth $(FLAGS)

bench-sizing: setup kafka models ## CPU and memory of each part per event, for docs/operations.md, about 4 minutes
	@$(BIN)/python -m benchmarks.sizing

# One after the other, also under -j: side by side they would measure each other.
bench: ## every benchmark
	@$(MAKE) bench-latency
	@$(MAKE) bench-ysb
	@$(MAKE) bench-join
	@$(MAKE) bench-tables
	@$(MAKE) bench-consume
	@$(MAKE) bench-growth
	@$(MAKE) bench-sizing

clean: ## remove what was built and fetched, the virtual environment stays
	rm -rf build

protos: setup ## regenerate sightline/proto
	protos/generate.sh

lock: ## resolve the dependencies anew (needs uv)
	tools/lock.sh

lint: setup ## format, lint, types, layers, fresh stubs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy sightline services demo tools tests benchmarks
	$(BIN)/lint-imports --no-cache
	protos/generate.sh --check
