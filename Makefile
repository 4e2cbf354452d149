# make demo    erase somebody from a made-up marketplace and prove it (SQLite)
# make test    everything the project claims, tested; `CI=true make test`: the slow journeys, too
# make bench   list the measurements
# make bench-all   measure everything (half an hour of a quiet machine)
# make languages   bring the sentences of the sources into every catalogue, and say what is not translated
# make lock    write requirements/*.txt anew from requirements/*.in (needs uv)
#
# Needs Python 3.11 or newer with venv, and nothing else. Kept to what GNU make 3.81 understands, for macOS.

PYTHONS = python3 python3.14 python3.13 python3.12 python3.11
SUITABLE = import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))
PIP = .venv/bin/python -m pip --quiet --disable-pip-version-check
COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate \
	--no-emit-index-url --no-emit-find-links --no-header

QUICK = $(if $(filter true,$(CI)),,-m 'not slow')

.PHONY: demo test bench bench-all languages lock

demo: .venv/run.stamp
	.venv/bin/python -m examples.torget $(ARGS)

test: .venv/dev.stamp
	-sh tests/servers/install.sh
	.venv/bin/ruff check
	.venv/bin/ruff format --check
	.venv/bin/mypy
	.venv/bin/lint-imports
	.venv/bin/pytest -n auto --maxprocesses 4 --dist worksteal $(QUICK)

bench:
	@for file in $(wildcard bench/*.py); do printf '%s  ' "$$file"; sed -n '1s/"""//gp' "$$file"; done

bench-all: .venv/dev.stamp
	.venv/bin/python -m bench.all $(ARGS)

languages: .venv/dev.stamp
	.venv/bin/python -m slett.languages

lock:
	$(COMPILE) requirements/run.in -o requirements/run.txt
	$(COMPILE) requirements/dev.in -c requirements/run.txt -o requirements/dev.txt

.venv/%.stamp: requirements/%.txt pyproject.toml .venv/bin/python
	@echo "Installing $< into .venv ..."
	@$(PIP) install --require-hashes -r $<
	@$(PIP) install --no-deps --no-build-isolation -e .
	@touch $@

.venv/bin/python:
	@for python in $(PYTHONS); do \
		if "$$python" -c '$(SUITABLE)' 2>/dev/null; then exec "$$python" -m venv .venv; fi; \
	done; \
	echo "No Python 3.11 or newer with venv was found. On Debian or Ubuntu: apt install python3-venv" >&2; \
	exit 1
