# `make run`: set up, index the demo library, serve the page. `make test`: set up, run all tests.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help setup system run test test-release lint format bench lock clean

PORT ?= 8700
HOST ?= 127.0.0.1
DEMO_DATA ?= $(CURDIR)/var/demo

help:
	@echo "make run           set up, index the demo library, open the page at http://$(HOST):$(PORT)/"
	@echo "make test          set up, run all tests"
	@echo "make test-release  the longer tests as well"
	@echo "make lint          ruff, mypy --strict, import-linter"
	@echo "make bench         all benchmarks: retrieval on the demo library, and what ingest finds and costs"
	@echo "make lock          resolve requirements.lock anew"

setup:
	@scripts/setup.sh

# System packages that only the tests need (Chromium, Redis, ffmpeg, espeak-ng).
system:
	@scripts/test-packages.sh

run: setup
	@.venv/bin/reelseek --data "$(DEMO_DATA)" demo --host "$(HOST)" --port "$(PORT)"

# Two files of tests at a time; one thread for each model, since two at once on two cores only wait for one another.
PYTEST := OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 .venv/bin/python -m pytest -n 2 --dist loadfile

test: setup system
	$(PYTEST)

test-release: setup system
	$(PYTEST) -m "release or not release"

lint: setup
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

format: setup
	.venv/bin/ruff check --fix .
	.venv/bin/ruff format .

# Those that need real clips or meetings say so and measure nothing without them.
BENCHES := bench bench.ingest bench.shots bench.dropped bench.every_picture bench.screen_text bench.objects bench.speech bench.chapters

bench: setup
	@for name in $(BENCHES); do echo "== python -m $$name"; .venv/bin/python -m $$name || exit 1; done

lock: setup
	.venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	    --no-header --no-annotate --all-extras --group dev pyproject.toml -o requirements.lock

clean:
	rm -rf .venv var .mypy_cache .ruff_cache .pytest_cache .import_linter_cache build *.egg-info
