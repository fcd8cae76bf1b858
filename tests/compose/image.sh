#!/usr/bin/env bash
# The whole Dockerfile, its build stage too, with a real engine: the image is built from this tree, and its loadgate runs
# the demo. By hand, not by test.sh: it compiles everything anew (10 to 30 minutes).
#
#   tests/compose/image.sh
#
# No registry is asked for images: what stands for `rust:` is Debian (debootstrap) with this machine's toolchain and the
# crates that cargo has here. The engine is a dockerd of its own, without a network, as run.sh's.
#
# Exit code 77: skipped, and the last line says why.
set -euo pipefail
cd "$(dirname "$0")/../.."

skip() {
    echo "skipped: $1"
    exit 77
}

if [[ ${LOADGATE_IMAGE_INSIDE:-} != yes ]]; then
    [[ $(id -u) -eq 0 ]] || skip "a docker engine of its own takes root"
    for program in dockerd debootstrap unshare cargo rustc; do
        command -v "$program" >/dev/null || skip "no \`$program\` here"
    done
    work=$(mktemp -d)
    # shellcheck disable=SC2317 # the trap calls it
    clean_up() {
        kill "${inside:-}" 2>/dev/null || true
        rm -rf "$work" 2>/dev/null || { sleep 2 && rm -rf "$work"; }
        find /sys/fs/cgroup -depth -type d -path "*/loadgate-image-${work##*.}*" -exec rmdir {} + 2>/dev/null || true
    }
    trap clean_up EXIT
    trap 'exit 143' TERM INT HUP
    echo "== base images"
    timeout 600 debootstrap --variant=minbase --include=gcc,libc6-dev bookworm "$work/tree" >"$work/debootstrap.log" 2>&1 ||
        skip "debootstrap failed: $(tail -1 "$work/debootstrap.log")"
    cargo fetch --locked --quiet
    cp -a "$(rustc --print sysroot)/." "$work/tree/usr/local/"
    mkdir -p "$work/tree/cargo/registry"
    cp -a "${CARGO_HOME:-$HOME/.cargo}/registry/index" "${CARGO_HOME:-$HOME/.cargo}/registry/cache" "$work/tree/cargo/registry/"
    LOADGATE_IMAGE_INSIDE=yes LOADGATE_IMAGE_WORK=$work \
        unshare --net --mount --pid --fork --kill-child --mount-proc "$0" &
    inside=$!
    status=0
    wait "$inside" || status=$?
    exit "$status"
fi

work=$LOADGATE_IMAGE_WORK
export DOCKER_HOST=unix://$work/docker.sock DOCKER_BUILDKIT=1 DOCKER_CONFIG=$work/config
# Debian's client: a newer one needs a plug-in to build.
export PATH=/usr/bin:/usr/sbin:/bin:/sbin
ip link set lo up
dockerd --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/dockerd.pid" -H "$DOCKER_HOST" \
    --cgroup-parent "loadgate-image-${work##*.}" --storage-driver overlay2 >"$work/dockerd.log" 2>&1 &
engine=$!
# shellcheck disable=SC2317 # the trap calls it
stop_engine() {
    local status=$?
    kill "$engine" 2>/dev/null || true
    wait "$engine" 2>/dev/null || true
    exit "$status"
}
trap stop_engine EXIT
for _ in $(seq 200); do
    docker version >/dev/null 2>&1 && break
    kill -0 "$engine" 2>/dev/null || { tail -3 "$work/dockerd.log" && skip "dockerd does not start here"; }
    sleep 0.3
done
rust=$(sed -n 's/^ARG RUST=//p' Dockerfile)
debian=$(sed -n 's/^FROM \(debian:.*\)$/\1/p' Dockerfile)
tar -C "$work/tree" --exclude=./var/cache/apt/* --exclude=./dev/* -c . |
    docker import --change 'ENV CARGO_HOME=/cargo CARGO_NET_OFFLINE=true' - "$rust" >/dev/null
tar -C "$work/tree" --exclude=./var/cache/apt/* --exclude=./dev/* --exclude=./usr/local/* --exclude=./cargo --exclude=./usr/lib/gcc -c . |
    docker import - "$debian" >/dev/null
rm -rf "$work/tree"

echo "== docker build"
began=$SECONDS
docker build --network none --tag loadgate:built . >"$work/build.log" 2>&1 || { tail -30 "$work/build.log" && exit 1; }
echo "ok: built in $((SECONDS - began)) s"
size=$(docker image inspect --format '{{.Size}}' loadgate:built)
base=$(docker image inspect --format '{{.Size}}' "$debian")
echo "ok: $(((size - base) / 1000000)) MB above the image it stands on"

echo "== a run in it"
docker run --rm --network none loadgate:built --version
# Its demo writes no files but below /tmp, so it runs as read-only as docker-compose.yml has it.
docker run --rm --network none --read-only --tmpfs /tmp loadgate:built demo --vus 20 --quiet >"$work/demo.log" 2>&1 ||
    { tail -30 "$work/demo.log" && exit 1; }
tail -4 "$work/demo.log"
echo "== passed"
