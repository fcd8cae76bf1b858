#!/usr/bin/env bash
# The monitoring stack of docker-compose.yml and runs against it.
#
#   scripts/run-slo-testing.sh start-monitoring     loadgate, target, Prometheus, Alertmanager, Grafana; waits until all are healthy
#   scripts/run-slo-testing.sh run-websocket        1,000 users stream chat replies for 5 minutes (VUS, DURATION)
#   scripts/run-slo-testing.sh run-health           health checks for a minute
#   scripts/run-slo-testing.sh run-comprehensive    chat, API and health together
#   scripts/run-slo-testing.sh run [TYPE]           websocket-streaming, health, comprehensive or custom; default TEST_TYPE
#   scripts/run-slo-testing.sh status               containers, and the latest runs
#   scripts/run-slo-testing.sh logs [SERVICE…]      follows logs (Ctrl-C ends it)
#   scripts/run-slo-testing.sh dashboard-url        where Grafana's dashboard is
#   scripts/run-slo-testing.sh prometheus-url       where Prometheus is
#   scripts/run-slo-testing.sh page-url             where loadgate's own page is
#   scripts/run-slo-testing.sh token                the token that the page asks for
#   scripts/run-slo-testing.sh grafana-password     of Grafana's user `admin`; looking needs none
#   scripts/run-slo-testing.sh validate             checks plans, rules and configurations; starts nothing
#   scripts/run-slo-testing.sh stop-monitoring [-v] ends it all and sees that the ports are free; -v also forgets runs and secrets
#
# Settings are taken from the environment, then from .env.test (or ENV_FILE): see .env.test.example. A run exits with its verdict:
# 0 passed, 99 failed, 98 inconclusive, 97 preflight failed, 104 the plan is wrong or refused, 105 stopped. Its log,
# summary and report are kept in test-results/.
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/compose.sh
source scripts/compose.sh

results=${RESULTS:-test-results}

usage() { sed -n '2,/^set/{/^set/d;s/^# \{0,1\}//;p}' "$0"; }

free_ports_or_die() {
    local name port
    while read -r name port; do
        if is_taken "$port" && [[ -z $(compose "${profiles[@]}" ps -q "$name") ]]; then
            die "port $port, for $name, is taken by $(holder "$port"): end that, or choose another (${name^^}_PORT=…)"
        fi
    done < <(ports)
}

start_monitoring() {
    need_compose
    free_ports_or_die
    echo "starting loadgate, target, Prometheus, Alertmanager and Grafana (the first time the image is built: some minutes)"
    compose --profile monitoring up -d
    local name
    for name in loadgate target prometheus alertmanager grafana; do
        healthy_or_die "$name"
    done
    echo
    echo "Grafana       $(dashboard_url)"
    echo "Prometheus    $(prometheus_url)"
    echo "Alertmanager  http://localhost:$(setting ALERTMANAGER_PORT 9093)"
    echo "loadgate      $(page_url)   (token: scripts/run-slo-testing.sh token)"
}

healthy_or_die() {
    local id state='' end=$((SECONDS + 180))
    id=$(compose "${profiles[@]}" ps -q "$1")
    until [[ $state == healthy ]]; do
        state=$(docker inspect -f '{{.State.Health.Status}}' "$id" 2>/dev/null || echo gone)
        ((SECONDS < end)) || die "$1 is $state after three minutes: docker compose logs $1"
        [[ $state == healthy ]] || sleep 1
    done
    echo "healthy: $1"
}

dashboard_url() { echo "http://localhost:$(setting GRAFANA_PORT 3001)/d/loadgate-slo"; }
prometheus_url() { echo "http://localhost:$(setting PROMETHEUS_PORT 9090)"; }
page_url() { echo "http://localhost:$(setting LOADGATE_PORT 5665)"; }

# run_plan SERVICE NAME PLAN [ARGUMENT…]: a run, its exit code, and what it leaves in test-results/.
run_plan() {
    local service=$1 name=$2 plan=$3 status=0 kept
    shift 3
    if [[ $(setting DEBUG_MODE false) == true ]]; then export K6_LOG_LEVEL=debug; fi
    mkdir -p "$results"
    kept=$results/$name-$(date -u +%Y%m%dT%H%M%SZ)
    if [[ -n $(setting LOADGATE_SERVER '') ]]; then
        run_elsewhere "$plan" --summary-export "$kept.json" "$@" </dev/null 2>&1 | tee "$kept.log" || status=${PIPESTATUS[0]}
    elif [[ -n $(setting SSH_HOST '') ]]; then
        die "SSH_HOST alone reaches no daemon: \`loadgate serve\` there, \`ssh -N -L 15665:127.0.0.1:5665 $(setting SSH_HOST '')\` here, and LOADGATE_SERVER=http://127.0.0.1:15665" 2
    else
        need_compose
        echo "docker compose run $service: $plan $* (log: $kept.log)"
        # -T: no terminal of its own, so that what it says can be kept.
        compose run --rm -T "$service" run "$plan" "$@" </dev/null 2>&1 | tee "$kept.log" || status=${PIPESTATUS[0]}
        keep_results "$kept"
    fi
    exit "$status"
}

