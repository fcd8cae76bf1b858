//! The program from outside: exit codes, verdicts, signals, flags, what it writes.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener};
use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

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
            "thresholds: {'http_req_duration{name:/other}': ['p(95)<20s']}",
            users,
            "50ms",
            "no sample of `http_req_duration` has these tags (name is one of: /health)",
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
    assert_eq!(well.requests(), 1);
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

/// Asks until `holds`; a run that never gets there fails the test.
fn wait_until(mut holds: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < patience, "waited in vain");
        std::thread::sleep(Duration::from_millis(10));
    }
}

fn send(child: &Child, signal: Signal) {
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), signal).unwrap();
}

#[test]
fn a_signal_stops_the_run_with_105_and_summary_and_export_are_still_written() {
    for (signal, name) in [(Signal::INT, "SIGINT"), (Signal::TERM, "SIGTERM")] {
        let server = HttpServer::start(|_| async { reply(500, "") });
        // Crossed, but whoever stops a run knows better.
        let rest = "thresholds: {http_req_failed: [rate<0.01]}";
        let text = plan_of(&server.url(), rest, "executor: constant-vus, vus: 2, duration: 1h", "50ms");
        let (mut command, folder) = loadgate_run(&text, &[]);
        let child = command.spawn().unwrap();
        wait_until(|| server.requests() > 4);
        send(&child, signal);
        let ended = Ended::of(child.wait_with_output().unwrap(), folder);
        let headline = format!("verdict: STOPPED (exit 105): signal {name}\n");
        ended.check(105, &[&headline, "✗ http_req_failed rate<0.01: rate=100.00%"]);
        assert!(ended.stdout.contains("2 interrupted iterations"), "{}", ended.stdout);
        let export = ended.export();
        assert_eq!((&export["verdict"], &export["exit_code"]), (&json!("stopped"), &json!(105)));
        assert_eq!(export["ended_by"], format!("signal {name}"));
        assert!(export["metrics"]["http_reqs"]["values"]["count"].as_u64().unwrap() > 0);
    }
}

#[test]
fn a_signal_during_preflight_stops_it_too() {
    let server = HttpServer::start(|_| async {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        Vec::new()
    });
    let preflight = format!("preflight: [{{http: {{url: '{}/health', wait_for: 1h}}}}]", server.url());
    let (mut command, folder) = loadgate_run(&plan(&server.url(), &preflight), &[]);
    let child = command.spawn().unwrap();
    wait_until(|| server.requests() > 0);
    send(&child, Signal::INT);
    Ended::of(child.wait_with_output().unwrap(), folder)
        .check(105, &["verdict: STOPPED (exit 105): signal SIGINT"]);
    assert_eq!(server.requests(), 1, "no load");
}

