# SPDX-License-Identifier: MIT
# Every target sets up what it needs by itself; see .ci/environment.

SHELL := bash
.DEFAULT_GOAL := help
RANKS ?= 1
inside := .ci/environment exec --
patient_data := ../shared/data/liver-hcc-p4

# runs infusate; make itself can only end with 2, so the exit code of infusate is printed
infusate = $(inside) infusate $(1) || { code=$$?; echo "infusate ended with exit code $$code" >&2; exit $$code; }

.PHONY: help
help: ## list the targets (default)
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 20

.PHONY: demo
demo: ## run the main job on a synthetic tumour and show the result (2 ranks)
	@$(call infusate,run cases/shipped/demo.toml --ranks 2 --out results/demo --overwrite)
	@echo "Open the report: $(CURDIR)/results/demo/report.html"

.PHONY: patient
patient: ## run the liver patient of ../shared/data (2 ranks)
	@test -d $(patient_data) || { echo "make patient needs the images in $(patient_data), which is not there" >&2; exit 66; }
	@$(call infusate,run cases/shipped/patient_liver.toml --ranks 2 --out results/patient --overwrite)
	@echo "Open the report: $(CURDIR)/results/patient/report.html"

.PHONY: run
run: ## run any case: make run CASE=path [RANKS=n] [OUT=dir]
	@test -n "$(CASE)" || { echo "which case? make run CASE=path [RANKS=n] [OUT=dir]" >&2; exit 2; }
	@$(call infusate,run "$(CASE)" --ranks $(RANKS) $(if $(OUT),--out "$(OUT)"))

.PHONY: test
test: ## run the tests on one rank, several files at a time, then on two ranks
	@status=0; \
	echo "tests on 1 rank"; $(inside) python3 -m pytest tests -n auto --maxprocesses 8 --dist loadfile || status=1; \
	echo "tests on 2 ranks"; $(inside) mpirun -n 2 python3 -m pytest tests -m "not serial" || status=1; \
	exit $$status

.PHONY: test-latest
test-latest: ## the same with the newest DOLFINx, in Debian sid: make test-latest [TESTS=files]; skipped where sid is broken
	@.ci/latest $(TESTS)

.PHONY: lint
lint: ## check style and types
	@status=0; \
	$(inside) ruff check . || status=1; \
	$(inside) ruff format --check . || status=1; \
	$(inside) mypy || status=1; \
	exit $$status

bench_options = $(if $(SIZES),--sizes "$(SIZES)") $(if $(CASES),--cases "$(CASES)") $(if $(REPEATS),--repeats $(REPEATS)) $(if $(OURS),--ours "$(OURS)") \
	$(if $(PREFIX),--prefix "$(PREFIX)") $(if $(HISTORY),--history "$(HISTORY)")

.PHONY: bench
bench: ## time the benchmark BALL: make bench [SIZES="50k 200k 1M"] [CASES="BALL BALLw"] [REPEATS=n] [OURS=rows]
	@$(inside) python3 -m benchmarks.ball.bench $(bench_options)

.PHONY: bench-peers
bench-peers: ## the same beside other programs: options of bench and [PEERS="ngsolve skfem"]
	@$(inside) python3 -m benchmarks.ball.bench --peers "$(or $(PEERS),all)" $(bench_options)

.PHONY: claims
claims: ## put the claims to the test and write a page: make claims [ONLY="H1 H5"]
	@$(inside) python3 -m cases.commands.claims --out results/claims $(if $(ONLY),--only $(ONLY))

.PHONY: ladder
ladder: ## run the verification ladder at full resolution and write a page: make ladder [ONLY="B1 B2"] [RECORD=1]
	@$(inside) python3 -m benchmarks.ladder $(if $(ONLY),--only $(ONLY)) $(if $(RECORD),--record)

.PHONY: docs
docs: ## build the documentation site; runs the quickest shipped cases for its gallery
	@$(inside) .ci/docs

.PHONY: gallery
gallery: ## the same, after running every shipped case that needs no outside data
	@$(inside) .ci/docs --gallery

.PHONY: shell
shell: ## open a shell in the environment
	@$(inside) env PS1='(infusate) \w\$$ ' bash --norc

.PHONY: setup
setup: ## only find or build the environment, and say which it is
	@.ci/environment setup

.PHONY: clean
clean: ## remove results and what tools left in this folder
	rm -rf results build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
