//! Faults on a timeline: done, undone whatever happens, and what a recovery comes to.

use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::stage::{Ended, HttpServer, loadgate_run, reply};

/// A service that POST /break breaks and POST /mend mends: while it is broken it answers 500.
fn service() -> HttpServer {
    let broken = Arc::new(AtomicBool::new(false));
    HttpServer::start(move |asked| {
        let status = match asked.path.as_str() {
            "/break" => {
                broken.store(true, Ordering::SeqCst);
                200
            }
            "/mend" => {
                broken.store(false, Ordering::SeqCst);
                200
            }
            "/never" => 503,
            _ if broken.load(Ordering::SeqCst) => 500,
            _ => 200,
        };
        async move { reply(status, "") }
    })
}

fn plan(url: &str, duration: &str, chaos: &str, rest: &str) -> String {
    format!(
        "name: broken
scenarios:
  steady:
    executor: constant-vus
    vus: 1
    duration: {duration}
    flow:
      - http: {{url: {url}/load}}
      - sleep: 20ms
chaos:
{}
{rest}",
        chaos.replace("URL", url)
    )
}

const NO_ERRORS: &str = r#"'sum(increase(k6_http_req_failed_total{condition="nonzero"}[2s])) == 0'"#;

fn posts(server: &HttpServer) -> Vec<String> {
    let asked = server.asked().into_iter().filter(|asked| asked.method == "POST");
    asked.map(|asked| asked.path).collect()
}

fn gate(export: &Value) -> Value {
    let gates = export["gates"].as_array().unwrap();
    gates.iter().find(|gate| gate["kind"] == "recovery").unwrap_or(&Value::Null).clone()
}

#[test]
fn a_fault_is_done_and_undone_and_the_recovery_is_measured_from_its_end() {
    let server = service();
    let chaos = format!(
        "  - name: errors
    at: 1s
    for: 1s
    do: {{http: {{method: POST, url: URL/break}}}}
    undo: {{http: {{method: POST, url: URL/mend}}}}
    recovery: {{when: {NO_ERRORS}, stable_for: 1s, within: 5s}}"
    );
    let ended = Ended::run(&plan(&server.url(), "8s", &chaos, ""), &[]);
    ended.check(0, &[]);
    assert_eq!(posts(&server), ["/break", "/mend"]);
    let export = ended.export();
    let gate = gate(&export);
    assert_eq!(
        (&gate["fault"], &gate["outcome"], &gate["effect"]),
        (&json!("errors"), &json!("held"), &json!("none"))
    );
    let took = gate["recovery_seconds"].as_f64().unwrap();
    // The condition looks two seconds back, so it cannot hold before; it is asked once a second.
    assert!(took > 0.5 && took <= 5.0, "{took}");
    let fault = &export["faults"][0];
    let (injected, cleared) = (fault["injected_seconds"].as_f64(), fault["cleared_seconds"].as_f64());
    assert!(injected.unwrap() >= 1.0 && cleared.unwrap() >= injected.unwrap() + 1.0, "{fault}");
    assert_eq!((&fault["do"]["ok"], &fault["undo"]["ok"]), (&json!(true), &json!(true)));
    let failed = export["metrics"]["http_req_failed"]["values"]["passes"].as_u64().unwrap();
    assert!(failed > 0, "it was there");
}

#[test]
fn a_target_that_stays_broken_fails_the_run() {
    let server = service();
    let chaos = format!(
        "  - at: 500ms
    do: {{http: {{method: POST, url: URL/break}}}}
    recovery: {{when: {NO_ERRORS}, stable_for: 1s, within: 1500ms}}"
    );
    let ended = Ended::run(&plan(&server.url(), "6s", &chaos, ""), &[]);
    ended.check(99, &["FAILED (exit 99): recovery from fault-1", "later than 1.5s"]);
    assert_eq!(gate(&ended.export())["outcome"], "never");
}

