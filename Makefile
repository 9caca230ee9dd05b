# make demo   sets up, compiles a grammar and an expression to model files, proves them and runs them
# make test   sets up and runs every check that CI runs
# make clean  removes what these made
#
# PYTHON chooses the interpreter (3.11 or later), PIP_FLAGS is handed to pip, JOBS is the number of test processes.
# CONSTRAINTS= (empty) installs whatever versions fit instead of the tested ones.

PYTHON ?= python3
PIP_FLAGS ?=
CONSTRAINTS ?= constraints.txt
JOBS ?= 2
VENV := .venv
BIN := $(VENV)/bin
OUT := out

.PHONY: demo test setup lint types tests clean
.DEFAULT_GOAL := test

setup: $(VENV)/installed

$(VENV)/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "ssmc needs Python 3.11 or later: make PYTHON=python3.11" >&2; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet $(PIP_FLAGS) $(if $(CONSTRAINTS),-c $(CONSTRAINTS)) -e '.[dev]'
	touch $@

demo: setup
	@mkdir -p $(OUT)
	$(BIN)/ssmc check-starfree flip-flop
	$(BIN)/ssmc compile grammars/flip-flop.toml --mode predict -o $(OUT)/flip-flop.pt
	$(BIN)/ssmc run $(OUT)/flip-flop.pt 'w1 i r1' 'w0 w1 i i r1 r1'
	$(BIN)/ssmc compile -e '(ab|ba)*' --alphabet ab -o $(OUT)/pairs.pt
	printf 'abba\nabab\naab\n\n' | $(BIN)/ssmc run $(OUT)/pairs.pt || test $$? -eq 1
	$(BIN)/ssmc verify $(OUT)/pairs.pt
	$(BIN)/ssmc inspect $(OUT)/pairs.pt
	$(BIN)/ssmc check-starfree -e '(aa)*' --alphabet a || test $$? -eq 1

test: lint types tests

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup
	$(BIN)/mypy

tests: setup
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS)

clean:
	rm -rf $(VENV) $(OUT) dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
