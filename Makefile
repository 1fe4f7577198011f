# The commands to remember; `make` lists them. Works with GNU make 3.81 (macOS).

BIN      := .venv/bin
LAUNCHER := $(BIN)/python -m qmtl_site.launcher
MANAGE   := $(BIN)/python manage.py

# The first Python that is new enough: the one of .venv, or one on the path.
PYTHON    = $(shell for python in $(BIN)/python python3 python3.13 python3.12 python3.11; do \
	"$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$python" && break; done)

.DEFAULT_GOAL := help
.PHONY: help run test lint bench demo docs documents reset lock server-packages packages python

help: ## list these commands
	@grep -E '^[a-z]+:.*## ' $(firstword $(MAKEFILE_LIST)) | awk -F ':.*## ' '{ printf "  make %-7s %s\n", $$1, $$2 }'

run: server-packages ## start QMTL on this machine (PORT=8000; DATABASE_URL, REDIS_URL if you have servers)
	@$(LAUNCHER) run

test: packages ## run the tests on throw-away servers (ARGS="-k name" picks)
	@$(BIN)/python -m pytest $(or $(ARGS),$(ALL_AT_ONCE))

# A worker per core with a database of its own; a file's tests stay together, as they share what they set up.
ALL_AT_ONCE = -n auto --maxprocesses 4 --dist loadfile

lint: packages ## style, types, import contracts, templates
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(SETTINGS) $(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --check --lint --quiet templates

bench: packages ## measure how fast it is (ARGS=--long: as in benchmarks/README.md)
	@$(LAUNCHER) with --durable -- $(BIN)/python -m benchmarks $(ARGS)

demo: server-packages ## the core loop and a decision on the console, on throw-away servers
	@$(LAUNCHER) demo $(ARGS)

docs: packages ## regenerate the generated documents
	@$(LAUNCHER) with -- $(MAKE) --no-print-directory documents

reset: server-packages ## remove data, users and tokens of `make run`
	@$(LAUNCHER) reset

lock: packages ## recompile requirements*.txt from the ranges in pyproject.toml
	$(BIN)/uv pip compile --quiet $(UPGRADE) $(COMPILE) --group server --output-file requirements.txt
	$(BIN)/uv pip compile --quiet $(UPGRADE) $(COMPILE) --group dev -c requirements.txt --output-file requirements-dev.txt

# The Django plugin of mypy reads the settings, which want these two; nothing connects.
SETTINGS = env QMTL_EMBEDDED=1 DATABASE_URL=postgresql://none/none

# The heading names no path of a machine; UPGRADE=--upgrade takes newer versions.
COMPILE = --universal --python-version 3.11 --no-emit-index-url --custom-compile-command "make lock"

# Written beside and moved: a generator that fails leaves the old document.
documents:
	$(BIN)/python -m qmtl.metrics.document > docs/.draft && mv docs/.draft docs/metrics.md
	$(MANAGE) document_permissions > docs/.draft && mv docs/.draft docs/permissions.md
	$(MANAGE) document_errors > docs/.draft && mv docs/.draft docs/errors.md
	$(BIN)/python -m qmtl.cli.document > docs/.draft && mv docs/.draft docs/cli.md

server-packages: python
	@$(PYTHON) -m qmtl_site.launcher.install requirements.txt

packages: python
	@$(PYTHON) -m qmtl_site.launcher.install requirements.txt requirements-dev.txt

python:
	@test -n "$(PYTHON)" || { echo "QMTL needs Python 3.11 or newer: install python3 (and python3-venv on Debian)."; exit 1; }
