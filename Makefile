# make demo [VIDEOS="a.mp4 folder/"]   the whole chain on a video, with a report
#           [ROUNDS=2]                 label again with the trained network
#           [V=1]                      with all output of the steps
# make test                            the test suite
# make test-projects                   the tests of projects/, four minutes
# make test-slow                       the tests that take minutes
# make check                           format, lint, types, tests
# PROCESSES=8 takes more than two processes for the tests

PYTHON_BIN := .venv/bin/python
PROCESSES := 2
PYTEST := $(PYTHON_BIN) -m pytest -q --durations 20 \
	--numprocesses $(PROCESSES) --dist worksteal

.PHONY: demo test test-projects test-slow check venv

venv:
	@bash tools/make_venv.sh

demo: venv
	@$(PYTHON_BIN) tools/quickstart.py \
		$(if $(VIDEOS),--videos $(VIDEOS)) $(if $(ROUNDS),--rounds $(ROUNDS)) \
		$(if $(V),--verbose)

test: venv
	@$(PYTEST) tests projects/example_project -m "not slow and not gpu"

test-projects: venv
	@$(PYTEST) projects -m "not slow and not gpu"

test-slow: venv
	@$(PYTEST) -m "slow"

check: venv
	@$(PYTHON_BIN) -m ruff format --check .
	@$(PYTHON_BIN) -m ruff check .
	@$(PYTHON_BIN) -m mypy
	@$(MAKE) --no-print-directory test
