#!/usr/bin/env bash
# Checks what the stack is made of, and starts nothing: plans, rules and their unit tests, dashboards, configurations of
# loadgate, Prometheus, Alertmanager and compose. Says what it could not check, and exits with 1 if something is wrong.
#
#   scripts/validate-slo-setup.sh        LOADGATE=path/to/loadgate, where it is not in the path or in target/
set -euo pipefail
cd "$(dirname "$0")/.."
# shellcheck source=scripts/compose.sh
source scripts/compose.sh

case ${1:-} in
    '') ;;
    -h | --help)
        sed -n '2,5s/^# \{0,1\}//p' "$0"
        exit 0
        ;;
    *) die "unknown argument \`$1\` (expected none)" 2 ;;
esac

wrong=0
check() {
    local what=$1 said
    shift
    if said=$("$@" 2>&1); then
        echo "ok       $what"
    else
        echo "WRONG    $what"
        # shellcheck disable=SC2001 # every line
        sed 's/^/         /' <<<"$said"
        wrong=1
    fi
}
not_checked() { echo "skipped  $1"; }

if find_loadgate; then
    check "plans and loadgate's configurations" "$loadgate" check config/*.yml config/plans/*.yml
    check "alert rules" "$loadgate" rules check alerting/rules/*.yml
    check "unit tests of alert rules" "$loadgate" rules test alerting/tests/*.yml
else
    not_checked "plans and rules: no \`loadgate\` in the path or in target/ (cargo build --release)"
fi

if command -v promtool >/dev/null; then
    # Where Prometheus sees the rules.
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    cp prometheus/prometheus.yml "$folder/"
    cp -r alerting/rules "$folder/rules"
    check "prometheus/prometheus.yml, by promtool" promtool check config "$folder/prometheus.yml"
else
    not_checked "prometheus/prometheus.yml: no \`promtool\` here"
fi
if command -v amtool >/dev/null; then
    check "alerting/alertmanager.yml, by amtool" amtool check-config alerting/alertmanager.yml
else
    not_checked "alerting/alertmanager.yml: no \`amtool\` here"
fi
if command -v python3 >/dev/null; then
    for dashboard in grafana/dashboards/*.json; do
        check "$dashboard is JSON" python3 -m json.tool "$dashboard" /dev/null
    done
else
    not_checked "grafana/dashboards: no \`python3\` here"
fi
if docker compose version >/dev/null 2>&1 || command -v docker-compose >/dev/null; then
    compose_program=(docker compose)
    docker compose version >/dev/null 2>&1 || compose_program=(docker-compose)
    check "docker-compose.yml" compose config -q
else
    not_checked "docker-compose.yml: neither \`docker compose\` nor \`docker-compose\` here"
fi
exit "$wrong"
