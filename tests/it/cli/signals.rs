//! Signals: a run that is stopped still says what it saw.

use std::process::Child;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use super::{plan, plan_of};
use crate::stage::{Ended, HttpServer, loadgate_run, reply};

/// Asks until `holds`; a run that never gets there fails the test.
pub(super) fn wait_until(mut holds: impl FnMut() -> bool) {
    let patience = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < patience, "waited in vain");
        std::thread::sleep(Duration::from_millis(10));
    }
}

pub(super) fn send(child: &Child, signal: Signal) {
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
fn a_second_signal_ends_a_run_that_takes_its_time_to_end() {
    let backend = HttpServer::start(|_| async { reply(200, "") });
    let silent = HttpServer::start(|_| async {
        tokio::time::sleep(Duration::from_secs(3600)).await;
        Vec::new()
    });
    // The last look at this target takes an hour.
    let rest =
        format!("scrape: [{{job: silent, url: '{}/metrics', interval: 1h, timeout: 1h}}]", silent.url());
    let text = plan_of(&backend.url(), &rest, "executor: constant-vus, vus: 2, duration: 1h", "50ms");
    let (mut command, _folder) = loadgate_run(&text, &[]);
    let mut child = command.spawn().unwrap();
    wait_until(|| backend.requests() > 2 && silent.requests() == 1);
    send(&child, Signal::INT);
    wait_until(|| silent.requests() == 2);
    assert!(child.try_wait().unwrap().is_none(), "it did not wait for the last look");
    send(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(105));
}

#[test]
fn iterations_that_never_wait_can_be_stopped_and_end_in_time() {
    let text = |duration: &str, flow: &str| {
        format!(
            "name: e2e\n\
             scenarios: {{s: {{executor: constant-vus, vus: 3, duration: {duration}, graceful_stop: 0s, flow: [{flow}]}}}}\n"
        )
    };
    Ended::run(&text("1s", "{set: {a: '1'}}"), &[]).check(0, &["verdict: PASSED"]);
    let ended = Ended::run(&text("1s", "{repeat: {times: 1000000000, flow: [{set: {a: '1'}}]}}"), &[]);
    ended.check(98, &["no iteration was completed"]);
    assert!(ended.stdout.contains("3 interrupted iterations"), "{}", ended.stdout);
    let server = HttpServer::start(|_| async { reply(200, "") });
    let flow = format!(
        "{{http: {{url: '{}/'}}}}, {{repeat: {{while: vu > 0, flow: [{{set: {{a: '1'}}}}]}}}}",
        server.url()
    );
    let (mut command, folder) = loadgate_run(&text("1h", &flow), &[]);
    let child = command.spawn().unwrap();
    wait_until(|| server.requests() == 3);
    send(&child, Signal::INT);
    Ended::of(child.wait_with_output().unwrap(), folder).check(105, &["verdict: STOPPED"]);
}

#[test]
fn a_stopped_run_is_cleaned_up_after_and_a_second_signal_ends_that_too() {
    let slow = |path: &str| if path == "/slow" { 3600 } else { 0 };
    let server = HttpServer::start(move |asked| async move {
        tokio::time::sleep(Duration::from_secs(slow(&asked.path))).await;
        reply(200, r#"{"id": 7}"#)
    });
    let asked = |path: &str| server.asked().iter().any(|asked| asked.path == path);
    let rest = format!(
        "setup: [{{http: {{url: '{0}/init', capture: {{id: json.id}}}}}}]\n\
         teardown: [{{http: {{url: '{0}/clean/{{{{ id }}}}'}}}}, {{http: {{url: '{0}/slow', timeout: 1h}}}}]\n\
         teardown_timeout: 1h\n",
        server.url()
    );
    let text = plan_of(&server.url(), &rest, "executor: constant-vus, vus: 2, duration: 1h", "50ms");
    let (mut command, folder) = loadgate_run(&text, &[]);
    let mut child = command.spawn().unwrap();
    wait_until(|| asked("/health"));
    send(&child, Signal::INT);
    wait_until(|| asked("/clean/7") && asked("/slow"));
    assert!(child.try_wait().unwrap().is_none(), "it did not wait for the teardown");
    send(&child, Signal::INT);
    assert_eq!(child.wait().unwrap().code(), Some(105));
    drop(folder);

    let text = text.replace("/slow", "/quick");
    let (mut command, folder) = loadgate_run(&text, &[]);
    let before = server.requests();
    let child = command.spawn().unwrap();
    wait_until(|| server.requests() > before + 3);
    send(&child, Signal::TERM);
    let ended = Ended::of(child.wait_with_output().unwrap(), folder);
    ended.check(105, &["verdict: STOPPED (exit 105): signal SIGTERM\n"]);
    assert_eq!(server.asked().last().map(|asked| asked.path.clone()).as_deref(), Some("/quick"));
}
