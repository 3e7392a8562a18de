# Every command, one line each: `make help`. All of them set themselves up; nothing has to be installed before
# but Python 3.11 or newer with venv and pip (and, for `make test`, Linux with apt or the packages that it names).
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CHECK_JOBS ?= 2
.DEFAULT_GOAL := help
# pytest rewrites each assertion of each test file, which costs every process ten seconds unless the result is kept.
unexport PYTHONDONTWRITEBYTECODE
.PHONY: help demo demo-cluster test check fmt bench lock cluster-up clean

help: ## List every command
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(VENV)/.runtime ## Tell the whole story on this machine: no cluster, no server, under 20 s
	@$(BIN)/gatekeeper demo

demo-cluster: $(VENV)/.dev ## The story on a real control plane and kubelet with fake GPUs (Linux, root)
	@$(BIN)/python -m tests.controlplane.demo

check: $(VENV)/.dev ## Format, lint, types, rooms and fast tests, in under a minute
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -m "not slow and not controlplane" -n $(CHECK_JOBS)

test: check ## Everything: servers, a real Kubernetes control plane, a real kubelet (first run builds them)
	$(BIN)/python scripts/system_packages.py
	$(BIN)/python -m tests.controlplane.harness.binaries
	$(BIN)/python -m pytest -q -m "(slow or hypothesis) and not controlplane"
	$(BIN)/python -m pytest -q -m "controlplane"

bench: $(VENV)/.dev ## Measure: webhook CPU against nginx, durable releases and manifests read per second
	$(BIN)/python scripts/system_packages.py --only bench
	$(BIN)/python -m bench

cluster-up: $(VENV)/.dev ## Keep a real control plane with a node running, to try things by hand
	@$(BIN)/python -m tests.controlplane.harness up

fmt: $(VENV)/.dev ## Format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: $(VENV)/.dev ## Write the lock files again from pyproject.toml
	$(BIN)/pip install --quiet uv
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		pyproject.toml --group build -o requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-header \
		pyproject.toml --group dev -o requirements-dev.lock

clean: ## Remove the virtual environment and all caches in this folder
	find . -name __pycache__ -not -path './$(VENV)/*' -prune -exec rm -rf {} +
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache build dist out

# The package itself is installed editable and without isolation: its builder comes from the lock as well.
$(VENV)/.runtime: requirements.lock pyproject.toml
	@$(PYTHON) scripts/python_version.py
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) from requirements.lock ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

$(VENV)/.dev: requirements-dev.lock pyproject.toml
	@$(PYTHON) scripts/python_version.py
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing into $(VENV) from requirements-dev.lock ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@ $(VENV)/.runtime
