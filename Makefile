# The commands of this project; `make help` lists them. Settings come from the environment (`UDAPI_PORT=9000 make run`).

PYTHON ?=
PYTHONS := $(or $(PYTHON),python3 python3.11 python3.12 python3.13 python3.14)
BIN := .venv/bin
NEW_ENOUGH := import sys, importlib.util; sys.exit(sys.version_info < (3, 11) or not importlib.util.find_spec("pip"))

# An environment that was moved, interrupted or made by an older Python is created again.
VENV_WORKS := $(shell $(BIN)/python -c '$(NEW_ENOUGH)' 2>/dev/null && echo yes)
ifeq ($(VENV_WORKS),)
$(shell rm -f .venv/.installed-run .venv/.installed-dev)
endif
NEEDED_VENV := $(if $(VENV_WORKS),,venv)

LOCK := $(BIN)/uv pip compile --no-config --quiet --universal --python-version 3.11 --generate-hashes --only-binary :all: \
  --emit-build-options --no-annotate --custom-compile-command "make lock"
UPGRADED = $(if $(filter all,$(UPGRADE)),--upgrade,$(UPGRADE:%=--upgrade-package %))

.DEFAULT_GOAL := help
.PHONY: help run worker test chaos bench bench-quick check lock screenshots clean venv

help: ## list the commands
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' $(firstword $(MAKEFILE_LIST))

run: .venv/.installed-run ## install what is missing and start everything; Ctrl-C stops it
	@exec $(BIN)/python -m launcher

worker: .venv/.installed-run ## start a further worker node on the same broker
	@exec $(BIN)/python -m launcher worker

test: .venv/.installed-dev ## run all tests; DATABASE=postgresql: on PostgreSQL; TESTS=tests/launcher: only these
	@PYTHONDONTWRITEBYTECODE= $(BIN)/python -m pytest -n 4 --dist loadscope $(if $(DATABASE),--database=$(DATABASE)) $(TESTS)

chaos: .venv/.installed-dev ## break the real stack in every way and print what survived; SOAK=20: then load it for 20 minutes
	@$(BIN)/python -m chaos $(if $(SOAK),--soak $(SOAK)) $(if $(ONLY),--only $(ONLY)) $(if $(DATABASE),--database $(DATABASE))

bench: .venv/.installed-dev ## compare speed with the alternatives: benchmarks/RESULTS.md and plots; needs wrk
	@$(BIN)/python -m benchmarks.speed

bench-quick: .venv/.installed-dev ## the main ratios in two minutes; needs wrk
	@$(BIN)/python -m benchmarks.speed.quick

check: .venv/.installed-dev ## lint, format, types, imports and deployment checks
	@.ci/check

lock: .venv/.installed-dev ## update requirements*.txt from the .in files; UPGRADE=all: to the newest versions, UPGRADE=django: of one package
	@$(LOCK) $(UPGRADED) requirements.in -o requirements.txt
	@$(LOCK) $(UPGRADED) -c requirements.txt requirements-dev.in -o requirements-dev.txt

screenshots: .venv/.installed-dev ## take the pictures of the guides; needs Chromium
	@$(BIN)/python docs/screenshots.py

clean: ## remove the Python environment and all caches; keeps the data
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache

venv:
	@for python in $(PYTHONS); do \
	  $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || continue; \
	  echo "Making .venv with $$($$python --version) ..."; \
	  output=$$($$python -m venv --clear .venv 2>&1) && exit 0; \
	  echo "$$output"; \
	  echo "Error: .venv cannot be made: install the venv module of $$python (Debian, Ubuntu: apt install python3-venv)" \
	    "and make sure that this directory is writable."; \
	  exit 1; \
	done; \
	echo "Error: Python 3.11 or newer was not found (tried: $(PYTHONS)): install it, or name it:" \
	  "make run PYTHON=/path/to/python3"; \
	exit 1

.venv/.installed-run: requirements.txt | $(NEEDED_VENV)
	@$(BIN)/python -m launcher.install $< $@

.venv/.installed-dev: requirements-dev.txt | $(NEEDED_VENV)
	@$(BIN)/python -m launcher.install $< $@
