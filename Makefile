# setup  fmt  check  test  demo  bench. Each word does what it needs first, so `make demo` works on a fresh machine.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: setup fmt check test demo bench

setup: $(READY)

$(READY): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; $(PYTHON) is older or missing. Try: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Setting up $(VENV), once: torch and the like take some minutes."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --editable ".[lvlm,space,metric,dicom,dev]"
	@touch $@

fmt: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	git ls-files -z --cached --others --exclude-standard | xargs -0 $(BIN)/python .ci/credentialed_content.py

# One thread: the models of the tests are too small to gain from a second one, and wait for it on a busy machine.
test: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest $(ARGS)

demo: $(READY)
	$(BIN)/medground demo $(ARGS)

bench: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.performance $(ARGS)
