# make demo [VIDEOS="a.mp4 folder/"]   the whole chain on a video, with a report
# make test                            the test suite
# make test-slow                       the tests that take minutes
# make check                           format, lint, types, tests

PYTHON_BIN := .venv/bin/python

.PHONY: demo test test-slow check venv

venv:
	@bash tools/make_venv.sh

demo: venv
	@$(PYTHON_BIN) tools/quickstart.py $(if $(VIDEOS),--videos $(VIDEOS))

test: venv
	@$(PYTHON_BIN) -m pytest -q -m "not slow and not gpu"

test-slow: venv
	@$(PYTHON_BIN) -m pytest -q -m "slow"

check: venv
	@$(PYTHON_BIN) -m ruff format --check .
	@$(PYTHON_BIN) -m ruff check .
	@$(PYTHON_BIN) -m mypy
	@$(MAKE) --no-print-directory test
