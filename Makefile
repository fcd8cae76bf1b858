# Short names for what loadgate, docker compose and the scripts do: `make help` lists them.

LOADGATE ?= $(shell command -v loadgate || echo cargo run --release --quiet --)
RESULTS ?= test-results

# The broker that events go to. ENV names a kubectl context; without a cluster they go to `loadgate target`.
ENV ?= dev
BROKER_NAMESPACE ?= knative-lambda
BROKER_SERVICE ?= service/lambda-broker-ingress
BROKER_URL ?= http://localhost:4000/events
EVENT_TYPE ?= parser
CONCURRENT ?= 100
DURATION ?= 300

# run PLAN PROFILE NAME ARGUMENTS: a run in the foreground, its results in files, its exit code the verdict.
define run
	@mkdir -p $(RESULTS)
	$(LOADGATE) run config/plans/$(1).yml --profile $(2) --summary-export $(RESULTS)/$(3).json --junit $(RESULTS)/$(3).xml $(4)
endef

.DEFAULT_GOAL := help
.PHONY: help ci build docker-up docker-down slo-test slo-validate token grafana-password clean load-test pf-broker \
	test-load-k6 test-load-python test-load-baseline test-load-rampup test-load-spike test-load-sustained test-load-all test-stress

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9 -]+:.*## / { sub(/test-load-baseline .*/, "test-load-baseline", $$1); printf "  make %-22s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# --- the stack
ci: slo-validate ## what CI checks: ./test.sh, and that plans, rules and configurations are right
	./test.sh

build: ## the image (loadgate:latest, fw-k6:latest)
	scripts/build-docker.sh

docker-up: ## loadgate, target, Prometheus, Alertmanager, Grafana
	scripts/run-slo-testing.sh start-monitoring

docker-down: ## ends them, and sees that their ports are free
	scripts/run-slo-testing.sh stop-monitoring

slo-test: ## the chat plan through the daemon (TEST_TYPE, VUS, DURATION, …: .env.test.example)
	scripts/run-slo-testing.sh run

slo-validate: ## checks plans, rules, dashboards and configurations; starts nothing
	scripts/validate-slo-setup.sh

token: ## the token that the page at http://localhost:5665 asks for
	@scripts/run-slo-testing.sh token

grafana-password: ## of Grafana's user admin; looking needs none
	@scripts/run-slo-testing.sh grafana-password

clean: ## ends the stack and forgets its data; removes results
	if docker version >/dev/null 2>&1; then scripts/run-slo-testing.sh stop-monitoring -v; fi
	rm -rf $(RESULTS)

# --- load from here, without docker. BASE_URL and the like are taken from the environment; the default is `loadgate target`.
load-test: ## an API at 10, 50, 100 and 200 requests a second, one after the other; the first that fails ends it
	$(call run,api-rates,light,api-light)
	$(call run,api-rates,medium,api-medium)
	$(call run,api-rates,heavy,api-heavy)
	$(call run,api-rates,stress,api-stress)

test-load-k6: ## builder events: baseline, ramp-up, spike and sustained as one run of an hour
	$(call run,cloudevents,builder,builder)

test-load-python: ## events straight to the broker (EVENT_TYPE, CONCURRENT, DURATION in seconds, BROKER_URL)
	$(call run,cloudevents,broker,broker,-e BROKER_URL=$(BROKER_URL) -e EVENT_TYPE=$(EVENT_TYPE) -e CONCURRENT=$(CONCURRENT) -e DURATION=$(if $(filter %s %m %h,$(DURATION)),$(DURATION),$(DURATION)s))

test-load-baseline test-load-rampup test-load-spike test-load-sustained: test-load-%: ## one of the four alone; as well test-load-rampup, -spike, -sustained
	$(call run,cloudevents,$*,builder-$*)

test-load-all: test-load-k6 test-load-python ## both

test-stress: ## more parser events than anyone can take
	$(call run,parser-events,extreme,parser-stress,-e BROKER_URL=$(BROKER_URL))

pf-broker: ## the broker of a cluster at localhost:8081 (ENV: kubectl context, BROKER_NAMESPACE, BROKER_SERVICE)
	kubectl --context $(ENV) --namespace $(BROKER_NAMESPACE) port-forward $(BROKER_SERVICE) 8081:80