#[test]
fn the_summary_export_holds_the_verdict_every_gate_and_every_metric() {
    let target = demo_target(&[]);
    let rest = "metrics: {mine: {type: counter}, unused: {type: trend, time: true}}\n\
                thresholds: {http_reqs: [count>=2], 'http_req_duration{name:/health}': ['p(95)<20s'], \
                'http_req_duration{name:/x}': ['avg<1s'], http_req_waiting: ['max<1ns']}";
    let ended = Ended::run(&plan(&target.http(), rest), &["--testid", "run-7"]);
    ended.check(99, &["http_req_waiting max<1ns"]);
    let export = ended.export();
    let field = |name: &str| export[name].clone();
    assert_eq!(
        [field("testid"), field("test"), field("verdict"), field("exit_code")],
        [json!("run-7"), json!("e2e"), json!("failed"), json!(99)]
    );
    let gates = export["gates"].as_array().unwrap();
    let found: Vec<(&str, &str, &str)> = gates
        .iter()
        .map(|gate| {
            let text = |name: &str| gate[name].as_str().unwrap();
            (text("metric"), text("threshold"), text("outcome"))
        })
        .collect();
    let expected = [
        ("http_reqs", "count>=2", "held"),
        ("http_req_duration{name:/health}", "p(95)<20s", "held"),
        ("http_req_duration{name:/x}", "avg<1s", "no_data"),
        ("http_req_waiting", "max<1ns", "crossed"),
    ];
    assert_eq!(found, expected);
    assert_eq!(
        (&gates[0]["limit"], &gates[1]["limit"], &gates[1]["unit"]),
        (&json!(2), &json!(20_000), &json!("ms"))
    );
    assert_eq!((&gates[2]["value"], gates[3]["value"].is_number()), (&Value::Null, true));
    let metrics = export["metrics"].as_object().unwrap();
    let requests = metrics["http_reqs"]["values"]["count"].as_u64().unwrap();
    assert_eq!(metrics["iterations"]["values"]["count"], requests);
    assert_eq!(metrics["checks"]["values"]["passes"], requests);
    assert_eq!(metrics["http_req_duration"]["values"]["count"], requests);
    assert_eq!(metrics["mine"]["values"]["count"], 0);
    assert_eq!(metrics["http_req_waiting"]["thresholds"]["max<1ns"]["ok"], false);
    for name in ["http_req_blocked", "iteration_duration", "data_sent", "data_received", "vus", "vus_max"] {
        assert!(metrics.contains_key(name), "{name} is missing");
    }
    assert_eq!(export["checks"][0]["name"], "healthy");
    assert_eq!(export["scenarios"][0]["iterations_completed"], requests);
    let files: Vec<_> =
        std::fs::read_dir(ended.folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    assert_eq!(files.len(), 2, "something was left beside the export: {files:?}");
}

#[test]
fn an_export_that_cannot_be_written_does_not_hide_the_verdict() {
    let target = demo_target(&[]);
    let (_, folder) = loadgate_run(&plan(&target.http(), ""), &[]);
    let mut command = loadgate();
    command.arg("run").arg(folder.path().join("plan.yml"));
    command.arg("--summary-export").arg("/dev/full");
    let ended = Ended::of(command.output().unwrap(), folder);
    ended.check(1, &["verdict: PASSED"]);
    assert!(ended.stderr.contains("error: failed to write /dev/full"), "{}", ended.stderr);
}

#[test]
fn an_export_that_can_never_be_written_sends_no_load() {
    let (_, folder) = loadgate_run(&plan("http://127.0.0.1:1", ""), &[]);
    let mut command = loadgate();
    command.arg("run").arg(folder.path().join("plan.yml"));
    command.arg("--summary-export").arg(folder.path().join("no/such/folder.json"));
    let ended = Ended::of(command.output().unwrap(), folder);
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{}", ended.stderr);
    assert!(ended.stderr.contains("error: failed to write "), "{}", ended.stderr);
}

#[test]
fn an_export_into_a_pipe_is_written_into_it() {
    let target = demo_target(&[]);
    let (_, folder) = loadgate_run(&plan(&target.http(), ""), &[]);
    let mut command = loadgate();
    command.arg("run").arg(folder.path().join("plan.yml")).args([
        "--quiet",
        "--summary-export",
        "/dev/stdout",
    ]);
    let ended = Ended::of(command.output().unwrap(), folder);
    ended.check(0, &["verdict: PASSED"]);
    assert!(ended.stdout.trim_end().ends_with('}'), "no JSON after the summary:\n{}", ended.stdout);
}

#[test]
fn to_linger_without_a_listener_is_a_wrong_command_line() {
    Ended::run(&plan("http://127.0.0.1:1", ""), &["--linger", "5s"]).check(2, &[]);
}

#[test]
fn the_summary_says_why_requests_failed() {
    let ended = Ended::run(&plan("http://127.0.0.1:1", ""), &["--quiet"]);
    let row = ended.stdout.lines().find(|line| line.contains("{ error_code:1212 }")).unwrap_or_default();
    assert!(row.ends_with("  connection refused"), "{}", ended.stdout);
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
