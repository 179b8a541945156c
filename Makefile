# Each target does the set-up it needs by itself. Needs Python 3.11+, git and make; nothing is installed outside .venv
# except what `make test` needs and the system's package manager provides (a browser), and .venv-vllm for `make interop`.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SOURCES := $(shell find src/myna/web src/myna/locale -type f \( -name '*.ts' -o -name '*.css' -o -name '*.po' -o -name 'package*.json' \) -not -path '*/node_modules/*' -not -path '*/static/*' 2>/dev/null)

.PHONY: install run serve test interop bench lint clean

install: $(VENV)/.installed

# --no-deps the second time: what changed is then only our own bundle or version.
$(VENV)/.installed: pyproject.toml constraints.txt hatch_build.py $(SOURCES)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Myna needs Python 3.11 or newer; give one with: make PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e .
	@touch $@

$(VENV)/.tested: $(VENV)/.installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	@scripts/provide-browser $(BIN)/python
	@touch $@

# FROM=PATH: real posts instead of simulated ones. ARGS: further options of `myna demo`.
run: install
	@$(BIN)/myna demo $(if $(FROM),--from "$(FROM)") $(ARGS)

serve: install
	@$(BIN)/myna serve $(ARGS)

test: $(VENV)/.tested lint
	$(BIN)/python -m pytest -m "not interop" -n 2 --dist loadfile $(ARGS)

interop: $(VENV)/.tested
	@scripts/provide-vllm $(BIN)/python
	$(BIN)/python -m pytest -m interop $(ARGS)

bench: $(VENV)/.tested
	@for name in $$($(BIN)/myna bench); do echo "== $$name"; $(BIN)/myna bench $$name $(if $(QUICK),--quick) || exit 1; done

lint: $(VENV)/.tested
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

clean:
	rm -rf $(VENV) .venv-vllm .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
