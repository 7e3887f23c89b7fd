# The commands of this project. What each tool checks is configured in pyproject.toml.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.ready
CODE   := pipeline agents tables tests $(wildcard bench)

.PHONY: setup check format test nightly kafka demo bench bench-quick chaos soak fuzz clean
.DEFAULT_GOAL := setup

## setup: only the environment, in .venv, with the versions of constraints.txt
setup: $(STAMP)

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "clusterlink needs Python 3.11 or newer, and $(PYTHON) is " + sys.version.split()[0] + "; say make PYTHON=python3.12, for example")'
	@echo "Making the environment in $(VENV): a minute or two, and quiet"
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

## check: format, lint, types, directions of imports
check: setup
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/ruff check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

## format: put the code into its form
format: setup
	$(BIN)/ruff check --fix-only --quiet $(CODE)
	$(BIN)/ruff format $(CODE)

## test: everything: environment, Kafka, unit and broker tests (T="tests/unit -k batch" for some)
test: kafka
	$(BIN)/python -m pytest $(T)

## nightly: what takes hours: 10,000 examples of each property of a slice's plan, every kind of log ten times as long, a long cut
nightly: kafka
	HYPOTHESIS_EXAMPLES=10000 $(BIN)/python -m pytest tests/unit/mirror/test_plan_property.py
	CLUSTERLINK_TEST_SCALE=10 $(BIN)/python -m pytest tests/broker/logs --log-cli-level=INFO --timeout 3600
	CLUSTERLINK_TEST_SCALE=10 $(BIN)/python -m pytest tests/acceptance/test_run_16_source_initiated.py -k cut_network --log-cli-level=INFO

## kafka: the jars of the versions that tests run, in .kafka (or $$CLUSTERLINK_KAFKA_CACHE)
kafka: setup
	@$(BIN)/python -m pipeline.local

## demo: two clusters, a link, a mirror, a live table (KEEP=1 leaves it running)
demo: setup
	$(BIN)/python -m pipeline.demo $(if $(KEEP),--keep)

## bench: everything that bench/cases.py has a row for, beside MirrorMaker 2, then many mirrors; bench-quick is the short form
bench: setup
	@status=0; for each in bench bench.mirrors; do $(BIN)/python -m $$each || status=1; done; exit $$status

bench-quick: setup
	$(BIN)/python -m bench --quick

## chaos: faults by seed on two real clusters and workers under load; needs root (SEED=1 ROUNDS=20 WORKERS=2 ONLY=SIGKILL)
chaos: kafka
	$(BIN)/python -m tests.chaos --seed $(or $(SEED),1) --rounds $(or $(ROUNDS),20) --workers $(or $(WORKERS),2) --only "$(ONLY)"

## soak: the same load without faults; memory and file handles over time (MINUTES=30)
soak: kafka
	$(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),30)

## fuzz: the copier alone, between brokers made of scripts that fail it by seed; no Kafka (SEEDS=200 FIRST=1 TIMES=1)
fuzz: setup
	$(BIN)/python -m tests.fuzz --first $(or $(FIRST),1) --seeds $(or $(SEEDS),200) --times $(or $(TIMES),1)

## clean: what was made here, Kafka's jars too
clean:
	rm -rf $(VENV) .kafka .tools build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find $(CODE) -name __pycache__ -type d -prune -exec rm -rf {} +
