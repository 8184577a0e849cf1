# The front door: `make help`. Everything that is fetched or built goes to target/ or to the cache folder outside the clone.

.DEFAULT_GOAL := help
.PHONY: help demo test soak skew bench check

help: ## Show this help
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## Run the quickstart: sign up, sign in, change a flow while it runs
	@tests/run.sh demo

test: ## Format, lints, unit tests, and the whole system: real API server, real clients, real browser
	@tests/run.sh test

soak: ## The random tests again, much longer and from another seed: kills, faults, interleavings
	@tests/run.sh soak

skew: ## The last released operator with present executors, and the other way round
	@tests/run.sh skew

bench: ## Measure sign-ins per CPU second, latencies, memory, start, compile and lint times
	@tests/run.sh bench

check: ## Say what this machine has and what it lacks for the other targets
	@tests/run.sh check
