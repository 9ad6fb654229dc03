# Two commands do everything: `make demo` and `make test`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
FITS ?=
FRAMES ?= 12
ARGS ?=
PYTHONS ?= 3.12 3.13
# Of pytest: one more than a small machine has cores, as tests of engines wait for much.
PROCESSES ?= 3
COMPILED := $(wildcard mr_extract/compiled/*.[ch])

.PHONY: help env demo-env demo test pythons coverage lint bench hadoop-up hadoop-down env-archive clean

help:
	@echo "make demo               simulate a night, extract it, compare with truth, draw a frame"
	@echo "make demo FITS='a/*.fits'   the same for your own images"
	@echo "make test               all tests that this machine can carry (ARGS='-k name')"
	@echo "make pythons            the same with Python $(PYTHONS), each in an environment of its own"
	@echo "make hadoop-up          a Hadoop of your own on this machine; make hadoop-down ends it"
	@echo "make env-archive        this Python and its packages for Hadoop's nodes without them"
	@echo "make lint | coverage | bench | env | clean"

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "mr_extract needs Python 3.11 or newer; say which: make PYTHON=python3.12" >&2; exit 1; }
	@echo "setting up $(VENV), which takes a minute or two"
	$(PYTHON) -m venv $(VENV)

$(VENV)/.demo: $(BIN)/python setup.py $(COMPILED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[demo,fast]'
	@touch $@

$(VENV)/.test: $(BIN)/python setup.py $(COMPILED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test]'
	@touch $@ $(VENV)/.demo $(VENV)/.archive

$(VENV)/.archive: $(BIN)/python setup.py $(COMPILED)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[archive,fast,hdfs]'
	@touch $@

$(VENV)/.lint: $(VENV)/.test Makefile
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'ruff>=0.6' 'mypy>=1.11'
	@touch $@

# Compiled once: where PYTHONDONTWRITEBYTECODE is set, as in many images of containers, each
# process would compile all that it imports.
env: $(VENV)/.test
	@$(BIN)/python -m compileall -q mr_extract preprocess

demo-env: $(VENV)/.demo
	@$(BIN)/python -m compileall -q mr_extract preprocess

demo: demo-env
	$(BIN)/python -m mr_extract.demo $(if $(FITS),--images $(FITS),--frames $(FRAMES))

# What tests have started ends with them, and they with make, also when it is killed.
test: env
	@$(BIN)/python -m bench.clusters.spark_java  # before the tests, which are timed
	MR_EXTRACT_TESTS_OF=$$PPID exec $(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadfile $(ARGS)

# All tests once more for each, which takes as long as the first time.
pythons:
	@for version in $(PYTHONS); do \
	  python$$version -c '' || { echo "there is no python$$version here" >&2; exit 1; }; \
	  $(MAKE) test PYTHON=python$$version VENV=.venv-$$version || exit 1; done

# By itself, as it slows down every process that a test starts.
coverage: env
	$(BIN)/python -m pytest --numprocesses $(PROCESSES) --dist loadfile --cov --cov-report=term $(ARGS)

lint: $(VENV)/.lint
	$(BIN)/ruff check .
	$(BIN)/python -m mypy

bench: env
	$(BIN)/python -m bench $(ARGS)

hadoop-up: demo-env
	@$(BIN)/python -m myhadoop up

hadoop-down:
	@$(PYTHON) -m myhadoop down

env-archive: $(VENV)/.archive
	@$(BIN)/python -m mr_extract.env_archive

clean:
	rm -rf $(VENV) .venv-* *.egg-info build demo_night catalog.tsv demo.png
	find . -name __pycache__ -prune -exec rm -rf {} +
