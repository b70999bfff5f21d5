# The doors of the house. `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
# Two workers: the tests that start daemons and servers mostly wait.
PYTEST_FLAGS ?= -n 2 --dist loadgroup

# What `make deb` builds for, and how the system tests run: a worker for each release, which mostly waits.
RELEASE ?= bookworm trixie
SYSTEM_FLAGS ?= -n 2 --durations=10

.DEFAULT_GOAL := help
.PHONY: help venv dev run test lint bench chaos docs lock web test-browser clean deb apt-repo test-system

help: ## list these doors
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

venv: ## build .venv with what running needs, and .venv/bin/hybridd
	@PYTHON="$(PYTHON)" packaging/bootstrap.sh runtime

dev: ## build .venv with what testing needs as well
	@PYTHON="$(PYTHON)" packaging/bootstrap.sh dev

run: venv ## install what is missing and start the demo: no account, no network
	@$(BIN)/hybridd demo

test: dev lint ## install what is missing, check the style and the types, run every test
	@$(BIN)/python -m pytest $(PYTEST_FLAGS)

lint: dev ## ruff and mypy
	@$(BIN)/ruff check hybridd tests
	@$(BIN)/ruff format --check hybridd tests
	@$(BIN)/mypy

bench: dev ## measure speed and memory, as figures of one run
	@$(BIN)/python -m tests.bench

chaos: venv ## kill the daemon a thousand times, and compare what it says it told with what arrived
	@$(BIN)/hybridd selftest chaos

docs: dev ## write again what is generated: etc/hybridd.toml and the reference pages
	@$(BIN)/python -m tests.generate

lock: dev ## choose the newest versions that pyproject.toml allows and pin them with their hashes
	@packaging/lock.sh

web: ## fetch what browsers get, by npm from packaging/web/package-lock.json
	@packaging/web.sh

test-browser: dev web ## drive Debian's Chromium through every page; screenshots into build/screenshots
	@packaging/browser.sh
	@HYBRIDD_BROWSER=1 $(BIN)/python -m pytest tests/browser

deb: venv web ## as root: Debian packages into dist/, for RELEASE="bookworm trixie noble" or some of them
	@$(BIN)/python packaging/tools/deb.py $(RELEASE)

apt-repo: deb ## as root: a signed apt repository of dist/ in dist/apt; KEY=FINGERPRINT signs with a key of yours
	@$(BIN)/python packaging/tools/apt_repo.py $(if $(KEY),--key $(KEY))

test-system: dev ## as root: build the package, boot Debian 12 and 13, install it, kill it, upgrade it, measure it
	@$(BIN)/python packaging/tools/can_boot.py $(HYBRIDD_RELEASES) || { [ $$? = 3 ] && exit 0; exit 1; }; \
	HYBRIDD_SYSTEM=1 $(BIN)/python -m pytest tests/system $(SYSTEM_FLAGS)

clean: ## remove what make built (never the state of a running hybridd)
	rm -rf .venv build dist demo *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
