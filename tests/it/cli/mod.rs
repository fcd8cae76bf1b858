//! The program from outside: exit codes, verdicts, signals, flags, what it writes.

mod configs;
mod demo;
mod doctor;
mod export;
mod memory;
mod outputs;
mod proxy;
mod secrets;
mod remote;
mod segments;
mod signals;

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use self::signals::send;
use crate::stage::{Ended, HttpServer, Service, demo_target, loadgate, loadgate_run, reply};

/// Two users ask for `/health` for a second; `rest` are further keys.
fn plan(base: &str, rest: &str) -> String {
    plan_of(base, rest, "executor: constant-vus, vus: 2, duration: 1s", "50ms")
}

fn plan_of(base: &str, rest: &str, executor: &str, sleep: &str) -> String {
    format!(
        "name: e2e\n\
         scenarios:\n  \
           s:\n    \
             {}\n    \
             flow:\n      \
               - http: {{url: '{base}/health', timeout: 20s, checks: {{healthy: status == 200}}}}\n      \
               - sleep: {sleep}\n\
         {rest}\n",
        executor.replace(", ", "\n    "),
    )
}

#[test]
fn a_run_that_holds_what_it_promised_exits_with_0() {
    let target = demo_target(&[]);
    let rest =
        "thresholds: {checks: [rate==1], http_req_failed: [rate==0], http_req_duration: ['p(95)<20s']}";
    let ended = Ended::run(&plan(&target.http(), rest), &[]);
    ended.check(0, &["verdict: PASSED\n"]);
    for said in ["✓ 'rate==1' rate=100.00%", "http_reqs", "2 looping VUs"] {
        assert!(ended.stdout.contains(said), "`{said}` is not in:\n{}", ended.stdout);
    }
}

#[test]
fn a_crossed_threshold_exits_with_99_also_beside_doubts() {
    let target = demo_target(&["errors=1"]);
    let rest =
        "thresholds: {http_req_failed: ['rate<0.01'], checks: ['rate>0.99'], ws_connecting: ['p(95)<1s']}";
    let ended = Ended::run(&plan(&target.http(), rest), &[]);
    ended.check(
        99,
        &[
            "verdict: FAILED (exit 99): http_req_failed rate<0.01, checks rate>0.99",
            "? ws_connecting p(95)<1s: no data: `ws_connecting` has no sample: nothing recorded it",
        ],
    );
}

#[test]
fn what_cannot_be_judged_exits_with_98_and_says_why() {
    let target = demo_target(&[]);
    let base = target.http();
    let users = "executor: constant-vus, vus: 2, duration: 1s";
    let probe = format!(
        "scrape: [{{job: backend, url: '{base}/metrics', interval: 1s, timeout: 1s}}]\n\
         probes: {{nope: {{query: no_such_metric, interval: 100ms}}}}\n\
         thresholds: {{nope: ['avg>1']}}"
    );
    let cases = [
        (
            "thresholds: {ws_connecting: ['p(95)<1s']}",
            users,
            "50ms",
            "? ws_connecting p(95)<1s: no data: `ws_connecting` has no sample",
        ),
        (&probe, users, "50ms", "? nope avg>1: no data: the probe `nope` never had a value"),
        (
            "thresholds: {'http_req_duration{expected_response:false}': ['p(95)<20s']}",
            users,
            "50ms",
            "no sample of `http_req_duration` has these tags; looked for k6_http_req_duration_seconds_count{test=\"e2e\",expected_response=\"false\"}; nearest: expected_response:true",
        ),
        (
            "",
            "executor: constant-vus, vus: 2, duration: 1s, graceful_stop: 0s",
            "1h",
            "! no iteration was completed",
        ),
        (
            "",
            "executor: constant-arrival-rate, rate: 20, duration: 1s, pre_allocated_vus: 1, graceful_stop: 0s",
            "800ms",
            "iterations were dropped, more than limits.max_dropped (0.1%): raise max_vus, or ask for less",
        ),
    ];
    std::thread::scope(|scope| {
        for (rest, executor, sleep, said) in cases {
            let text = plan_of(&base, rest, executor, sleep);
            scope.spawn(move || {
                let ended = Ended::run(&text, &[]);
                ended.check(98, &["verdict: INCONCLUSIVE (exit 98): ", said]);
                let export = ended.export();
                assert_eq!((&export["verdict"], &export["exit_code"]), (&json!("inconclusive"), &json!(98)));
            });
        }
    });
}

