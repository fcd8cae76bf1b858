# shellcheck shell=bash
# shellcheck disable=SC2034 # what it sets is for those who source it
# How the scripts call docker compose and loadgate: which ones there are, with which settings, and what is wrong if they
# cannot be called. Sourced by them, from the repository's folder.

env_file=${ENV_FILE:-.env.test}
# What `down` has to know of: a service is only ended by its profile.
profiles=(--profile monitoring --profile load-test --profile health --profile comprehensive)

die() {
    echo "$(basename "$0"): $1" >&2
    exit "${2:-1}"
}

# setting NAME DEFAULT: the environment's value, else that of the file of settings, else the default.
setting() {
    local value=${!1:-}
    if [[ -z $value && -f $env_file ]]; then
        value=$(sed -n "s/^ *$1=//p" "$env_file" | tail -1 | sed 's/ *#.*//; s/^"\(.*\)"$/\1/')
    fi
    echo "${value:-$2}"
}

compose() {
    local files=()
    if [[ -f $env_file ]]; then files=(--env-file "$env_file"); fi
    "${compose_program[@]}" "${files[@]}" "$@"
}

# Ends the script where compose cannot be called; says what mends it.
need_compose() {
    if docker compose version >/dev/null 2>&1; then
        compose_program=(docker compose)
    elif command -v docker-compose >/dev/null; then
        compose_program=(docker-compose)
    elif command -v docker >/dev/null; then
        die "docker is here, but neither \`docker compose\` nor \`docker-compose\`: install its plug-in (docs.docker.com/compose/install)"
    else
        die "docker is not installed (docs.docker.com/engine/install); without it: loadgate demo, or loadgate serve and its page at http://localhost:5665"
    fi
    local problem
    problem=$(docker version --format '{{.Server.Version}}' 2>&1) ||
        die "docker's daemon cannot be reached: ${problem##*$'\n'} (is it running? may this user talk to it?)"
}

# find_loadgate: sets `loadgate`, or fails where there is none on this machine.
find_loadgate() {
    for loadgate in "${LOADGATE:-loadgate}" target/release/loadgate target/debug/loadgate; do
        if command -v "$loadgate" >/dev/null; then return; fi
    done
    loadgate=
    return 1
}

# The ports that the services publish, as `name port` lines.
ports() {
    cat <<P
target $(setting TARGET_PORT 4000)
loadgate $(setting LOADGATE_PORT 5665)
prometheus $(setting PROMETHEUS_PORT 9090)
alertmanager $(setting ALERTMANAGER_PORT 9093)
grafana $(setting GRAFANA_PORT 3001)
P
}

is_taken() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }

# Who listens on a port, as far as this user can see.
holder() {
    local who=
    who=$(docker ps --filter "publish=$1" --format 'container {{.Names}}' 2>/dev/null | head -1)
    if [[ -z $who ]] && command -v ss >/dev/null; then
        who=$(ss -Hltnp "sport = :$1" 2>/dev/null | sed -n 's/.*users:((\(.*\)))/\1/p' | head -1)
    fi
    echo "${who:-a process that this user cannot see (sudo ss -ltnp \"sport = :$1\")}"
}
