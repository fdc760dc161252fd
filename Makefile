# Every command of the project, the same on a laptop and in CI. Nothing but make and python3 is needed.
.DEFAULT_GOAL := help
SHELL := /bin/sh
PYTHON ?=
PORT ?= 8000
ONCE ?=
JOBS ?= 4
V := .venv
PY := $(V)/bin/python
SAM := .venv-sam
AUDIT := .venv-audit
BENCH := .venv-bench
CLIENTS := .venv-clients
ENV ?= dev
# By a sandbox's clock, where one is exported (docs/operations.md, On a laptop): its functions read it so, too.
SHIFT := $(if $(wildcard $(SANDBOX_CLOCK_FILE)),sandbox/functions/clock_shift:)
OPERATE := PYTHONPATH=$(SHIFT)layers/payments:layers/wechatpay $(PY) -m operations
# Function processes and tests must find compiled modules, whatever the shell says.
unexport PYTHONDONTWRITEBYTECODE

# Another interpreter than the one that the environment was made from: make it anew.
ifneq ($(PYTHON),)
ifneq ($(shell cat $(V)/.python 2>/dev/null),$(PYTHON))
$(shell rm -f $(V)/.ready)
endif
endif

.PHONY: $(shell sed -n 's/^\([a-z-]*\):.*/\1/p' $(MAKEFILE_LIST))

##@ To begin with

help: ## this list
	@awk -F' ## ' '/^##@ /{printf "\n%s\n", substr($$0, 5)} /^[a-z-]+:.* ## /{split($$1, target, ":"); printf "  make %-15s %s\n", target[1], $$2}' $(MAKEFILE_LIST)

setup: $(V)/.ready ## .venv with everything that demo and tests need (PYTHON= chooses the interpreter)

$(V)/.ready: requirements-dev.txt
	@./sandbox/setup.sh "$(PYTHON)" "$(V)" requirements-dev.txt

demo: setup ## one payment through every endpoint, then a shop on http://127.0.0.1:8000 (ONCE=1 exits after the walk)
	@$(PY) -m sandbox.demo --port $(PORT) $(if $(ONCE),--once)

sandbox: setup ## the whole stack for a shop of your own, until Ctrl-C: make sandbox [PORT=8000] [PARAMETERS="Name=value …"] [EVENTS=http://localhost:3000/webhook]
	@$(PY) -m sandbox --port $(PORT) $(if $(PARAMETERS),--parameter $(PARAMETERS)) $(if $(EVENTS),--forward-events "$(EVENTS)") $(ARGS)

test: setup ## the test suite, in JOBS=4 processes; of what is exhaustive a share, all with THOROUGH=1 (docs/testing.md)
	@$(PY) -m pytest -q -n $(JOBS) --dist loadscope $(or $(ARGS),--ignore=tests/resilience/crash)
	@$(if $(ARGS),,$(PY) -m pytest -q tests/resilience/crash) # in processes of its own making

# Of what holds no money (commands, the sandbox, documents, the simulator, figures) `make check` draws a share, as `make test` does;
# DRAW= takes all. Where a test does not care its tables are those in memory, which are held against moto's (TABLES=moto: moto's).
DRAW ?= alarms bench documents exam functions operations sandbox simulator

check: ## everything that must hold: static, then the tests in full (of DRAW's folders a share), a minute of the model, the soak's short form
	@$(MAKE) --no-print-directory -j2 static
	@THOROUGH=1 DRAW="$(DRAW)" TABLES=$(or $(TABLES),memory) $(MAKE) --no-print-directory test
	@$(MAKE) --no-print-directory -j2 model soak MINUTES=1 SHORT=1

##@ What must hold without running

static: format lint types contracts security template ## format, lint, types, import contracts, bandit, template checks

format: setup
	@$(V)/bin/ruff format --check .

lint: setup
	@$(V)/bin/ruff check .

types: setup
	@$(V)/bin/mypy

contracts: setup
	@PYTHONPATH=layers/wechatpay:layers/payments:. $(V)/bin/lint-imports --no-cache

# Beyond the skips in pyproject.toml, operations and the sandbox have a few of their own, with their reasons there.
security: setup ## bandit: known dangerous calls in what is deployed, and in the sandbox
	@$(V)/bin/bandit -q -c pyproject.toml -r layers functions events
	@$(V)/bin/bandit -q -c pyproject.toml -r operations -s B101,B105,B404,B603
	@$(V)/bin/bandit -q -c pyproject.toml -r sandbox wechatpay_simulator -s B101,B105,B311,B404,B406,B603,B610