#[test]
fn a_run_that_ends_before_the_recovery_is_known_is_inconclusive() {
    let server = service();
    let chaos = format!(
        "  - at: 500ms
    do: {{http: {{method: POST, url: URL/break}}}}
    recovery: {{when: {NO_ERRORS}, stable_for: 1s, within: 1h}}"
    );
    let ended = Ended::run(&plan(&server.url(), "3s", &chaos, ""), &[]);
    ended.check(98, &["no recovery is known from 1 fault", "the end came too early: not recovered"]);
}

#[test]
fn a_fault_that_lasts_is_undone_when_the_load_ends_and_when_the_run_is_stopped() {
    let server = service();
    let chaos = "  - at: 100ms
    do: {http: {method: POST, url: URL/break}}
    undo: {http: {method: POST, url: URL/mend}}";
    Ended::run(&plan(&server.url(), "1s", chaos, ""), &[]).check(0, &[]);
    assert_eq!(posts(&server), ["/break", "/mend"]);

    let server = service();
    let (mut command, folder) = loadgate_run(&plan(&server.url(), "1h", chaos, ""), &[]);
    let child = command.spawn().unwrap();
    let patience = Instant::now() + Duration::from_secs(60);
    while posts(&server).is_empty() {
        assert!(Instant::now() < patience, "it was never broken");
        std::thread::sleep(Duration::from_millis(10));
    }
    kill_process(Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap(), Signal::INT).unwrap();
    Ended::of(child.wait_with_output().unwrap(), folder).check(105, &[]);
    assert_eq!(posts(&server), ["/break", "/mend"]);
}

#[test]
fn a_fault_that_could_not_be_done_or_undone_leaves_the_run_open() {
    let server = service();
    let chaos = "  - name: wished
    at: 100ms
    do: {http: {method: POST, url: URL/never}}
    undo: {http: {method: POST, url: URL/mend}}";
    let ended = Ended::run(&plan(&server.url(), "1s", chaos, ""), &[]);
    ended.check(98, &["! fault `wished` was not there: POST", "status 503"]);
    assert_eq!(posts(&server), ["/never", "/mend"], "whoever fails half-way may have broken something");

    let server = service();
    let chaos = "  - name: kept
    at: 100ms
    for: 100ms
    do: {http: {method: POST, url: URL/break}}
    undo: {http: {method: POST, url: URL/never}}";
    let ended = Ended::run(&plan(&server.url(), "1s", chaos, ""), &[]);
    ended.check(98, &["! fault `kept` may still be there, undo it by hand: POST", "status 503"]);
    assert_eq!(posts(&server), ["/break", "/never", "/never", "/never"]);
}

#[test]
fn alerts_that_are_tolerated_do_not_fail_the_run_until_the_target_has_recovered() {
    const RULES: &str = r#"groups:
  - name: errors
    interval: 1s
    rules:
      - alert: Errors
        expr: sum by (testid) (increase(k6_http_req_failed_total{condition="nonzero"}[2s])) > 0
        labels: {gate: fail}
"#;
    for (tolerate, code) in [("[Errors]", 0), ("[]", 99)] {
        let server = service();
        let chaos = format!(
            "  - at: 1s
    for: 1s
    do: {{http: {{method: POST, url: URL/break}}}}
    undo: {{http: {{method: POST, url: URL/mend}}}}
    recovery: {{stable_for: 1s, within: 5s}}
    tolerate: {tolerate}"
        );
        let text = plan(&server.url(), "8s", &chaos, "rules: [rules.yml]\n");
        let (mut command, folder) = loadgate_run(&text, &[]);
        fs::write(folder.path().join("rules.yml"), RULES).unwrap();
        let ended = Ended::of(command.output().unwrap(), folder);
        ended.check(code, &[]);
        assert_eq!(gate(&ended.export())["outcome"], "held", "{}", ended.stdout);
    }
}

#[test]
fn a_time_can_be_measured_without_a_fault() {
    let server = service();
    let chaos = r#"  - name: warm
    at: 500ms
    recovery: {when: "sum(k6_iterations_total) > 100", stable_for: 1s, within: 1m}"#;
    let ended = Ended::run(&plan(&server.url(), "8s", chaos, ""), &[]);
    ended.check(0, &[]);
    assert!(gate(&ended.export())["recovery_seconds"].as_f64().unwrap() > 0.0);
}