#[test]
fn a_failed_preflight_exits_with_97_and_sends_no_load() {
    let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let sick = demo_target(&["unhealthy"]);
    let well = HttpServer::start(|_| async { reply(200, r#"{"status":"starting"}"#) });
    for (base, checks, said) in [
        (format!("http://{nobody}"), "", "connection refused (error code 1212)"),
        (sick.http(), "", "status 503"),
        (sick.http(), "checks: {healthy: status == 200}", "check `healthy` failed (status 503)"),
        (well.url(), "checks: {ok: json.status == 'ok'}", "check `ok` failed (status 200)"),
        (well.url(), "capture: {id: json.id}", "/pre: `json.id` is undefined"),
    ] {
        let preflight = format!("preflight:\n  - http:\n      url: {base}/pre\n      {checks}");
        let preflight = preflight.replace("/pre", if base == sick.http() { "/health" } else { "/pre" });
        let ended = Ended::run(&plan(&base, &preflight), &[]);
        ended.check(97, &["verdict: PREFLIGHT FAILED (exit 97): no load was sent: ", said]);
        let export = ended.export();
        assert_eq!(export["verdict"], "preflight_failed");
        assert_eq!(export["metrics"]["http_reqs"]["values"]["count"], 0);
    }
    assert!(well.asked().iter().all(|asked| asked.path == "/pre"), "load was sent");
    assert_eq!(well.requests(), 2);
}

#[test]
fn preflight_waits_for_a_target_that_comes_up_late() {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let preflight = format!("preflight: [{{http: {{url: 'http://{address}/health', wait_for: 60s}}}}]");
    let (mut command, folder) = loadgate_run(&plan(&format!("http://{address}"), &preflight), &[]);
    let child = command.spawn().unwrap();
    // Long enough for a first try to be refused; should it not be, the test still holds.
    std::thread::sleep(Duration::from_millis(300));
    let _target = demo_target_at(address);
    Ended::of(child.wait_with_output().unwrap(), folder).check(0, &["verdict: PASSED"]);
}

#[test]
fn who_waits_for_preflight_is_told_for_what_and_why() {
    let server =
        HttpServer::start(|asked| async move { reply(if asked.number < 4 { 503 } else { 200 }, "") });
    let preflight = format!("preflight: [{{http: {{url: '{}/health', wait_for: 60s}}}}]", server.url());
    let ended = Ended::run(&plan(&server.url(), &preflight), &[]);
    ended.check(0, &["verdict: PASSED"]);
    let told = format!("preflight: waiting for GET {}/health: status 503 (", server.url());
    assert!(ended.stderr.contains(&told) && ended.stderr.contains(" of 1m)\n"), "{}", ended.stderr);
}

#[test]
fn as_json_each_line_of_progress_and_log_is_an_object() {
    let server = HttpServer::start(|_| async { reply(200, "") });
    let text = plan(&server.url(), "setup: [{log: 'once {{ vu }}'}]");
    let ended = Ended::run(&text, &["--log-format", "json"]);
    ended.check(0, &["verdict: PASSED"]);
    let lines: Vec<Value> = ended
        .stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    let metrics = lines.iter().rfind(|line| line["msg"] == "metrics").unwrap();
    let keys: Vec<&str> = metrics.as_object().unwrap().keys().map(String::as_str).collect();
    let expected = ["avg_latency_ms", "bytes_sent_mb", "errors", "level", "msg", "published", "rate_per_sec"];
    let mut sorted = keys.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, expected);
    assert_eq!((&metrics["published"], &metrics["errors"]), (&json!(server.requests()), &json!(0)));
    assert!(metrics["avg_latency_ms"].as_f64().unwrap() > 0.0 && metrics["level"] == "INFO", "{metrics}");
    assert!(lines.iter().any(|line| line["msg"] == "once 1"), "{}", ended.stderr);
}

fn demo_target_at(address: SocketAddr) -> Service {
    Service::start_at(address, |listener, stop| async move {
        let stopped = async {
            let _dropped = stop.await;
        };
        loadgate::target::serve(listener, loadgate::target::TargetConfig::default(), stopped).await.unwrap();
    })
}

#[test]
fn a_plan_that_cannot_be_read_exits_with_104_and_sends_nothing() {
    let server = HttpServer::start(|_| async { reply(200, "") });
    let good = plan(&server.url(), "vars: {NEEDED: null}");
    for (text, arguments, said) in [
        ("name: e2e\nscenarios: {}\n".to_owned(), &[][..], "plan.yml:2:"),
        (plan(&server.url(), "bogus: 1"), &[], "unknown key `bogus`"),
        (plan(&server.url(), "thresholds: {http_reqz: [count>1]}"), &[], "nearest: http_reqs"),
        (good.clone(), &[], "NEEDED"),
        (good.clone(), &["-e", "NEEDED=1", "-e", "OTHER=1"], "OTHER"),
        (good.clone(), &["-e", "NEEDED=1", "--profile", "nope"], "nope"),
    ] {
        let ended = Ended::run(&text, arguments);
        assert_eq!(ended.code, 104, "{}\n{}", ended.stdout, ended.stderr);
        assert!(ended.stderr.contains(said), "`{said}` is not in:\n{}", ended.stderr);
        assert!(!ended.file("summary.json").exists());
    }
    let output = loadgate().args(["run", "no/such/plan.yml"]).output().unwrap();
    assert_eq!(output.status.code(), Some(104));
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("failed to read the plan no/such/plan.yml: No such file"), "{said}");
    assert_eq!(server.requests(), 0);
}

#[test]
fn a_machine_without_descriptors_left_is_our_fault_and_not_the_targets() {
    let server = HttpServer::start(|_| async { reply(200, "") });
    let text = plan_of(
        &server.url(),
        "thresholds: {http_reqs: [count>0]}",
        "executor: constant-vus, vus: 200, duration: 1s",
        "500ms",
    );
    let (run, folder) = loadgate_run(&text, &[]);
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "ulimit -n 64 && exec \"$@\"", "sh"]).arg(run.get_program()).args(run.get_args());
    let ended = Ended::of(limited.output().unwrap(), folder);
    ended.check(
        98,
        &["exchanges failed because this machine had no descriptor or port left: raise `ulimit -n`"],
    );
}