template: setup $(SAM)/.ready ## sam validate --lint, and cfn-lint on the transformed template, as it is and deployed gradually, and on the documents' own
	@SAM_CLI_TELEMETRY=0 AWS_DEFAULT_REGION=us-east-1 $(SAM)/bin/sam validate --lint
	@mkdir -p .sandbox
	@# The transform itself reads GradualDeployment; cfn-lint looks at both sides of every other switch, which are conditions.
	@# W2001: the transform uses two parameters up, Release and GradualDeployment.
	@for gradual in false true; do \
		$(PY) -m sandbox.cloudformation.template GradualDeployment=$$gradual > .sandbox/transformed.json || exit 1; \
		$(SAM)/bin/cfn-lint --non-zero-exit-code warning --ignore-checks W2001 -- .sandbox/transformed.json || exit 1; \
		echo "transformed template, GradualDeployment=$$gradual: clean"; done
	@$(PY) -m tests.documents.recipes .sandbox/recipes && $(SAM)/bin/cfn-lint --non-zero-exit-code informational -- .sandbox/recipes/*.yaml \
		&& echo "the documents' templates: clean"

$(SAM)/.ready: requirements-sam.txt
	@./sandbox/setup.sh "$(PYTHON)" "$(SAM)" requirements-sam.txt

# Deployed gradually it has all that it has otherwise, and CodeDeploy's resources besides.
audit: setup $(AUDIT)/.ready ## checkov over the transformed template and the deploying roles: each finding mended, or its reason in tests/audit/accepted.toml
	@mkdir -p .sandbox && $(PY) -m sandbox.cloudformation.template GradualDeployment=true > .sandbox/audited.json
	@$(PY) -m tests.audit

workflows: $(AUDIT)/.ready $(SAM)/.ready ## workflows and the simulator's action by GitHub's schemas, its Dockerfile by hadolint, the template of the role that deploys by cfn-lint
	@$(AUDIT)/bin/check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(AUDIT)/bin/check-jsonschema --builtin-schema vendor.github-actions wechatpay_simulator/action.yml
	@$(AUDIT)/bin/hadolint --failure-threshold info wechatpay_simulator/Dockerfile && echo "wechatpay_simulator/Dockerfile: clean"
	@$(SAM)/bin/cfn-lint --non-zero-exit-code warning -- operations/github-role.yaml && echo "operations/github-role.yaml: clean"

$(AUDIT)/.ready: requirements-audit.txt
	@./sandbox/setup.sh "$(PYTHON)" "$(AUDIT)" requirements-audit.txt

##@ One function, the pages, another client

invoke: setup ## one function with a sample event: make invoke F=native [E=events/native.json] [CREDENTIALS=file]
	@$(PY) -m sandbox.commands.invoke $(F) $(E) $(if $(CREDENTIALS),--credentials $(CREDENTIALS))

exam: setup ## this stack put through the simulator's exam, as anybody's backend is: each row with ✓ or ✗, and why (ARGS="--only paid --junit report.xml")
	@PYTHONPATH=layers/wechatpay:layers/payments:. $(PY) -m tests.exam.own_stack $(ARGS)

browser: browser-ready ## the checkout, the shop and the phone in a real Chromium; SHORT=1 draws a share of the looks; PAGES=300 for the long form (CHROMIUM= names the program)
	@THOROUGH=$(if $(SHORT),0,1) $(PY) -m pytest -q -n 2 --dist loadfile tests/browser $(ARGS)

browser-ready: setup
	@$(PY) -c "import axe_playwright_python" 2>/dev/null \
		|| $(PY) -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-browser.txt
	@command -v "$${CHROMIUM:-chromium}" >/dev/null || command -v google-chrome >/dev/null || { \
		echo "browser, pictures: need a Chromium (Debian: apt-get install chromium; macOS: brew install --cask chromium), or CHROMIUM=/path/to/it" >&2; exit 1; }

pictures: browser-ready ## the pictures of docs/pictures, from the real pages (CHROMIUM= names the program)
	@$(PY) -m tests.browser.pictures

node: setup ## npm packages as clients of the simulator and as receivers of its notifications (needs node and npm)
	@THOROUGH=1 $(PY) -m pytest -q tests/node $(ARGS)

clients: setup $(CLIENTS)/.ready ## both clients, built and called against a sandbox; others generated from docs/openapi.yaml (needs node and npm)
	@THOROUGH=1 CLIENTS=$(CLIENTS) $(PY) -m pytest -q tests/clients $(ARGS)

# The same files whoever builds them, and whenever: their times are this one's, 2026-01-01.
packages: setup $(CLIENTS)/.ready ## wheels of the simulator and of the crypto layer, in dist; each installed into an empty environment and used there
	@rm -rf dist && mkdir dist
	@for package in wechatpay_simulator layers/wechatpay; do \
		SOURCE_DATE_EPOCH=1767225600 $(CLIENTS)/bin/python -m build --no-isolation --outdir dist $$package >dist/log 2>&1 || { cat dist/log; exit 1; }; done
	@rm dist/log
	@CLIENTS=$(CLIENTS) $(PY) -m pytest -q tests/packages $(ARGS)
	@ls dist

examples: setup ## each shop of examples/ beside a sandbox: bought, paid, heard of, refunded, and how long that took; docs/simulator's programs in each language that is installed (needs node and npm)
	@THOROUGH=1 $(PY) -m pytest -q tests/examples $(ARGS)

first-hour: setup ## by the documents alone, from an empty clone: each shop of examples/ installed, up, paid, heard of, refunded, with times (needs node and npm)
	@$(PY) -m tests.examples.from_a_clone

generated: setup $(CLIENTS)/.ready ## what both clients have of docs/openapi.yaml, written anew (needs node and npm)
	@mkdir -p .sandbox/clients && cp clients/typescript/package.json .sandbox/clients/
	@cd .sandbox/clients && npm install --silent --no-audit --no-fund --no-package-lock --ignore-scripts
	@$(PY) clients/generate.py --node-modules .sandbox/clients/node_modules --environment $(CLIENTS)

$(CLIENTS)/.ready: requirements-clients.txt
	@./sandbox/setup.sh "$(PYTHON)" "$(CLIENTS)" requirements-clients.txt

##@ Tests that take their time (docs/testing.md)

# SEED repeats a campaign, or with its number one world, as a failure names it.
model: setup ## callers who believe every answer, against WeChat Pay's books: STEPS=2000000 in two processes (SEED= for one)
	@PYTHONPATH=layers/wechatpay:layers/payments:. $(PY) -m tests.resilience.believing --steps $(or $(STEPS),2000000) \
		$(if $(MINUTES),--seconds $$(($(MINUTES) * 60))) $(if $(SEED),--seed $(SEED))

# SEED and WINDOW repeat one window, as a failure names it.
soak: setup ## 100,000 orders and 30,000 refunds, a fifth of everything goes wrong, all ledgers compared; 13 planted mistakes (SHORT=1: two minutes)
	@PYTHONPATH=layers/wechatpay:layers/payments:. $(PY) -m tests.resilience.soak --seed $(or $(SEED),1) \
		$(if $(SHORT),--short) $(if $(WINDOW),--window $(WINDOW))

# FLOW, SEED and FAULTS repeat one run, as a failure names them.
crash: setup ## every ordered pair of faults of create, notify, refund and close; MINUTES=1 a sample (FLOW= SEED= FAULTS= for one)
	@PYTHONPATH=layers/wechatpay:layers/payments:. $(PY) -m tests.resilience.crash --minutes $(or $(MINUTES),60) \
		$(if $(FLOW),--flow $(FLOW)) $(if $(SEED),--seed $(SEED)) $(if $(FAULTS),--faults $(FAULTS))

storms: setup ## races of refunds, closes, creates and dying functions, 300 rounds each
	@THOROUGH=1 ROUNDS=300 $(PY) -m pytest -q tests/flows/test_refund_storms.py tests/flows/test_closing.py tests/flows/test_unknown_outcomes.py tests/flows/test_kills.py

drills: setup ## every key changes under load, each step held for seconds, figures printed (SECONDS=5)
	@THOROUGH=1 DRILL_SECONDS=$(or $(SECONDS),5) $(PY) -m pytest -q -s tests/resilience/drills

backlog: setup ## thousands of payments due at once, and WeChat Pay away for an hour: before and now, in figures (SHORT=1: a tenth)
	@PYTHONPATH=layers/wechatpay:layers/payments:. $(PY) -m tests.resilience.backlog $(if $(SHORT),--short)

bench-books: setup ## a made-up day of ROWS rows is compared: processor seconds of each stage, requests counted, memory at most (ROWS=100000)
	@PYTHONPATH=layers/wechatpay:layers/payments:. $(PY) -m tests.books.large_day $(or $(ROWS),100000)

bench-simulator: setup ## the simulator under load: start-up, orders and queries a second, memory over ORDERS=100000, each with its goal
	@$(PY) -m tests.simulator.load $(if $(ORDERS),--orders $(ORDERS)) $(ARGS)

bench: setup $(BENCH)/.ready ## each endpoint beside a floor and a peer, with goals: BEFORE=revision ONLY=query,close PLOT=1 (docs/performance.md)
	@PYTHONPATH=layers/wechatpay:layers/payments:. $(PY) -m tests.bench --environment $(BENCH) $(if $(SHORT),--short) \
		$(if $(BEFORE),--before $(BEFORE)) $(if $(ONLY),--only $(ONLY)) $(if $(PLOT),--plot docs/pictures/performance.png) $(if $(KEEP),--keep) $(ARGS)

$(BENCH)/.ready: requirements-bench.txt
	@./sandbox/setup.sh "$(PYTHON)" "$(BENCH)" requirements-bench.txt

# SEED and ONLY repeat one case, as a failure names it.
fuzz: setup ## a million notifications that nobody may believe, on every core: MANY=1000000 (SEED= ONLY= for one)
	@PYTHONPATH=layers/wechatpay:layers/payments:. $(PY) -m tests.resilience.fuzz --many $(or $(MANY),1000000) \
		$(if $(SEED),--seed $(SEED)) $(if $(ONLY),--only '$(ONLY)')

api-fuzz: setup ## the API tried by docs/openapi.yaml alone: EXAMPLES=2000 of each operation, MINUTES=30 at most
	@THOROUGH=1 EXAMPLES=$(or $(EXAMPLES),2000) MINUTES=$(or $(MINUTES),30) $(PY) -m pytest -q -s tests/contract/test_fuzz.py $(ARGS)

live: setup ## 300 open pages on 300 orders, each paid: every page hears of its own and of no other
	@THOROUGH=1 PAGES=300 $(PY) -m pytest -q tests/flows/test_live.py $(ARGS)

judge: setup ## a second judge of what is stored: every verb of the store and its refusals, in memory, moto and dynalite (needs node and npm)
	@$(if $(STEPS),STEPS=$(STEPS)) $(if $(SEED),SEED=$(SEED)) THOROUGH=1 $(PY) -m pytest -q -s tests/dynalite $(ARGS)

mutants: setup ## single changes planted in the money modules, and those that no test notices: MODULE="opening schedule" (LIMIT=50 SEED=1 of each)
	@PYTHONPATH=layers/wechatpay:layers/payments:. $(PY) -m tests.resilience.mutants $(if $(MODULE),--module $(MODULE)) \
		$(if $(LIMIT),--limit $(LIMIT)) $(if $(SEED),--seed $(SEED)) $(ARGS)

##@ Building and deploying (docs/operations.md)

build: setup $(SAM)/.ready ## what is deployed, for arm64, with .pyc; checked for architecture, size and imports (needs a python3.13)
	@V=$(V) SAM=$(SAM) ./layers/build.sh

built: build ## the HTTP tests against functions run from what was built, for this machine's processor
	@THOROUGH=1 SANDBOX_BUILT=.aws-sam $(PY) -m pytest -q tests/http $(ARGS)

doctor: setup ## checks a .env file, or the deployed stack: make doctor ENV=dev [FILE=.env] (ARGS=--offline asks nobody)
	@$(OPERATE).doctor --stack wechatpay-$(ENV) $(if $(FILE),--file $(FILE)) $(ARGS)

golive: setup ## the vendor's go-live checklist, row by row, as dated Markdown, with a status for CI: make golive ENV=prod|FILE=.env [PRODUCTS="native h5"] > report.md
	@$(OPERATE).golive --stack wechatpay-$(ENV) $(if $(FILE),--file $(FILE)) $(if $(PRODUCTS),--products "$(PRODUCTS)") $(ARGS)

deploy: setup ## check, build, deploy, and what to do next: make deploy ENV=dev [FILE=.env] [PARAMETERS="Name=value …"] [YES=1]
	@SAM_CLI_TELEMETRY=0 $(OPERATE).deploy --stack wechatpay-$(ENV) --env $(ENV) --sam $(SAM)/bin/sam --build "make build" $(if $(FILE),--file $(FILE)) $(if $(YES),--yes) $(ARGS) $(PARAMETERS)

secret: setup ## writes the stack's two secrets from a .env file, after the same checks: make secret ENV=dev FILE=.env
	@$(OPERATE).secret --stack wechatpay-$(ENV) --file "$(FILE)" $(ARGS)

# What it copies into is a stack of its own, deployed with the old one's scope and refunds held back: it says so itself.
restore: setup ## restored tables into a stack: make restore ENV=restored TABLE=… [CHECKOUTS=…] [FROM=wechatpay-prod | SCOPE=prod] (docs/operations.md)
	@$(OPERATE).restore --stack wechatpay-$(ENV) --env $(ENV) --table "$(TABLE)" $(if $(CHECKOUTS),--checkouts "$(CHECKOUTS)") $(if $(FROM),--old $(FROM)) $(if $(SCOPE),--scope $(SCOPE)) $(ARGS)

destroy: setup ## deletes the stack, and says before what stays, and why: make destroy ENV=dev [YES=1]
	@$(OPERATE).destroy --stack wechatpay-$(ENV) $(if $(YES),--yes) $(ARGS)

cost: setup ## what a payment costs at AWS, from the calls that a sandbox counts
	@$(PY) -m sandbox.commands.cost

##@ When something is wrong (docs/operations.md)

quarantine: setup ## evidence that contradicts what we know (ENV=dev)
	@$(OPERATE).quarantine --stack wechatpay-$(ENV) $(ARGS)

redrive: setup ## what settle gave up, back into its queue (ENV=dev)
	@$(OPERATE).redrive --stack wechatpay-$(ENV) $(ARGS)

republish: setup ## every event since a moment again: make republish SINCE=2026-01-31T12:00:00Z (ENV=dev)
	@$(OPERATE).republish --stack wechatpay-$(ENV) --since "$(SINCE)" $(ARGS)

journal: setup ## the books anew from the payments themselves (ENV=dev)
	@$(OPERATE).journal --stack wechatpay-$(ENV) $(ARGS)

orders: setup ## orders as a table: DAY=2026-11-28, FROM= TO=, USER_ID=, CONTENT_ID=, STATUS=, METHOD=; all of them, or KIND=movements, with CSV=file (ENV=dev)
	@$(OPERATE).books.orders --stack wechatpay-$(ENV) $(if $(DAY),--day "$(DAY)") $(if $(FROM),--from "$(FROM)") $(if $(TO),--to "$(TO)") \
		$(if $(USER_ID),--user "$(USER_ID)") $(if $(CONTENT_ID),--content "$(CONTENT_ID)") $(if $(STATUS),--status "$(STATUS)") $(if $(METHOD),--method "$(METHOD)") \
		$(if $(LIMIT),--limit "$(LIMIT)") $(if $(KIND),--kind "$(KIND)") $(if $(CSV),--csv "$(CSV)") $(ARGS)

bills: setup ## the last bills of WeChat Pay against our records; DAY=2026-11-28: in what they differ; RUN=1: compare it now (ENV=dev)
	@$(OPERATE).books.bills --stack wechatpay-$(ENV) --day "$(DAY)" $(if $(RUN),--run) $(ARGS)

statement: setup ## a bill that was downloaded by hand against our records: make statement FILE=bill.csv (ENV=dev)
	@$(OPERATE).books.statement --stack wechatpay-$(ENV) --file "$(FILE)" $(ARGS)

cancel-refund: setup ## a refund that WeChat Pay does not take ends: make cancel-refund ORDER=WX… REFUND=RF… (ENV=dev)
	@$(OPERATE).cancel_refund --stack wechatpay-$(ENV) --order "$(ORDER)" --refund "$(REFUND)" $(ARGS)

##@ The project

lock: $(SAM)/.ready ## compile the requirement files from pyproject.toml
	@for group in deployed:layers/dependencies/requirements.txt dev:requirements-dev.txt sam:requirements-sam.txt audit:requirements-audit.txt; do \
		$(SAM)/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
			--group $${group%%:*} -o $${group#*:}; done
	@$(SAM)/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
		--group browser -c requirements-dev.txt -o requirements-browser.txt
	@$(SAM)/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
		--group bench -c requirements-dev.txt -o requirements-bench.txt
	@$(SAM)/bin/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url \
		--group clients -c requirements-dev.txt -o requirements-clients.txt

clean: ## remove what the commands made
	@rm -rf $(V) $(SAM) $(AUDIT) $(BENCH) $(CLIENTS) dist .aws-sam .sandbox .mypy_cache .pytest_cache .ruff_cache .hypothesis
