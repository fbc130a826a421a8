# make demo | test | check | docs | changelog | coverage: each sets up .venv when it is missing or older than what it is made from.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
unexport PYTHONDONTWRITEBYTECODE  # modules are compiled once, when first imported, not by each of hundreds of processes

.PHONY: setup demo check docs pictures changelog coverage oldest test test-slow test-release clean

setup: $(READY)

$(READY): pyproject.toml constraints/ci.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --constraint constraints/ci.txt --editable '.[dev]'
	touch $(READY)

demo: $(READY)
	rm -rf demo-best
	$(BIN)/netwright demo

check: $(READY)
	@! $(BIN)/python -m pip list --format=freeze | grep '^nvidia-' || { echo "pip brought CUDA packages: install through constraints/ci.txt"; exit 1; }
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/pyright

docs: $(READY)
	PYTHONPATH=tools $(BIN)/python -m reference_pages
	NO_MKDOCS_2_WARNING=1 PYTHONPATH=src:tools $(BIN)/mkdocs build --quiet --clean
	@echo "the documentation: build/site/index.html"

pictures: $(READY)
	PYTHONPATH=src OMP_NUM_THREADS=1 $(BIN)/python tools/pictures.py

changelog: $(READY)
	$(BIN)/python tools/changelog.py

coverage: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --max-worker-restart 0 --cov=netwright --cov-report=term:skip-covered $(TESTS)

oldest:
	PYTHON=$(PYTHON) bash tools/oldest.sh

test: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --max-worker-restart 0 -m "not slow"

test-slow: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile --max-worker-restart 0 -m slow

test-release:
	PYTHON=$(PYTHON) bash tools/release.sh

clean:
	rm -rf .venv demo-best demo-runs