#[test]
fn variables_come_from_flag_profile_environment_and_file_in_this_order() {
    let server = HttpServer::start(|_| async { reply(200, "") });
    let text = format!(
        "name: e2e\n\
         vars: {{A: file, B: file, C: file, D: file}}\n\
         default_profile: usual\n\
         profiles: {{usual: {{vars: {{D: usual}}}}, odd: {{vars: {{A: odd, B: odd}}}}}}\n\
         scenarios: {{s: {{executor: constant-vus, duration: 1s, flow: [\
           {{http: {{url: '{}/${{A}}/${{B}}/${{C}}/${{D}}'}}}}, {{sleep: 300ms}}]}}}}\n",
        server.url()
    );
    for (arguments, environment, path) in [
        (&["--profile", "odd", "-e", "A=flag"][..], &[("B", "env"), ("C", "env")][..], "/flag/odd/env/file"),
        (&["--env", "A=flag"], &[], "/flag/file/file/usual"),
        (&["--env", "A=a;b=c"], &[], "/a;b=c/file/file/usual"),
        (&[], &[("LOADGATE_PROFILE", "odd"), ("LOADGATE_ENV", "C=1;D=2")], "/odd/odd/1/2"),
    ] {
        let before = server.asked().len();
        let (mut command, folder) = loadgate_run(&text, arguments);
        for name in ["A", "B", "C", "D"] {
            command.env_remove(name);
        }
        command.envs(environment.iter().copied());
        Ended::of(command.output().unwrap(), folder).check(0, &["verdict: PASSED"]);
        let asked = server.asked();
        assert!(asked.len() > before);
        assert!(
            asked[before..].iter().all(|asked| asked.path == path),
            "{:?} instead of {path}",
            asked[before].path
        );
    }
}

