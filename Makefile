# The front door. CMakeLists.txt does the building (presets dev, release, asan, tsan, bench).

PREFIX ?= /usr/local
RELEASE = build/release
CDCL = $(RELEASE)/cdcl

.PHONY: all build demo test test-quick test-long fuzz bench bench-full bench-peers install clean help

all: build

build: ## install what is missing, build the program: build/release/cdcl
	@.ci/packages build
	@mkdir -p build
	@cmake --preset release >build/release.log 2>&1 || { cat build/release.log; exit 1; }
	@cmake --build --preset release

demo: build ## no Kafka needed: five batches of simulated changes on an embedded broker
	$(CDCL) run --demo --max-batches 5 --trigger "1 second" scripts/orders.lua
	@printf '%s\n' '' \
		'That was scripts/orders.lua on an embedded broker. What to try next:' \
		'  edit scripts/orders.lua, and make demo again' \
		'  $(CDCL) run --demo scripts/orders.lua                until ctrl-c' \
		'  $(CDCL) run --demo --watch scripts/orders.lua        a new version on every save' \
		'  $(CDCL) plan scripts/orders.lua                      what the script declares' \
		'  $(CDCL) init my-job                                  a job of your own, with sample data' \
		'  $(CDCL) run --brokers HOST:9092 scripts/orders.lua   on your Kafka' \
		'  $(CDCL) help                                         every command' \
		'Coming from PySpark: docs/from-spark.md. All of the language: docs/lua-api.md.'

test: ## everything; the last line says N passed, N failed, N skipped
	@.ci/packages build test
	@tests/run

test-quick: ## the part of the tests that takes less than a minute
	@.ci/packages build test
	@bash tests/quick

test-long: ## everything, with minutes of fuzzing
	@.ci/packages build test
	@tests/run --long

fuzz: ## the fuzzers alone, for minutes
	@.ci/packages build test
	@tests/run --long --only '^fuzz'

bench: build ## speed, latency, memory beside bare consumers on a real Kafka, in minutes; BENCH="--events 1000000" for less
	@.ci/packages build test bench
	@bench/run $(BENCH)

bench-full: build ## the same with more of everything, and docs/benchmarks.md written anew
	@.ci/packages build test bench
	@bench/run --full --page $(BENCH)

bench-peers: build ## the same beside Spark, Flink, Kafka Streams and Bytewax, which are fetched for it
	@.ci/packages build test bench peers
	@bench/run --peers $(BENCH)

install: build ## to PREFIX (/usr/local), under DESTDIR
	cmake --install $(RELEASE) --prefix $(PREFIX)

clean: ## remove build/
	rm -rf build

help: ## this
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-12s %s\n", $$1, $$2 }' Makefile
