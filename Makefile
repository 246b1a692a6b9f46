# make run    start the daemon on ./config.toml          make demo   the same on made-up news, no network needed
# make test   all tests                                  make check  format, lint, types, layers
# make bench  the benchmarks                             make lock   renew the lock files (needs uv)
#
# Each sets up what it needs in .venv. Needs Python 3.11 or newer; PYTHON=… names another one. uv, where it is, makes it faster.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; exit; }; done; echo no-python)
VENV ?= .venv
PY := $(VENV)/bin/python

.DEFAULT_GOAL := help
.PHONY: help run demo test check bench lock clean format docs

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -6

$(VENV)/bin/python:
	@test "$(PYTHON)" != no-python || { echo "news-monitor needs Python 3.11 or newer; found none. Install it, or: make PYTHON=/path/to/python3"; exit 1; }
	@echo "making $(VENV) with $$($(PYTHON) --version)"
	@$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); echo "could not make a virtual environment; on Debian and Ubuntu: apt install python3-venv"; exit 1; }

# $(call install,LOCK FILE,STAMP): exactly the locked versions, each file checked against its hash.
define install
	@echo "installing $(1) (once)"
	@{ command -v uv >/dev/null && uv pip install --quiet --python $(PY) --require-hashes --no-deps -r $(1) 2>/dev/null; } || \
		$(PY) -m pip install -qq --disable-pip-version-check --require-hashes --no-deps -r $(1)
	@touch $(2)
endef

$(VENV)/.run: requirements.lock | $(VENV)/bin/python
	$(call install,requirements.lock,$@)

$(VENV)/.dev: requirements-dev.lock | $(VENV)/bin/python
	$(call install,requirements-dev.lock,$@)
	@touch $(VENV)/.run

run: $(VENV)/.run
	@exec $(PY) -m monitor run $(ARGS)

demo: $(VENV)/.run
	@exec $(PY) -m monitor demo $(ARGS)

# Most of the time tests wait for a daemon, so they run beside each other; JOBS=0: one after the other, in this process.
JOBS ?= 3
test: $(VENV)/.dev
	$(PY) -m pytest -n $(JOBS) --dist worksteal $(ARGS)

check: $(VENV)/.dev
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	$(VENV)/bin/lint-imports

format: $(VENV)/.dev
	$(PY) -m ruff check --fix .
	$(PY) -m ruff format .

docs: $(VENV)/.run
	$(PY) -m monitor config reference > docs/configuration.md
	$(PY) -m monitor rules schema > docs/rules.schema.json

bench: $(VENV)/.dev
	$(PY) -m benchmarks $(ARGS)

LOCK := uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate pyproject.toml
lock:
	$(LOCK) -o requirements.lock
	$(LOCK) --group dev --extra postgres --extra language --extra apprise --extra fulltext -o requirements-dev.lock

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build dist
