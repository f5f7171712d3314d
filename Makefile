# Everything a newcomer needs: `make run` and `make test`. `make` alone lists the targets.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
# With Node on the machine its npm is used; without, a wheel puts one into the environment.
NPM := $(shell command -v npm 2>/dev/null || echo $(CURDIR)/$(BIN)/npm)
# How many tests run at once, each worker with a database and a folder of its own; a file's tests stay together.
PYTEST_WORKERS ?= 2
# Fault scenarios of each kind (`make faults SEEDS=50`); they mostly wait, so more of them run at once.
SEEDS ?= 50
FAULT_WORKERS ?= 4
SPREAD := -n $(PYTEST_WORKERS) --dist loadfile
# The tests start hundreds of short processes: our modules are compiled once, whatever the machine's habit.
unexport PYTHONDONTWRITEBYTECODE
CA := $(firstword $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem))

.PHONY: help setup run test test-postgres browser faults rehearse check bench pictures clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | awk -F'\t' '{printf "  make %-14s %s\n", $$1, $$2}'

setup: $(VENV)/.done node_modules/.done ## make .venv (with .venv/bin/bell) and install the pinned packages

$(VENV)/.done: requirements-dev.txt pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed") if sys.version_info < (3, 11) else None'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	touch $@

node_modules/.done: package-lock.json $(VENV)/.done
	command -v npm >/dev/null || $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-node.txt
	PATH="$(CURDIR)/$(BIN):$$PATH" NODE_EXTRA_CA_CERTS="$(CA)" $(NPM) ci --no-progress --silent
	touch $@

run: setup ## set up, load the demo county, start everything on http://localhost:8000
	BELL_DEMO=1 $(BIN)/bell migrate --verbosity 0
	BELL_DEMO=1 $(BIN)/bell createcachetable
	BELL_DEMO=1 $(BIN)/bell collectstatic --noinput --verbosity 0
	BELL_DEMO=1 $(BIN)/bell demo
	BELL_DEMO=1 $(BIN)/bell run

test: setup ## the tests, on SQLite (PYTEST_WORKERS=2 at once)
	$(BIN)/pytest $(SPREAD)

test-postgres: setup ## the same tests on a private PostgreSQL: all that use the database of the run
	tests/with-postgres.sh $(BIN)/pytest $(SPREAD) --database-only

browser: setup ## journeys in a real Chromium
	$(BIN)/pytest $(SPREAD) -m browser tests/browser

faults: setup ## the fault matrix on both databases, SEEDS=50 scenarios of each kind
	$(BIN)/pytest -n $(FAULT_WORKERS) -m faults tests/faults --seeds $(SEEDS)

rehearse: setup ## whole rehearsals: each promise broken on purpose, a foreign relay, areas of one's own
	$(BIN)/pytest -m rehearse tests/proving

check: setup ## formatting, types, the direction of the house, migrations in step with models
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	BELL_DEMO=1 $(BIN)/mypy bell
	BELL_DEMO=1 $(BIN)/bell check --fail-level WARNING
	BELL_DEMO=1 $(BIN)/bell makemigrations --check --dry-run

bench: setup ## the benchmarks the project carries
	BELL_DEMO=1 $(BIN)/bell bench audience

pictures: setup ## take the pictures of docs/img from a demo of its own
	$(BIN)/python tests/browser/pictures.py

clean: ## remove what was made (the environment, packages, var)
	rm -rf $(VENV) node_modules var
