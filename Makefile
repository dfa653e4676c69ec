# The doors of this project. `make` alone lists them. Settings of your own (DATABASE_URL, ...) pass through.

.DEFAULT_GOAL := help
.PHONY: help setup install demo run test prove check openapi audit fix bench lock migrations clean
# Whatever environment this shell stands in, the project uses its own.
unexport VIRTUAL_ENV PYTHONHOME PYTHONPATH

VENV := .venv
BIN := $(VENV)/bin
PY := $(BIN)/python
INSTALLED := $(VENV)/installed.lock
UV := uv==0.13.9
OURS := checkout_project orders payments attribution reconciliation events foundation sandbox_processor
WORKERS ?= 2
ARGS ?=
PYTHON ?= $(shell for p in python3 python3.11 python3.12 python3.13 python3.14; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

help: ## This list
	@grep -E '^[a-z]+:.*## ' Makefile | sed -E 's/^([a-z]+):.*## /\1\t/' | expand -t 14

setup: ## Make .venv with the locked packages; does nothing when they are there
	@{ cmp -s requirements.lock $(INSTALLED) && $(PY) -c ''; } 2>/dev/null \
		|| $(MAKE) --no-print-directory install

install:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed, and none was found."; exit 1; }
	@$(PY) -m pip --version >/dev/null 2>&1 || { rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); } \
		|| { rm -rf $(VENV); echo "$(PYTHON) cannot make a virtual environment: its venv module is missing."; \
		echo "Install it (Debian, Ubuntu: apt-get install python3-venv) and try again."; exit 1; }
	@echo "Installing the packages of requirements.lock into $(VENV)"
	@$(PY) -m pip install --quiet --disable-pip-version-check $(UV) \
		&& $(PY) -m uv pip install --quiet --python $(PY) --require-hashes -r requirements.lock \
		|| { echo "uv could not; pip will, more slowly"; \
		$(PY) -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock; }
	@# So that .venv/bin/pytest and the like find the project from anywhere.
	@pwd > "$$($(PY) -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/checkout_project.pth"
	@cp requirements.lock $(INSTALLED)

demo: setup ## Real checkouts through HTTP, with crashes; ends non-zero if a promise broke
	@$(PY) manage.py demo $(ARGS)

run: setup ## Everything up until Ctrl-C, with the admin's address and login on screen
	@$(PY) manage.py run $(ARGS)

test: setup ## All tests, on servers of their own (ARGS="-k name" for some)
	@$(PY) -m pytest -n $(WORKERS) --dist loadscope $(ARGS)

prove: setup ## The whole proof, the better part of an hour; writes its evidence into docs/ (ARGS="--only races")
	@$(PY) -m tests.proof $(ARGS)

check: setup ## Format, lint, types, import floors, migrations, Django's own checks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(PY) -m mypy
	$(BIN)/lint-imports
	$(PY) manage.py makemigrations --check --dry-run
	$(PY) manage.py check
	$(PY) manage.py write_openapi --check
	$(BIN)/bandit --quiet --recursive --configfile pyproject.toml $(OURS)
	@$(MAKE) --no-print-directory audit

openapi: setup ## Write docs/openapi.json, and what is made from it
	$(PY) manage.py write_openapi

audit: setup ## Known vulnerabilities of what is locked; says so when nobody can be asked
	@.ci/audit

fix: setup ## Format, and fix what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## Checkouts per second next to pgbench on the same server
	@$(PY) -m benchmarks $(ARGS)

lock: setup ## requirements.txt -> requirements.lock, with the hash of every file
	$(PY) -m uv pip compile requirements.txt --output-file requirements.lock --universal \
		--python-version 3.11 --generate-hashes --no-emit-index-url --quiet \
		--custom-compile-command "make lock"

migrations: setup ## Write the migrations that the models ask for
	$(PY) manage.py makemigrations $(ARGS)

clean: ## Remove .venv and caches; .data (your orders) stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
