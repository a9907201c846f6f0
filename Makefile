# The commands of the project. `make help` lists them.
#
# PYTHON  a Python 3.11 or newer, taken when .venv is made; by default the newest that is found
# ARGS    passed on to the command: make test ARGS="-k simulate"

PYTHON ?=
ARGS ?=

# Paths are relative, so that the project may lie in a folder with spaces in its name.
VENV := .venv
BIN := $(VENV)/bin
CONSTRAINTS := tests/constraints.txt

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint docs screenshots clean system

help: ## show this list
	@echo "napari-biogans"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile
	@echo "With PYTHON=/path/to/python3.12 another Python is taken; ARGS=\"...\" is passed on."

demo: $(VENV)/demo.done ## watch a GAN learn simulated cells, in a few minutes and without a screen
	$(BIN)/napari-biogans demo $(ARGS)

test: system $(VENV)/tox.done ## install everything that the tests need, check the style and run the tests
	$(BIN)/tox run -e check $(if $(ARGS),-- $(ARGS))

lint: $(VENV)/tox.done ## check style, types and imports only
	$(BIN)/tox run -e lint

docs: $(VENV)/tox.done ## build the documentation into site/
	$(BIN)/tox run -e docs $(if $(ARGS),-- $(ARGS))

screenshots: system $(VENV)/tox.done ## take the pictures of the documentation (downloads 21 MB of real cells)
	$(BIN)/tox run -e screenshots $(if $(ARGS),-- $(ARGS))

clean: ## remove environments, caches and builds; runs and their models stay
	rm -rf $(VENV) .tox build dist site .coverage htmlcov
	rm -rf .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +

system:
	@python=$$(sh tools/find-python.sh $(if $(PYTHON),"$(PYTHON)")) && sh tools/system-libraries.sh venv "$$python" display

# Each installation ends by touching a file. As long as that is newer than the
# files that say what to install, nothing is installed again.
$(BIN)/python:
	@python=$$(sh tools/find-python.sh $(if $(PYTHON),"$(PYTHON)")) && \
	sh tools/system-libraries.sh venv "$$python" && \
	echo "Making $(VENV) with $$python" && \
	"$$python" -m venv --clear $(VENV)

$(VENV)/demo.done: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	@echo "Installing napari-biogans and the libraries it needs into $(VENV); the first time this takes some minutes"
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint $(CONSTRAINTS) --editable .
	@touch $@

$(VENV)/tox.done: Makefile | $(BIN)/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "tox>=4.20"
	@touch $@
