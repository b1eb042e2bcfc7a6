# Two commands are enough: make demo, make test. Each sets up .venv by itself.
.DEFAULT_GOAL := help
.PHONY: help setup assets demo test lint types check bench docs sample wheel clean
READY := .venv/.ready
BIN := .venv/bin
PYTHON ?=
ARGS ?=

help: ## Say what there is
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-8s %s\n", $$1, $$2 }' Makefile

$(READY): uv.lock pyproject.toml .ci/setup.sh .ci/assets.sh .ci/web/package-lock.json
	@PYTHON="$(PYTHON)" sh .ci/setup.sh

setup: $(READY) ## Make .venv and install everything (the others do this by themselves)

assets: ## Copy htmx and ECharts from the npm registry into the package (needs Node 20)
	@sh .ci/assets.sh

demo: $(READY) ## Open the console on a generated cosmetics shop, at 127.0.0.1:8400
	@$(BIN)/renwei up --demo $(ARGS)

test: $(READY) ## Run the tests
	@$(BIN)/python -m pytest $(ARGS)

lint: $(READY) ## Style, import directions, size limits, clock and chance
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports
	$(BIN)/python .ci/check_size.py
	$(BIN)/python .ci/check_rules.py

types: $(READY) ## Types, strictly, over source, tests and benchmarks
	$(BIN)/mypy

check: lint types test ## Everything a change must pass

docs: $(READY) ## Write the reference pages and the table of figures; say what is missing
	@$(BIN)/python .ci/docs_write.py
	@$(BIN)/python .ci/third_party.py
	@$(BIN)/python .ci/readme_table.py
	@$(BIN)/python .ci/docs_missing.py

sample: $(READY) ## Write what the demo shows into both READMEs
	@$(BIN)/python .ci/readme_sample.py

bench: $(READY) ## Measure speed here; one JSON object a line, kept in benchmarks/results
	@mkdir -p benchmarks/results
	@for script in benchmarks/speed/*.py; do \
	    echo "$$script" >&2; \
	    $(BIN)/python "$$script" --json | tee -a benchmarks/results/speed.jsonl || exit 1; \
	done

wheel: $(READY) ## Build the wheel into dist/
	@$(BIN)/python -m pip wheel --quiet --no-deps --wheel-dir dist .

clean: ## Remove .venv and what tools leave behind
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
