# Each target makes the environment that it needs: with uv where it is installed, else with `python3 -m venv` and pip.
#
#   make demo    a small complete run with the embedded model; no key, nothing but this repository and its packages
#   make test    the tests
#   make check   ruff and mypy (strict)
#   make docs    write the pages of docs/ that are made from the code: keys, methods, steps, commands
#   make bench   the benchmarks that need nothing but this repository; prints their tables (all others: the head of each file in benchmarks/)
#   make mutants the common mistakes of each method, as patches: its tests must notice every one (some ten minutes)
#   make soak    the tests that run for minutes: kill -9 over and over, a million rows
#   make pins    write requirements/dev.txt anew (newest versions that pyproject.toml allows)
#   make clean   remove the environment and the caches (not the runs)

VENV ?= .venv
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
UV ?= $(shell command -v uv 2>/dev/null)
PYTEST_ARGS ?=
BENCH ?= throughput replay memory limiter local sandbox

BIN := $(VENV)/bin
PINS := requirements/dev.txt
RUN_STAMP := $(VENV)/.made-run
DEV_STAMP := $(VENV)/.made-dev

ifneq ($(UV),)
NEW_VENV = "$(UV)" venv --quiet --allow-existing --python '>=3.11' $(VENV)
INSTALL = "$(UV)" pip install --quiet --python $(BIN)/python
HOW = uv
else
NEW_VENV = $(if $(PYTHON),$(PYTHON) -m venv $(VENV),$(error tilth needs Python 3.11 or newer, or uv; neither was found))
INSTALL = $(BIN)/python -m pip install --quiet --disable-pip-version-check
HOW = pip
endif

.DEFAULT_GOAL := help
.PHONY: help demo test check docs bench mutants soak pins clean model

help:
	@sed -n 's/^#   //p' Makefile

demo: model
	$(BIN)/tilth demo --yes

test: $(DEV_STAMP) model
	$(BIN)/tilth models pull minilm
	$(BIN)/python -m pytest $(PYTEST_ARGS)

check: $(DEV_STAMP)
	$(BIN)/ruff check
	$(BIN)/mypy

docs: $(RUN_STAMP)
	$(BIN)/python docs/generate.py

bench: $(DEV_STAMP) model
	@for name in $(BENCH); do echo "== $$name"; $(BIN)/python "benchmarks/$$name.py" || exit 1; done

mutants: $(DEV_STAMP) model
	$(BIN)/python -m pytest tests/mutants -m mutants $(PYTEST_ARGS)

soak: $(DEV_STAMP) model
	$(BIN)/python -m pytest -m soak $(PYTEST_ARGS)

# The same commands that a user types; the tests need the embedder too. It downloads once, checks the digests, and says in one line when it is there already.
model: $(RUN_STAMP)
	$(BIN)/tilth models pull local

# What a user needs: tilth and the embedded engine, no development tools.
$(RUN_STAMP): pyproject.toml $(PINS)
	@echo "making $(VENV) with $(HOW): tilth and the embedded engine"
	@$(NEW_VENV)
	@[ -n "$(UV)" ] || $(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip >/dev/null
	$(INSTALL) --constraint $(PINS) --editable '.[local]'
	@touch $@

# And what a developer needs on top.
$(DEV_STAMP): $(RUN_STAMP)
	@echo "adding the development tools to $(VENV) with $(HOW)"
	$(INSTALL) --constraint $(PINS) --editable '.[local,math,sql,dev]'
	@touch $@

pins: $(DEV_STAMP)
	$(INSTALL) pip-tools
	CUSTOM_COMPILE_COMMAND="make pins" $(BIN)/pip-compile --quiet --upgrade --extra local,math,sql,dev --strip-extras --no-annotate \
		--no-emit-options --no-emit-index-url --no-emit-find-links --no-emit-trusted-host \
		--unsafe-package tilth --output-file $(PINS) pyproject.toml

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
