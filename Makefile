# Everything builds its own environment: `make test` on a bare machine needs Python 3.11+ and make, no more.
PYTHON ?= python3
VENV ?= .venv
CONSTRAINTS ?= constraints.txt
PYTEST_ARGS ?=

# Hundreds of tests start processes of their own, and each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help venv venv-20 test test-20 demo bench bench-quick bench-page lint types docs docs-check pins clean

help:  ## what there is to run
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1: /p' $(MAKEFILE_LIST)

# Uncompiled: most of it is never imported, and what is, Python compiles itself.
# Made anew when missing, when a pin or a dependency changed, or when the Python it came from is gone.
ifneq ($(shell $(BIN)/python -c 'print("runs")' 2>/dev/null),runs)
.PHONY: $(READY)
endif
$(READY): pyproject.toml $(CONSTRAINTS)
	$(PYTHON) -c 'import sys; sys.exit("Python 3.11 or newer is needed: make PYTHON=...") if sys.version_info < (3, 11) else None'
	$(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --no-compile --disable-pip-version-check -e '.[dev]' -c $(CONSTRAINTS)
	@touch $@

venv: $(READY)  ## build .venv

test: $(READY)  ## the tests, on a PostgreSQL that they start themselves
	$(BIN)/python -m pytest -n auto --dist loadfile -m "not alone" $(PYTEST_ARGS)
	$(BIN)/python -m pytest -m alone

venv-20: .venv-20/.ready  ## build .venv-20: SQLAlchemy 2.0, and all else of .venv

.venv-20/.ready: $(READY) constraints-sqlalchemy20.txt
	$(PYTHON) -m venv --clear .venv-20
	.venv-20/bin/python -m pip install --quiet --no-compile --disable-pip-version-check --no-deps -r constraints-sqlalchemy20.txt
	$(BIN)/python -c 'import sysconfig; print("import site; site.addsitedir({!r})".format(sysconfig.get_path("purelib")))' > "$$(.venv-20/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/all_else.pth"
	@touch $@

# What meets SQLAlchemy itself. What meets it only by way of that has been tried on 2.1.
NEAR := alembic/test_autogenerate.py engine leaks models rowkeys rows search tenants test_async_statements.py test_statements.py

test-20: venv-20  ## those tests on SQLAlchemy 2.0 that meet it themselves
	.venv-20/bin/python -m pytest -n auto --dist loadfile -m "not alone" $(NEAR:%=tests/%)
	.venv-20/bin/python -c 'import sqlalchemy as s; assert s.__version__.startswith("2.0."), s.__version__'

demo: $(READY)  ## see it work: PostgreSQL, a KMS and real rows
	$(BIN)/python -m demo $(DEMO_ARGS)

bench: $(READY)  ## every figure and picture, into benchmarks/results (a quiet machine, half an hour)
	$(BIN)/python -m benchmarks all

bench-quick: $(READY)  ## every figure on little data, to see that it runs
	$(BIN)/python -m benchmarks all --quick --out $(VENV)/bench-quick

bench-page: $(READY)  ## write the figures of the last `make bench` into the documents
	$(BIN)/python -m benchmarks page

lint: $(READY)  ## ruff
	$(BIN)/ruff check .

types: $(READY)  ## mypy, strict
	$(BIN)/python -m mypy

docs: $(READY)  ## write docs/statements.md from the tests
	$(BIN)/python -m tests.statements --write docs/statements.md

docs-check: $(READY)  ## is docs/statements.md what the tests say?
	$(BIN)/python -m tests.statements --check docs/statements.md

pins: $(READY)  ## write constraints.txt from the newest versions that install
	$(PYTHON) -m venv --clear $(VENV)-pins
	$(VENV)-pins/bin/python -m pip install --quiet --disable-pip-version-check '.[dev]' hatchling
	(head -1 constraints.txt; $(VENV)-pins/bin/python -m pip freeze | grep -vi '^sqlalchemy.envelope') > $(VENV)-pins/constraints
	mv $(VENV)-pins/constraints constraints.txt
	rm -rf $(VENV)-pins

clean:  ## remove what was built
	rm -rf $(VENV) .venv-* build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