# By a daemon on another machine, with this one's loadgate, and without docker.
run_elsewhere() {
    local name value
    find_loadgate || die "no \`loadgate\` in the path or in target/ (cargo build --release), which LOADGATE_SERVER takes"
    for name in LOADGATE_SERVER LOADGATE_TOKEN_FILE BASE_URL WS_URL VUS DURATION MESSAGES HEALTH_RATE RATE ERROR_RATE_THRESHOLD HZ_AVERAGE_THRESHOLD; do
        value=$(setting "$name" '')
        if [[ -n $value ]]; then export "$name=$value"; fi
    done
    LOADGATE_LOG=$(setting K6_LOG_LEVEL info)
    export LOADGATE_LOG
    echo "$loadgate run $* (on $LOADGATE_SERVER)"
    "$loadgate" run "$@"
}

# The daemon has the run; what it knows of it is copied here, by and for who called.
keep_results() {
    local id path
    id=$(sed -n 's/^run \([0-9a-z-]*\) of .*/\1/p' "$1.log" | head -1)
    if [[ -z $id ]]; then return; fi
    for path in summary:json report:html; do
        # The token is no argument: whoever lists processes would see it.
        if curl -sf -H @- -o "$1.${path#*:}" "$(page_url)/api/v1/runs/$id/${path%:*}" <<<"Authorization: Bearer $(token)"; then
            echo "kept: $1.${path#*:}"
        fi
    done
}

token() { compose exec -T loadgate cat /run/loadgate/token; }

run_type() {
    case $1 in
        websocket-streaming) run_plan k6-websocket-streaming "$1" config/plans/chat-streaming.yml ;;
        health) run_plan k6-health-check "$1" config/plans/health.yml ;;
        comprehensive) run_plan k6-comprehensive "$1" config/plans/chat-comprehensive.yml ;;
        custom)
            local plan arguments
            plan=$(setting CUSTOM_SCRIPT '')
            [[ -n $plan ]] || die "TEST_TYPE=custom takes a plan below config/, which is what the container sees: CUSTOM_SCRIPT=config/plans/flash-sale.yml" 2
            [[ -f $plan && $plan == config/* ]] || die "there is no plan \`$plan\` below config/, which is what the container sees" 2
            read -ra arguments <<<"$(setting CUSTOM_ARGS '')"
            run_plan k6-websocket-streaming custom "$plan" "${arguments[@]}"
            ;;
        *) die "unknown TEST_TYPE \`$1\` (expected websocket-streaming, health, comprehensive or custom)" 2 ;;
    esac
}

status() {
    need_compose
    compose --profile monitoring ps
    compose exec -T loadgate loadgate runs list --limit 10
}

stop_monitoring() {
    need_compose
    echo "ending all services${1:+, and forgetting their data}"
    compose "${profiles[@]}" down --remove-orphans ${1:+-v}
    local name port wrong=0
    while read -r name port; do
        if is_taken "$port"; then
            echo "port $port ($name) is still taken by $(holder "$port")" >&2
            wrong=1
        else
            echo "free: port $port ($name)"
        fi
    done < <(ports)
    return "$wrong"
}

verb=${1:-help}
shift || true
case $verb in
    start-monitoring) start_monitoring ;;
    run-websocket) run_type websocket-streaming ;;
    run-health) run_type health ;;
    run-comprehensive) run_type comprehensive ;;
    run) run_type "${1:-$(setting TEST_TYPE websocket-streaming)}" ;;
    status) status ;;
    logs)
        need_compose
        compose "${profiles[@]}" logs -f --tail 100 "$@"
        ;;
    dashboard-url) dashboard_url ;;
    prometheus-url) prometheus_url ;;
    page-url) page_url ;;
    token)
        need_compose
        token
        echo
        ;;
    grafana-password)
        need_compose
        compose --profile monitoring exec -T grafana cat /run/grafana/password
        echo
        ;;
    validate) exec scripts/validate-slo-setup.sh ;;
    stop-monitoring)
        case ${1:-} in
            '') stop_monitoring ;;
            -v | --volumes) stop_monitoring -v ;;
            *) die "unknown option \`$1\` of stop-monitoring (expected -v)" 2 ;;
        esac
        ;;
    help | -h | --help) usage ;;
    *)
        usage >&2
        die "unknown verb \`$verb\`" 2
        ;;
esac