#[test]
fn an_address_that_is_taken_is_refused_before_load_is_sent() {
    let server = HttpServer::start(|_| async { reply(200, "") });
    let ended = Ended::run(&plan(&server.url(), ""), &["--listen", &server.address().to_string()]);
    assert_eq!(ended.code, 1);
    assert!(
        ended.stderr.contains(&format!("error: failed to listen on {}", server.address())),
        "{}",
        ended.stderr
    );
    assert_eq!(server.requests(), 0);
}

#[test]
fn tags_that_prometheus_or_we_set_are_refused() {
    for name in ["job", "instance", "testid", "test", "le", "quantile", "__x", "a-b"] {
        let ended = Ended::run(&plan("http://127.0.0.1:1", ""), &["--tag", &format!("{name}=x")]);
        assert_eq!(ended.code, 2, "{name}: {}", ended.stderr);
        assert!(ended.stderr.contains(name), "{}", ended.stderr);
    }
}

#[test]
fn check_names_what_a_good_plan_does_and_every_error_of_a_bad_one() {
    let (_, folder) = loadgate_run(&plan("http://127.0.0.1:1", ""), &[]);
    let (_, bad) = loadgate_run(&plan("http://127.0.0.1:1", "bogus: 1\nthresholds: {nope: [count>1]}"), &[]);
    let file = |folder: &tempfile::TempDir| folder.path().join("plan.yml");
    let good = loadgate().arg("check").arg(file(&folder)).output().unwrap();
    let said = String::from_utf8(good.stdout).unwrap();
    assert_eq!(good.status.code(), Some(0));
    assert!(said.contains("plan.yml: ok\n  * s: 2 looping VUs for 1s"), "{said}");
    let both = loadgate().arg("check").args([file(&bad), file(&folder)]).output().unwrap();
    let (said, good) = (String::from_utf8(both.stderr).unwrap(), String::from_utf8(both.stdout).unwrap());
    assert_eq!(both.status.code(), Some(104));
    assert!(said.contains("unknown key `bogus`"), "{said}");
    assert!(good.contains("plan.yml: ok"), "{good}");
}

#[test]
fn the_demo_with_a_fault_shows_a_gate_firing() {
    let arguments = ["demo", "--vus", "3", "--duration", "1s", "--fault", "slow-loop=30"];
    let output = loadgate().args(arguments).output().unwrap();
    let (stdout, stderr) =
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
    assert_eq!(output.status.code(), Some(99), "{stdout}{stderr}");
    assert!(stdout.contains("✗ hz min>90: min="), "{stdout}");
    assert!(stderr.contains("demo target on http://127.0.0.1:"), "{stderr}");
}

#[test]
fn the_target_serves_until_it_is_told_to_end() {
    let mut command = loadgate();
    let mut child =
        command.args(["target", "--listen", "127.0.0.1:0", "--fault", "unhealthy"]).spawn().unwrap();
    let mut said = String::new();
    BufReader::new(child.stderr.take().unwrap()).read_line(&mut said).unwrap();
    let address = said.strip_prefix("demo target on ").and_then(|rest| rest.split(' ').next()).unwrap();
    Ended::run(&plan(address, "thresholds: {'http_reqs{status:503}': [count<1]}"), &[])
        .check(99, &["http_reqs{status:503}"]);
    send(&child, Signal::TERM);
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn the_schema_is_json() {
    let output = loadgate().args(["schema", "plan"]).output().unwrap();
    assert_eq!(output.status.code(), Some(0));
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(schema.is_object() && schema.to_string().contains("constant-arrival-rate"));
}
