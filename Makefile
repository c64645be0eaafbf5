# Each target does all of its own set-up on a machine that has Python 3.11 or newer with venv, git and make.
# PYTHON=… chooses the Python; ARGS=… goes to the command; NAME=… chooses a benchmark.
.POSIX:
.PHONY: help demo serve test test-python test-browser test-console bench lint schema setup console clean

PYTHON =
NAME =
ARGS =
RUN = .venv/bin/python

help:
	@echo "make demo   start Antiphon on simulated customers and a local mail server (ARGS=\"--fresh\" starts over)"
	@echo "make test   the whole suite, browser tests included"
	@echo "make bench  all benchmarks, or one: NAME=intake ARGS=\"--smoke\""
	@echo "make lint   style, types and import contracts"
	@echo "make schema write migrations/schema.sql after a migration was added"

demo:
	@PYTHON="$(PYTHON)" sh scripts/prepare demo
	@exec $(RUN) -m antiphon demo $(ARGS)

serve:
	@PYTHON="$(PYTHON)" sh scripts/prepare demo
	@exec $(RUN) -m antiphon serve $(ARGS)

# Every part runs, whatever became of those before it.
test:
	@failed=""; for part in test-python test-browser test-console; do \
		$(MAKE) $$part || failed="$$failed $$part"; \
	done; if [ -n "$$failed" ]; then echo "failed:$$failed" >&2; exit 1; fi

test-python:
	@PYTHON="$(PYTHON)" sh scripts/prepare test
	@exec $(RUN) -m pytest -q -n 2 --dist loadfile --ignore tests/browser $(ARGS)

test-browser:
	@PYTHON="$(PYTHON)" sh scripts/prepare test
	@exec $(RUN) -m pytest -q tests/browser $(ARGS)

test-console:
	@PYTHON="$(PYTHON)" sh scripts/prepare test
	@exec $(RUN) scripts/prepare.py npm run check

bench:
	@PYTHON="$(PYTHON)" sh scripts/prepare bench
	@exec $(RUN) -m bench $(NAME) $(ARGS)

lint:
	@PYTHON="$(PYTHON)" sh scripts/prepare lint
	@$(RUN) -m ruff check src tests bench scripts
	@$(RUN) -m mypy
	@.venv/bin/lint-imports

schema:
	@PYTHON="$(PYTHON)" sh scripts/prepare test
	@exec $(RUN) scripts/schema.py

setup:
	@PYTHON="$(PYTHON)" sh scripts/prepare test

console:
	@PYTHON="$(PYTHON)" sh scripts/prepare demo

clean:
	rm -rf .venv console/node_modules console/dist build dist
