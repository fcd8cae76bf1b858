# shellcheck shell=bash
# The steps of run.sh, in order; each ends the test where something is not as it should be.
: "${work:?}" "${cache:?}" "${binary:?}"

# Where Alertmanager sends, in the network of the stack.
readonly HOOK=http://receiver:8080/cgi-bin/hook
readonly PORTS=(4000 5665 9090 9093 3001)
readonly group=loadgate-test-${work##*.}

fail() {
    echo "FAILED: $1" >&2
    docker-compose --profile monitoring ps >&2 || true
    docker-compose --profile monitoring logs --no-color --tail 8 >&2 || true
    exit 1
}

# Until the command succeeds, at most so many seconds.
within() {
    local seconds=$1 what=$2
    shift 2
    local end=$((SECONDS + seconds))
    until "$@" >"$work/within.log" 2>&1; do
        if ((SECONDS >= end)); then
            cat "$work/within.log" >&2
            fail "$what (not within $seconds s)"
        fi
        sleep 0.3
    done
    echo "ok: $what"
}

start_engine() {
    echo "== engine"
    ip link set lo up
    dockerd --data-root "$work/data" --exec-root "$work/exec" --pidfile "$work/dockerd.pid" -H "$DOCKER_HOST" \
        --cgroup-parent "$group" --storage-driver overlay2 >"$work/dockerd.log" 2>&1 &
    engine=$!
    trap stop_engine EXIT
    local end=$((SECONDS + 60))
    until docker version >/dev/null 2>&1; do
        if ((SECONDS >= end)) || ! kill -0 "$engine" 2>/dev/null; then
            tail -3 "$work/dockerd.log"
            skip "dockerd does not start here"
        fi
        sleep 0.3
    done
    docker version --format 'dockerd {{.Server.Version}}'
}

# Orderly, so that mounts and cgroups of containers go, too.
stop_engine() {
    local status=$?
    docker-compose --profile monitoring kill >/dev/null 2>&1 || true
    kill "$engine" 2>/dev/null || true
    wait "$engine" 2>/dev/null || true
    rmdir /sys/fs/cgroup/*/"$group" 2>/dev/null || true
    exit "$status"
}

# build TAG FILE…: an image from the Dockerfile on stdin and these files; the engine's own output only if it fails.
build() {
    local tag=$1 context=$work/context
    shift
    rm -rf "$context"
    mkdir "$context"
    cat >"$context/Dockerfile"
    if (($#)); then cp "$@" "$context/"; fi
    docker build --network none -q -t "$tag" "$context" >"$work/build.log" 2>&1 || {
        cat "$work/build.log" >&2
        fail "build $tag"
    }
}

image_of() {
    docker-compose --profile monitoring config | sed -n "s|^ *image: \($1:.*\)|\1|p" | head -1
}

make_images() {
    echo "== images"
    docker import -c 'CMD ["bash"]' "$cache/base.tar" debian:bookworm-slim >/dev/null
    local prometheus alertmanager grafana
    prometheus=$(image_of prom/prometheus) alertmanager=$(image_of prom/alertmanager) grafana=$(image_of grafana/grafana)

    build "$prometheus" /usr/bin/prometheus /usr/bin/promtool <<'D'
FROM debian:bookworm-slim
COPY prometheus promtool /bin/
RUN ln -s busybox /bin/wget && install -d -o nobody -g nogroup /prometheus
WORKDIR /prometheus
USER nobody
ENTRYPOINT ["/bin/prometheus"]
D
    build "$alertmanager" /usr/bin/prometheus-alertmanager /usr/share/prometheus/alertmanager/*.tmpl <<'D'
FROM debian:bookworm-slim
COPY prometheus-alertmanager /bin/alertmanager
COPY *.tmpl /usr/share/prometheus/alertmanager/
RUN ln -s busybox /bin/wget && install -d -o nobody -g nogroup /alertmanager
WORKDIR /alertmanager
USER nobody
ENTRYPOINT ["/bin/alertmanager"]
D
    build "$grafana" tests/compose/grafana-stand-in.sh <<'D'
FROM debian:bookworm-slim
COPY grafana-stand-in.sh /run.sh
RUN ln -s busybox /bin/wget && install -d -o 472 -g 0 -m 0777 /var/lib/grafana
USER 472
ENTRYPOINT ["/run.sh"]
D
    build loadgate-test/receiver tests/compose/receiver.sh <<'D'
FROM debian:bookworm-slim
COPY receiver.sh /srv/cgi-bin/hook
CMD ["busybox", "httpd", "-f", "-p", "8080", "-h", "/srv"]
D
    # The real Dockerfile, with a binary that is there.
    mkdir "$work/binary"
    cp "$binary" "$work/binary/loadgate"
    strip "$work/binary/loadgate" 2>/dev/null || true
    build loadgate-test/binary "$work/binary/loadgate" <<'D'
FROM scratch
COPY loadgate /loadgate
D
    docker build --network none -q -t loadgate:latest --build-arg BINARY=loadgate-test/binary . >"$work/build.log" 2>&1 || {
        cat "$work/build.log" >&2
        fail "build loadgate:latest by the Dockerfile"
    }
    docker images --format '{{.Repository}}:{{.Tag}} {{.Size}}' | sort
}

# A healthy container for each service that has a healthcheck, and none that runs as root.
all_healthy() {
    local id name state
    for id in $(docker-compose --profile monitoring ps -q); do
        name=$(docker inspect -f '{{index .Config.Labels "com.docker.compose.service"}}' "$id")
        state=$(docker inspect -f '{{.State.Status}} {{.State.ExitCode}} {{with .State.Health}}{{.Status}}{{end}}' "$id")
        case $name:$state in
            token:"exited 0 " | grafana-password:"exited 0 " | receiver:"running 0 ") ;;
            *:"running 0 healthy") ;;
            *)
                echo "$name: $state"
                return 1
                ;;
        esac
    done
}

# What stays locked: who the process is, what it may, and what it can write.
none_runs_as_root() {
    local id name user
    for id in $(docker-compose --profile monitoring ps -q); do
        name=$(docker inspect -f '{{index .Config.Labels "com.docker.compose.service"}}' "$id")
        user=$(docker inspect -f '{{.Config.User}}' "$id")
        case $user in
            '' | 0 | 0:* | root | root:*) fail "$name runs as root" ;;
        esac
        [[ $(docker inspect -f '{{.HostConfig.CapDrop}}' "$id") == '[ALL]' ]] || fail "$name keeps capabilities"
        if [[ $name != grafana ]]; then
            [[ $(docker inspect -f '{{.HostConfig.ReadonlyRootfs}}' "$id") == true ]] || fail "$name can write to its root"
        fi
    done
    echo "ok: no container runs as root, keeps capabilities or writes to its root (but Grafana)"
}

# ask PROMQL: the value of the first sample.
ask() {
    curl -sf --get http://127.0.0.1:9090/api/v1/query --data-urlencode "query=$1" |
        sed -n 's/.*"value":\[[^,]*,"\([^"]*\)".*/\1/p'
}

is_value() { [[ $(ask "$1") == "$2" ]]; }

# The shipped routes, waits and inhibitions; each receiver is the webhook here, under its own name.
alertmanager_config() {
    /usr/bin/python3 -c '
import sys, yaml
shipped = yaml.safe_load(open("alerting/alertmanager.yml"))
receivers = [{"name": r["name"], "webhook_configs": [{"url": sys.argv[1] + "?" + r["name"]}]} for r in shipped["receivers"]]
kept = {key: shipped[key] for key in ("route", "inhibit_rules", "time_intervals") if key in shipped}
print(yaml.safe_dump({**kept, "receivers": receivers}))
' "$HOOK" >"$ALERTMANAGER_CONFIG" || fail "read alerting/alertmanager.yml"
}

stack_comes_up() {
    echo "== docker-compose --profile monitoring up -d"
    alertmanager_config
    docker-compose --profile monitoring up -d >"$work/up.log" 2>&1 || {
        cat "$work/up.log" >&2
        fail "up"
    }
    within 90 "every healthcheck is green" all_healthy
    none_runs_as_root
    within 20 "Prometheus scrapes loadgate" is_value 'up{job="loadgate"}' 1
    within 20 "Prometheus scrapes the target" is_value 'max(backend_loop_hz) > bool 90' 1
    local files groups
    files=$(cat alerting/rules/*.yml | grep -c '^  - name:')
    groups=$(curl -sf http://127.0.0.1:9090/api/v1/rules | grep -o '"file":' | wc -l)
    ((groups == files)) || fail "Prometheus has $groups groups of rules, alerting/rules has $files"
    echo "ok: Prometheus has all $groups groups of rules"
    within 20 "no rule fails" is_value 'sum(prometheus_rule_evaluation_failures_total)' 0
}

# run_of SERVICE VARIABLE=VALUE…: what the service says and what it exits with.
run_of() {
    local service=$1 status=0
    shift
    env "$@" docker-compose run --rm -T "$service" >"$work/run.log" 2>&1 || status=$?
    echo "$status"
}

runs_pass() {
    echo "== runs"
    # As the documents spell it: `up` of a profile; the container's exit code is the verdict.
    VUS=10 DURATION=5s docker-compose --profile load-test up k6-websocket-streaming >"$work/run.log" 2>&1 || true
    local code
    code=$(docker inspect -f '{{.State.ExitCode}}' "$(docker-compose --profile load-test ps -q k6-websocket-streaming)")
    [[ $code == 0 ]] || { cat "$work/run.log" >&2; fail "load-test exits with $code"; }
    grep -q '/5s), 10/15 VUs' "$work/run.log" || { cat "$work/run.log" >&2; fail "VUS and DURATION arrive"; }
    echo "ok: load-test passes with VUS=10 DURATION=5s, exit code 0"
    code=$(run_of k6-health-check DURATION=3s)
    [[ $code == 0 ]] || { cat "$work/run.log" >&2; fail "health exits with $code"; }
    echo "ok: health passes, exit code 0"
    code=$(run_of k6-comprehensive DURATION=5s VUS=5)
    [[ $code == 0 ]] || { cat "$work/run.log" >&2; fail "comprehensive exits with $code"; }
    echo "ok: comprehensive passes, exit code 0"
    within 20 "Prometheus has seen who passed" is_value 'loadgate_last_verdict{test="chat-streaming",verdict="passed"}' 1
    code=$(run_of k6-health-check DURATION=3s BASE_URL=http://elsewhere.example)
    if [[ $code == 0 || $code == 99 ]] || ! grep -q 'elsewhere.example' "$work/run.log"; then
        cat "$work/run.log" >&2
        fail "load to a host that is not allowed is refused"
    fi
    echo "ok: load to a host that config/compose.yml does not allow is refused (exit code $code)"
}

notified() { docker-compose --profile monitoring exec -T receiver cat /tmp/notifications; }

# is_told ALERT TESTID-FREE-TEXT…: whether a notification names all of these.
is_told() {
    local what line
    while read -r line; do
        for what in "$@"; do
            [[ $line == *"$what"* ]] || continue 2
        done
        return 0
    done < <(notified)
    return 1
}

failing_run_is_told() {
    echo "== a run against a loop that is too slow"
    curl -sf -d '{"fault":"slow-loop","value":"60"}' http://127.0.0.1:4000/faults >/dev/null || fail "set the fault"
    local code
    code=$(run_of k6-websocket-streaming VUS=10 DURATION=15s)
    [[ $code == 99 ]] || { cat "$work/run.log" >&2; fail "load-test exits with $code, expected 99"; }
    grep -q 'verdict: FAILED' "$work/run.log" || fail "the verdict is said"
    echo "ok: load-test exits with 99: $(grep 'verdict:' "$work/run.log")"
    within 60 "RunFailed reaches the webhook" is_told '"status":"firing"' '"alertname":"RunFailed"' '"test":"chat-streaming"'
    within 60 "so does ThresholdCrossed, for hz" is_told '"alertname":"ThresholdCrossed"' '"metric":"hz"'
    within 60 "so does BackendHzLow" is_told '"alertname":"BackendHzLow"'
    curl -sf -X DELETE http://127.0.0.1:4000/faults >/dev/null || fail "clear the fault"
}

stack_goes_down() {
    echo "== docker-compose down -v"
    docker-compose --profile monitoring down -v --remove-orphans >"$work/down.log" 2>&1 || {
        cat "$work/down.log" >&2
        fail "down"
    }
    local left port
    left=$(docker ps -aq && docker volume ls -q && docker network ls -q --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME")
    [[ -z $left ]] || fail "down leaves $left"
    for port in "${PORTS[@]}"; do
        if (exec 4<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then fail "port $port is still taken"; fi
    done
    echo "ok: no container, volume, network or port is left"
}
