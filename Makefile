# Two commands matter: `make demo` shows what halltwin does, `make test` proves it. Both make .venv first.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
# Tests and cases of the bench start hundreds of processes: without bytecode each compiles all that it imports, 0.5 s.
unexport PYTHONDONTWRITEBYTECODE

# The first Python that is new enough; `make PYTHON=/path/to/python3.13 setup` chooses another one.
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
  "$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt
# The build backends come from the constraints too: they are installed first, builds are not isolated.
BUILD_TOOLS := hatchling setuptools wheel
# A copied .venv points to where it was made, so the stamps carry the path of the checkout.
HERE := $(shell pwd | cksum | cut -d' ' -f1)
RUN_STAMP := .venv/.run-$(HERE)
DEV_STAMP := .venv/.dev-$(HERE)

.PHONY: help setup demo test lint format bench validate pictures constraints clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):[^#]*## /  make \1\t/' | expand -t 20

setup: $(DEV_STAMP) ## .venv with halltwin (editable) and all that its tests need

demo: $(RUN_STAMP) ## a 750 MW campus alive: broker, virtual facility, live twin, page; Ctrl-C ends it (FOR=60s: then)
	$(BIN)/twin demo $(if $(FOR),--for $(FOR))

test: setup ## everything: formatting, lint, import order, types, tests
	@tests/system-packages.sh chromium gcc mosquitto mosquitto_pub node npm
	@$(MAKE) lint
	@# Files begin in the order of tests/conftest.py; by itself xdist has those of few tests last, however long these are.
	$(BIN)/pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: setup ## formatting, lint, import order, types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports
	$(BIN)/mypy

format: setup ## format the sources, fix what can be fixed
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## how fast it is, next to the same loop in C
	@tests/system-packages.sh gcc mosquitto
	$(BIN)/python -m tests.bench

validate: setup ## how right it is, case by case (ML_ENERGY=PATH and KV_STABILITY=CSV: with data of your own)
	$(BIN)/pytest -v -p no:randomly tests/oracles --validate-json build/validate.json \
	  $(if $(ML_ENERGY),--ml-energy "$(ML_ENERGY)") $(if $(KV_STABILITY),--kv-stability "$(KV_STABILITY)")

pictures: setup ## the README's pictures: the live page of the demo, and a year of the sample campus
	@tests/system-packages.sh chromium
	$(BIN)/twin simulate prairie-750 --from 2028-01-01 --to 2029-01-01 --out build/year.zarr --overwrite
	$(BIN)/python -m tests.browser.picture build/year.html dashboards/pictures/prairie-750.png
	$(BIN)/python -m tests.browser.demo_picture dashboards/pictures/live.png

constraints: ## pin the newest versions that resolve on every supported Python
	$(PYTHON) tests/packaging/pin.py $(BUILD_TOOLS)

clean: ## remove what was built, .venv included
	rm -rf .venv build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache .hypothesis
	find twin telemetry dashboards sites tests -name __pycache__ -prune -exec rm -rf {} +

# Makes .venv where it is missing, or was made for another checkout.
define venv
	@test -n "$(PYTHON)" || { echo "halltwin needs Python 3.11 or newer: apt-get install python3" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
	  { echo "$(PYTHON) cannot make virtual environments: apt-get install python3-venv" >&2; exit 1; }
	@ls $(RUN_STAMP) $(DEV_STAMP) >/dev/null 2>&1 || $(PYTHON) -m venv --clear .venv
	@echo "Installing into .venv (a few minutes the first time) ..."
	@$(PIP) $(BUILD_TOOLS)
endef

$(RUN_STAMP): pyproject.toml constraints.txt
	$(venv)
	@$(PIP) --no-build-isolation --editable '.[mqtt]'
	@touch $@

$(DEV_STAMP): pyproject.toml constraints.txt
	$(venv)
	@$(PIP) --no-build-isolation --editable '.[test,lint,netcdf,mqtt]'
	@touch $(RUN_STAMP) $@
