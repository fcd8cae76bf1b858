# shellcheck shell=bash
# The steps of run.sh, in order; each ends the test where something is not as it should be.
: "${work:?}" "${cache:?}" "${binary:?}"

# Where Alertmanager sends, in the network of the stack.
readonly HOOK=http://webhook:8080/cgi-bin/hook
readonly PORTS=(4000 5665 9090 9093 3001)
# What a busy machine did not let us see.
not_seen=()
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
    build loadgate-test/webhook tests/compose/webhook.sh <<'D'
FROM debian:bookworm-slim
COPY webhook.sh /srv/cgi-bin/hook
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
            secrets:"exited 0 " | webhook:"running 0 " | k6-*:exited*) ;;
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

stack_comes_up() {
    echo "== scripts/run-slo-testing.sh start-monitoring"
    # The shipped file; only where its webhook listens is the test's.
    sed "s|http://webhook:8080/|$HOOK?|" alerting/alertmanager.yml >"$ALERTMANAGER_CONFIG"
    scripts/run-slo-testing.sh start-monitoring >"$work/up.log" 2>&1 || {
        cat "$work/up.log" >&2
        fail "start-monitoring"
    }
    grep -q "^Grafana  *http://localhost:3001/d/loadgate-slo" "$work/up.log" || fail "start-monitoring says where Grafana is"
    within 60 "every healthcheck is green" all_healthy
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

# status PATH [TOKEN]: what loadgate answers to a request from this machine.
status() {
    curl -s -o "$work/answer" -w '%{http_code}' ${2:+-H "Authorization: Bearer $2"} "http://localhost:5665$1"
}

page_asks_for_a_token() {
    local token query
    token=$(docker-compose exec -T loadgate cat /run/loadgate/token)
    query=$(docker-compose --profile monitoring exec -T grafana cat /run/grafana/query-token)
    [[ $(status /) == 200 ]] || fail "the page is at localhost:5665"
    grep -qi '<!doctype html>' "$work/answer" || fail "the page is a page"
    [[ $(status /api/v1/runs) == 401 ]] || fail "runs are shown without a token"
    [[ $(status /api/v1/runs "$token") == 200 ]] || fail "the token of \`make token\` opens the page"
    [[ $(status '/api/v1/query?query=1' "$query") == 200 ]] || fail "Grafana's token can query"
    [[ $(status "/api/v1/runs/none/stop" "$query") != 200 ]] || fail "Grafana's token can do more"
    echo "ok: the page is at localhost:5665, and asks for the token"
}

# run_of SERVICE VARIABLE=VALUE…: whatever the verdict, the exit code says the same.
run_of() {
    local service=$1
    shift
    code=0
    env "$@" docker-compose run --rm -T "$service" >"$work/run.log" 2>&1 || code=$?
    exit_code_is_the_verdict "$service ($*)"
}

exit_code_is_the_verdict() {
    local said="(exit $code)"
    if [[ $code == 0 ]]; then said=PASSED; fi
    if ! grep 'verdict: ' "$work/run.log" | grep -qF "$said"; then
        cat "$work/run.log" >&2
        fail "$1 exits with $code"
    fi
    echo "ok: $1 exits with $code: $(grep -o 'verdict: .*' "$work/run.log")"
}

# passes COMMAND…: a run that passes. Where this machine has no time for target and generator it is rightly inconclusive or
# failed: it is asked again, a few times, and then it is said that a pass was not seen.
passes() {
    local _
    for _ in 1 2 3; do
        "$@"
        case $code in
            0) return ;;
            97 | 98 | 99) ;;
            *) fail "$* ends with $code" ;;
        esac
    done
    not_seen+=("$* that passes (load average $(cut -d' ' -f1-3 /proc/loadavg))")
}

# By the verb that people use; what the run leaves is theirs.
run_by_script() {
    code=0
    rm -rf "$RESULTS"
    DURATION=3s scripts/run-slo-testing.sh run-health >"$work/run.log" 2>&1 || code=$?
    exit_code_is_the_verdict "scripts/run-slo-testing.sh run-health"
    grep -q '"verdict": *"' "$RESULTS"/health-*.json || fail "run-health keeps the summary"
    grep -q 'verdict: ' "$RESULTS"/health-*.log || fail "run-health keeps what was said"
    grep -qi '^<!doctype html>' "$RESULTS"/health-*.html || fail "run-health keeps the report"
    echo "ok: it keeps $(cd "$RESULTS" && echo health-*)"
}

