# Two commands matter: `make run` and `make test`. Both set up what they need.
SPARK ?= 4.0
PYTHON ?= python3.11
VENV ?= .venv
LOCK := requirements/spark-$(SPARK).lock
BIN := $(VENV)/bin
# What the environment was made from; another runtime or a new lock makes it anew.
STAMP := $(VENV)/.made-from-$(shell cat setup.py requirements/build.lock requirements/java.lock $(LOCK) 2>/dev/null | cksum | cut -d' ' -f1)-$(SPARK)
OTHER := $(if $(filter 4.0,$(SPARK)),3.5,4.0)
# `make bench` pins itself to one core; what it measures is a ratio.
BENCH_ARGS ?=

.PHONY: help setup run test test-other lint bench docs lock clean

help: ## what there is to make
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) ## .venv with stormlake, from the lock file of one runtime (SPARK=4.0 or 3.5)

$(STAMP):
	@test -f $(LOCK) || { echo "SPARK=$(SPARK) has no lock file; use SPARK=4.0 or SPARK=3.5" >&2; exit 2; }
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not on PATH: install Python 3.11, or name it: make PYTHON=/path/to/python3.11" >&2; exit 2; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --require-hashes -r requirements/build.lock
	$(BIN)/python -m pip install --quiet --no-build-isolation --require-hashes -r $(LOCK)
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps --editable .
	@$(BIN)/python -m stormlake.java >/dev/null || $(BIN)/python -m pip install --quiet --require-hashes -r requirements/java.lock
	touch $@

