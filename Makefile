# make demo [VIDEOS="a.mp4 folder/"]   the whole chain on a video, with a report
#           [ROUNDS=2]                 label again with the trained network
#           [V=1]                      with all output of the steps
# make test                            the test suite
# make test-projects                   the tests of projects/, four minutes
# make test-slow                       the tests that take minutes
# make test-openmmlab                  training, evaluation and API with the
#                                      original OpenMMLab, in .venv-openmmlab
# make docs                            the documentation, docs/_build/html
# make check                           format, lint, types, tests
# PROCESSES=8 takes more than two processes for the tests

PYTHON_BIN := .venv/bin/python
PROCESSES := 2
PYTEST_ARGS := -m pytest -q --durations 20 \
	--numprocesses $(PROCESSES) --dist worksteal
PYTEST := $(PYTHON_BIN) $(PYTEST_ARGS)

.PHONY: demo test test-projects test-slow test-openmmlab docs check venv

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

test-openmmlab:
	@bash tools/make_venv.sh .venv-openmmlab requirements/openmmlab.txt
	@.venv-openmmlab/bin/python $(PYTEST_ARGS) -m "not slow and not gpu" \
		tests/test_apis tests/test_engine tests/test_evaluation \
		tests/test_models tests/test_utils tests/test_configs.py \
		tests/test_fine_tuning.py tests/test_pretraining_methods.py \
		tests/test_registry.py tests/test_resume_within_epoch.py \
		tests/test_training.py

# a warning is an error; nothing is fetched but the packages
docs: venv
	@$(PYTHON_BIN) -m pip install --quiet --disable-pip-version-check \
		-c requirements/constraints.txt -r requirements/docs.txt
	@rm -rf docs/_build docs/api/generated
	@$(PYTHON_BIN) -m sphinx -q -W --keep-going -c docs . docs/_build/html
	@echo "Open docs/_build/html/index.html"

check: venv
	@$(PYTHON_BIN) -m ruff format --check .
	@$(PYTHON_BIN) -m ruff check .
	@$(PYTHON_BIN) -m mypy
	@$(MAKE) --no-print-directory test