runs_end_as_they_say() {
    echo "== runs"
    passes run_of k6-websocket-streaming VUS=10 DURATION=5s
    grep -q '/5s), .*/15 VUs' "$work/run.log" || fail "VUS and DURATION arrive"
    passes run_by_script
    run_of k6-comprehensive DURATION=5s VUS=5
    # What `up` itself returns says nothing, the container's exit code does.
    DURATION=3s docker-compose --profile health up k6-health-check >"$work/run.log" 2>&1 || true
    code=$(sed -n 's/.*k6-health-check_1 exited with code //p' "$work/run.log")
    exit_code_is_the_verdict "docker-compose --profile health up k6-health-check"
    within 20 "Prometheus has seen the verdict" is_value 'sum(loadgate_last_verdict{test="chat-streaming"})' 1
    docker-compose kill -s HUP loadgate >/dev/null 2>&1
    within 20 "SIGHUP reloads the configuration" is_value 'changes(loadgate_config_last_reload_success_timestamp_seconds[2m]) > bool 0' 1
    code=0
    BASE_URL=http://elsewhere.example docker-compose run --rm -T k6-health-check >"$work/run.log" 2>&1 || code=$?
    if [[ $code != 104 ]] || ! grep 'elsewhere.example' "$work/run.log"; then
        cat "$work/run.log" >&2
        fail "load to a host that config/compose.yml does not allow is refused"
    fi
    echo "ok: load to a host that config/compose.yml does not allow is refused, exit code 104"
}

# Prometheus judges beside the daemon: it is reached, it has the rules, and it sees the final values.
prometheus_judges() {
    echo "== LOADGATE_CONFIG=config/compose-judged.yml"
    export LOADGATE_CONFIG=config/compose-judged.yml
    docker-compose up -d loadgate >"$work/up.log" 2>&1 || fail "up with another configuration"
    within 60 "loadgate is healthy again" all_healthy
    passes run_of k6-health-check DURATION=5s
    unset LOADGATE_CONFIG
}

notified() { docker-compose --profile monitoring exec -T webhook cat /tmp/notifications; }

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
    run_of k6-websocket-streaming VUS=10 DURATION=15s
    [[ $code == 99 ]] || fail "load-test exits with $code, expected 99"
    grep 'verdict: FAILED.*hz' "$work/run.log" || fail "the verdict names hz"
    within 60 "RunFailed reaches who is on call" is_told 'on-call ' '"status":"firing"' '"alertname":"RunFailed"' '"test":"chat-streaming"'
    within 60 "so does ThresholdCrossed, for hz" is_told '"alertname":"ThresholdCrossed"' '"metric":"hz"'
    within 60 "so does BackendHzLow" is_told '"alertname":"BackendHzLow"'
    curl -sf -X DELETE http://127.0.0.1:4000/faults >/dev/null || fail "clear the fault"
}

# What `docker` publishes is freed by `down`; a port that another holds is named, and makes stop-monitoring fail.
stack_goes_down() {
    echo "== scripts/run-slo-testing.sh stop-monitoring -v"
    scripts/run-slo-testing.sh stop-monitoring -v >"$work/down.log" 2>&1 || {
        cat "$work/down.log" >&2
        fail "stop-monitoring"
    }
    [[ $(grep -c '^free: port' "$work/down.log") == "${#PORTS[@]}" ]] || fail "stop-monitoring says which ports are free"
    local left port
    left=$(docker ps -aq && docker volume ls -q && docker network ls -q --filter "label=com.docker.compose.project=$COMPOSE_PROJECT_NAME")
    [[ -z $left ]] || fail "down leaves $left"
    for port in "${PORTS[@]}"; do
        if (exec 4<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then fail "port $port is still taken"; fi
    done
    echo "ok: no container, volume, network or port is left"
    "$binary" target --listen 127.0.0.1:3001 >/dev/null 2>&1 &
    local other=$!
    within 10 "somebody else takes port 3001" curl -sf http://127.0.0.1:3001/health
    if scripts/run-slo-testing.sh start-monitoring >"$work/up.log" 2>&1; then fail "start-monitoring with a port that is taken"; fi
    grep "port 3001, for grafana, is taken by" "$work/up.log" || fail "start-monitoring says which port is taken"
    if scripts/run-slo-testing.sh stop-monitoring >"$work/down.log" 2>&1; then fail "stop-monitoring with a port that is not free"; fi
    grep "port 3001 (grafana) is still taken by" "$work/down.log" || fail "stop-monitoring says which port is not free"
    kill "$other"
}
