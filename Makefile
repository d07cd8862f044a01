# make demo     the whole flow on handwritten digits, from a kernel file to bitstreams
# make test     all tests
# make lint     style, types, and that imports only go down
# make bench    benchmarks, as JSON
# make docs     the site of docs/, in build/site
# make mutation how many faults the bench finds; docs/verification.md
# make report   measure docs/results again, on the cell libraries at hand
# make tables   measure the tables with speeds again, each from five routed seeds
# make nightly  every board, 20,000 random kernels, 2,000 random networks, and all tests with larger sizes
# make lock     find the newest allowed versions of the dependencies
# make clean    remove what the other targets made, except .venv

PYTHON ?= $(shell .ci/python)
BIN := .venv/bin
PYTEST := $(BIN)/python -m pytest -n 2 --dist worksteal -q

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test lint bench docs mutation report tables nightly lock clean system .venv

help:
	@sed -n 's/^# make /make /p' Makefile

demo: system .venv
	@$(BIN)/python examples/demo.py

test: system .venv
	@$(PYTEST) && echo "make test: all tests passed" || { echo "make test: FAILED"; exit 1; }

lint: .venv
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/lint-imports --no-logo \
	  && $(BIN)/mypy && echo "make lint: clean"

bench: system .venv
	@$(BIN)/python benchmarks/run.py

docs: .venv
	@NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict -q && echo "make docs: build/site/index.html"

mutation: system .venv
	@$(BIN)/python benchmarks/mutation.py

report: system .venv
	@$(BIN)/python benchmarks/report.py

tables: system .venv
	@$(BIN)/python benchmarks/speeds.py --jobs 2
	@$(BIN)/python benchmarks/speed_tables.py

nightly: system .venv
	@$(BIN)/python benchmarks/boards.py --check --again --jobs 2
	@$(BIN)/python benchmarks/fuzz.py --seed $$(date +%Y%m%d) --jobs 2
	@TNHW_NIGHTLY=1 $(PYTEST) -m "nightly or not nightly" \
	  && echo "make nightly: all tests passed" || { echo "make nightly: FAILED"; exit 1; }

# Universal: one file serves Python 3.11 to 3.13 everywhere. Without the extra `train`: PyTorch is hundreds of
# megabytes, and neither demo nor hardware needs it.
EXTRAS := ice40 ecp5 gowin machxo2 gatemate nexus sim plot host proof onnx import cluster peer docs dev

lock: .venv
	$(BIN)/uv pip compile pyproject.toml $(EXTRAS:%=--extra %) --universal --python-version 3.11 \
	  --fork-strategy fewest --generate-hashes --no-header --no-annotate --upgrade \
	  --quiet -o requirements.lock

clean:
	rm -rf build dist .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

system:
	@test -n "$(PYTHON)" && .ci/system "$(PYTHON)"

.venv: .venv/.installed

.venv/.locked: requirements.lock
	@$(MAKE) --no-print-directory system
	@echo "Making .venv with $(PYTHON)"
	@"$(PYTHON)" -m venv --clear .venv
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.lock
	@touch $@

.venv/.installed: .venv/.locked pyproject.toml
	@$(BIN)/python -m pip install -q --disable-pip-version-check \
	  --no-deps --no-build-isolation -e .
	@touch $@
