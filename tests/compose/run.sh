#!/usr/bin/env bash
# docker-compose.yml with a real engine, from nothing to nothing: the monitoring stack comes up healthy, a run passes, a
# run against a slow target exits with 99 and its alert reaches a webhook, and `down` leaves neither ports nor volumes.
#
#   tests/compose/run.sh [BINARY]     loadgate's binary; default target/debug/loadgate
#
# The engine is a dockerd of this test's own, in namespaces of its own (network, mounts, processes): its ports are
# nobody else's, and nothing of it outlives this program. It has no network, and no registry is asked: the images are made
# of Debian's packages and tagged as the real ones are. Of Grafana Debian has none, so there is a stand-in which answers
# /api/health if what Grafana needs is there; that Grafana loads provisioning and dashboards, this test cannot show.
#
# Exit code 77: skipped, and the last line says why.
set -euo pipefail
cd "$(dirname "$0")/../.."

cache=target/compose
binary=${1:-target/debug/loadgate}

skip() {
    echo "skipped: $1"
    exit 77
}

# --- outside: what has to be there, and the base image, which takes network once
if [[ ${LOADGATE_COMPOSE_INSIDE:-} != yes ]]; then
    [[ $(id -u) -eq 0 ]] || skip "a docker engine of its own takes root"
    for program in dockerd docker-compose debootstrap unshare curl prometheus promtool prometheus-alertmanager; do
        command -v "$program" >/dev/null || skip "no \`$program\` here (apt-get install docker.io docker-compose debootstrap curl prometheus prometheus-alertmanager)"
    done
    [[ -x $binary ]] || skip "no $binary (cargo build)"
    unshare --net --mount --pid --fork true 2>/dev/null || skip "no namespaces of its own here (unshare)"
    if [[ ! -s $cache/base.tar ]]; then
        echo "== base image, by debootstrap (once; kept in $cache)"
        mkdir -p "$cache"
        tree=$(mktemp -d)
        trap 'rm -rf "$tree"' EXIT
        timeout 300 debootstrap --variant=minbase --include=busybox bookworm "$tree" >"$cache/debootstrap.log" 2>&1 ||
            skip "debootstrap failed (log: $cache/debootstrap.log)"
        tar -C "$tree" --exclude=./var/cache/apt/* --exclude=./var/lib/apt/lists/* --exclude=./usr/share/doc/* \
            --exclude=./usr/share/locale/* --exclude=./usr/share/man/* --exclude=./dev/* \
            -cf "$cache/base.tar.new" .
        mv "$cache/base.tar.new" "$cache/base.tar"
        rm -rf "$tree"
        trap - EXIT
    fi
    work=$(mktemp -d)
    # shellcheck disable=SC2317 # the trap calls it
    clean_up() {
        kill "${inside:-}" 2>/dev/null || true
        # What held a file is ended by the kernel, a moment later.
        rm -rf "$work" 2>/dev/null || { sleep 2 && rm -rf "$work"; }
        # What the engine leaves, empty.
        find /sys/fs/cgroup -depth -type d -path "*/loadgate-test-${work##*.}*" -exec rmdir {} + 2>/dev/null || true
    }
    trap clean_up EXIT
    trap 'exit 143' TERM INT HUP
    LOADGATE_COMPOSE_INSIDE=yes LOADGATE_COMPOSE_WORK=$work \
        unshare --net --mount --pid --fork --kill-child --mount-proc "$0" "$binary" &
    inside=$!
    status=0
    wait "$inside" || status=$?
    exit "$status"
fi

# --- inside: process 1 of its own namespaces, which end with it
work=$LOADGATE_COMPOSE_WORK
export DOCKER_HOST=unix://$work/docker.sock DOCKER_BUILDKIT=1 DOCKER_CONFIG=$work/config
# Debian's client: a newer one needs a plug-in to build.
export PATH=/usr/bin:/usr/sbin:/bin:/sbin
export COMPOSE_PROJECT_NAME=loadgate-test COMPOSE_FILE=docker-compose.yml:tests/compose/override.yml
# The images that are built here are the ones: nothing is to be built by compose.
export LOADGATE_IMAGE=loadgate:latest ALERTMANAGER_CONFIG=$work/alertmanager.yml RESULTS=$work/results ENV_FILE=$work/none
# Whatever this shell has must not decide what is tested.
unset VUS DURATION BASE_URL WS_URL LOADGATE_SERVER LOADGATE_CONFIG LOADGATE_PROFILE

source tests/compose/steps.sh
start_engine
make_images
stack_comes_up
page_asks_for_a_token
runs_end_as_they_say
failing_run_is_told
prometheus_judges
stack_goes_down
for what in "${not_seen[@]+"${not_seen[@]}"}"; do echo "not seen, for this machine is too busy: $what"; done
echo "== passed"
