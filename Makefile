# make demo      see it work: the local venue and the daemon against it, offline
# make test      the tests
# make lint      style, types, the layers
# make conformance  BASE=loop, threads or simpleSystemBase   Thespian's own tests on our base, or on theirs
# make simulate  SUITE=copy|calm|day|detection|detection-full|edges|prices SEEDS= FIRST=   many seeded runs of one suite;
#                PLAN='crash ...' for other faults than those of the seed, TWICE=1 to run each seed twice and compare
# make soak      MESSAGES=   a tree under everything at once, a million messages long
# make bench     frames a second, frame to order, memory, with ratios; BENCH_ARGS=--json
# make bench-detection   frames a second, steady lag and memory with ten thousand leaders; BENCH_ARGS=--json
# make bench-prices   cached prices in process and over HTTP, live books; BENCH_ARGS=--json
#                (beside NautilusTrader too, where that is installed: ops/bench/nautilus_books.py)
# make bench-runtime   the actor runtime beside other ways of having actors; BENCH_ARGS=--json
# make venv      only set up: .venv with the dependencies of constraints.txt
# make wheel     dist/remora-*.whl
# make clean     remove what was built; .venv stays

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed

# The first interpreter that is new enough; name another with make PYTHON=...
PYTHON ?= $(shell for name in python3 python3.14 python3.13 python3.12 python3.11; do \
	"$$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$name" && break; done)

# A test file stays on one worker: its tests may share a server. Four even on two cores: many tests wait.
WORKERS ?= 4
PYTEST_ARGS ?=

DEMO_ARGS ?=

BASE ?=

SUITE ?= copy
SEEDS ?= 100
FIRST ?= 1
MESSAGES ?= 1000000
export PLAN ?=
TWICE ?=

.PHONY: demo test lint conformance simulate soak bench bench-detection bench-prices bench-runtime venv wheel clean

demo: $(STAMP)
	$(BIN)/remora demo $(DEMO_ARGS)

test: $(STAMP)
	$(BIN)/python -m pytest --numprocesses=$(WORKERS) --maxprocesses=4 --dist=loadfile $(PYTEST_ARGS)

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

conformance: $(STAMP)
	$(BIN)/python tests/conformance/suite_runner.py $(addprefix --base=,$(BASE))

simulate: $(STAMP)
	$(BIN)/python tests/simulation/run.py --suite $(SUITE) --seeds $(SEEDS) --first $(FIRST) \
		$(if $(PLAN),--plan "$$PLAN") $(if $(TWICE),--twice)

soak: $(STAMP)
	$(BIN)/python tests/supervisor/soaking.py --messages $(MESSAGES)

bench: $(STAMP)
	$(BIN)/python -m ops.bench.pipeline $(BENCH_ARGS)

bench-detection: $(STAMP)
	$(BIN)/python -m ops.bench.detection $(BENCH_ARGS)

bench-prices: $(STAMP)
	$(BIN)/python -m ops.bench.prices $(BENCH_ARGS)

bench-runtime: $(STAMP)
	$(BIN)/python -m ops.bench.runtime $(BENCH_ARGS)

venv: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { \
		echo "Remora needs Python 3.11 or newer, and none was found." >&2; \
		echo "Debian, Ubuntu: sudo apt-get install python3 python3-venv. Fedora: sudo dnf install python3." >&2; \
		echo "Elsewhere: https://www.python.org/downloads/, then make PYTHON=/path/to/python3" >&2; \
		exit 1; }
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -c 'import ensurepip, venv' 2>/dev/null || { \
		echo "$(PYTHON) cannot make virtual environments: its venv or ensurepip module is missing." >&2; \
		echo "Debian, Ubuntu: sudo apt-get install python3-venv" >&2; \
		exit 1; }
	@echo "Setting up $(VENV); this takes a minute, once."
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || "$(PYTHON)" -m venv --clear $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@touch $@

wheel: $(STAMP)
	rm -rf build dist
	$(BIN)/python -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

clean:
	rm -rf build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -not -path './$(VENV)/*' -prune -exec rm -rf {} +
