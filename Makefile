# Everything a newcomer needs: `make report` and `make test`. Both set up what is missing.
# Needs Python 3.11 or newer with pip, make, and a package registry; no uv, no Quarto, no root.

PYTHON ?= python3
BIN := .venv/bin
export UV_PYTHON_DOWNLOADS := never
UV_VERSION := 0.13.8
UV := PYTHONPATH=.tools $(PYTHON) -m uv
# --inexact keeps a Quarto that an earlier set-up installed; bytecode is compiled here because some
# machines forbid Python to write it later, and pandas then takes four times as long to import.
SYNC := $(UV) sync --locked --inexact --compile-bytecode --quiet --python $(PYTHON)
# Without a network pip says, after a minute of tries, that there is no such version.
OR_SAY = || { echo "Set-up could not take its packages from the registry, see $@.log; without a network use what \`make bundle\` packs on another machine (README)."; exit 2; }
# Four workers on two cores: a test of a build waits for its kernels a third of the time. The notebooks, which are
# short, come last and even out the end.
PYTEST := $(BIN)/python -m pytest --nbval -n 4 --dist loadfile --no-loadscope-reorder -q
READY := .setup/packages .setup/quarto

.PHONY: report test test-long quick lab notebooks check bench lint format bundle clean setup

report: setup  ## Build the default edition: report/_output/report.html and report.pdf
	@$(BIN)/alliances build

test: setup  ## Run all tests, notebooks included; one that takes over four minutes is taken to hang, and ends the run
	@$(PYTEST) --max-worker-restart 0 -o faulthandler_timeout=240 -o faulthandler_exit_on_timeout=true tests notebooks

test-long: setup  ## The same with full property budgets, and the tests that take minutes
	@ALLIANCES_TEST_EXAMPLES=200 ALLIANCES_LONG=1 $(PYTEST) tests notebooks

quick: setup  ## What matters after an edit, in about a minute: style, types, data, notebooks at their defaults
	@$(BIN)/ruff check . && $(BIN)/mypy && $(BIN)/alliances check
	@$(PYTEST) notebooks

lab: setup  ## Open the notebooks in JupyterLab, on the form for an edition of your own
	@$(BIN)/alliances lab

notebooks: setup  ## Execute the committed notebooks in place, after a change of data or code
	@$(BIN)/alliances refresh

check: setup  ## Check data, evidence, coverage of the source texts, and notebooks
	@$(BIN)/alliances check

bench: setup  ## Measure speed, as ratios within one run
	@$(BIN)/python tests/bench.py $(if $(growth),--growth)

lint: setup  ## Check style and types
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy

format: setup
	@$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

setup: $(READY)

.setup/uv:
	@mkdir -p .setup
	@echo "Setting up: uv $(UV_VERSION)"
	@$(PYTHON) -m pip install --quiet --quiet --root-user-action=ignore --disable-pip-version-check --target .tools --upgrade uv==$(UV_VERSION) >$@.log 2>&1 $(OR_SAY)
	@touch $@

.setup/packages: .setup/uv pyproject.toml uv.lock
	@echo "Setting up: the packages of uv.lock"
	@$(SYNC) >$@.log 2>&1 $(OR_SAY)
	@$(BIN)/python -c "from alliances.publish.page import vega; vega()"
	@touch $@

# Quarto's package downloads a release from a code host while it builds, which closed networks refuse.
# It is tried once, for two minutes; after that the embedded engine stands in.
.setup/quarto: | .setup/packages
	@if $(BIN)/python -c "import sys; from alliances.publish.quarto import find_quarto; sys.exit(find_quarto() is None)"; then \
	  echo "Setting up: Quarto is here already"; \
	elif $(PYTHON) -c "import subprocess, sys; sys.exit(subprocess.run(sys.argv[1:], timeout=120).returncode)" \
	    env $(SYNC) --extra quarto >.setup/quarto.log 2>&1; then \
	  echo "Setting up: Quarto installed"; \
	else \
	  echo "Setting up: Quarto could not be installed (see .setup/quarto.log); the embedded engine is used. To try again: rm .setup/quarto"; \
	fi
	@touch $@

define BUNDLE_README
# Europe's Defence Alliances, without a network

In this folder:

    python3 -m venv venv && venv/bin/python -m pip install --no-index --no-deps --find-links wheels -r requirements.txt
    cd project && ../venv/bin/alliances build

On Windows write `python` for `python3`, and `venv\Scripts\` for `venv/bin/`. `project/` holds data, source texts,
notebooks and the report; editions land in `project/report/_output/`. The wheels fit machines of the kind named below; for
another one run `make bundle` there.

endef
export BUNDLE_README

bundle: setup  ## Pack wheels and the project into bundle/, for a machine of this kind without a network
	@rm -rf bundle && mkdir -p bundle/wheels bundle/project
	@$(UV) export --locked --quiet --no-dev --extra cluster --no-emit-project --no-hashes --no-header --output-file bundle/requirements.txt
	@$(PYTHON) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir bundle/wheels -r bundle/requirements.txt
	@$(UV) build --quiet --wheel --python $(PYTHON) --out-dir bundle/wheels
	@rm -f bundle/wheels/.gitignore
	@$(BIN)/python -c "import alliances; print(f'alliances=={alliances.__version__}')" >>bundle/requirements.txt
	@cp -R README.md CONTRIBUTING.md LICENSE CITATION.cff data seeds notebooks report bundle/project/
	@cd bundle/project && rm -rf report/_output report/report.md report/edition.yml report/facts.json report/figures report/vega report/attached report/fonts report/.quarto notebooks/.ipynb_checkpoints notebooks/_output notebooks/.quarto
	@echo "$$BUNDLE_README" >bundle/README.md
	@$(BIN)/python -c "import platform; print('Made with Python', platform.python_version(), 'on', platform.platform() + '.')" >>bundle/README.md
	@echo "bundle/ is ready; its README says how to install from it"

clean:  ## Remove what was built, not what was set up
	rm -rf report/_output report/report.md report/edition.yml report/facts.json report/figures report/vega report/attached report/fonts notebooks/_output .cache .pytest_cache .mypy_cache .ruff_cache
