//! Runs from the queue to their record.

use std::fs;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::plans::{steady, unhurried};
use crate::stage::{Daemon, demo_target, id, write_config};

#[test]
fn a_run_goes_from_the_queue_to_its_verdict_and_is_kept() {
    let target = demo_target(&[]);
    let daemon = Daemon::start("", &[("steady", &unhurried(target.address, "2s"))]);
    let run = daemon.submit("steady");
    let ended = daemon.wait(&run, "finished");
    assert_eq!((&ended["verdict"], &ended["exit_code"]), (&json!("passed"), &json!(0)), "{ended}");
    let summary = daemon.get(&format!("/api/v1/runs/{run}/summary"));
    let count = summary["metrics"]["iterations"]["values"]["count"].as_u64().unwrap();
    assert!(count > 5, "{count}");
    let stream = daemon.ask("GET", &format!("/api/v1/runs/{run}/events"), "", &Value::Null);
    let events: Vec<&str> = stream.text().lines().filter_map(|line| line.strip_prefix("event: ")).collect();
    assert_eq!((events[0], *events.last().unwrap()), ("state", "finished"));
    let states: Vec<&str> =
        stream.text().lines().filter_map(|line| line.strip_prefix(r#"data: {"state":""#)).collect();
    let states: Vec<&str> = states.iter().filter_map(|state| state.split('"').next()).collect();
    assert_eq!(states, ["queued", "preflight", "running", "draining", "finished"]);
    let dated =
        stream.text().lines().filter(|line| line.starts_with("data: ") && line.contains("\"at\":\"20"));
    assert_eq!(dated.count(), events.len(), "each says when it happened");
    // Its final values stay for a while, and what is known of the test for good.
    let metrics = daemon.ask("GET", "/metrics", "", &Value::Null);
    let line = format!("k6_iterations_total{{scenario=\"steady\",test=\"steady\",testid=\"{run}\"}} {count}");
    assert!(metrics.text().contains(&line), "{}", metrics.text());
    assert!(metrics.text().contains("loadgate_last_verdict{test=\"steady\",verdict=\"passed\"} 1"));
    let value = daemon.get("/api/v1/query?query=sum(k6_iterations_total)");
    assert_eq!(value["data"]["result"][0]["value"][1], count.to_string());
    let (code, folder) = daemon.end();
    assert_eq!(code, Some(0));
    let again = Daemon::on(folder, None);
    assert_eq!(again.run(&run)["verdict"], "passed");
    assert_eq!(again.get(&format!("/api/v1/runs/{run}/summary")), summary);
}

#[test]
fn a_repeated_request_is_one_run_and_another_under_its_key_is_refused() {
    let target = demo_target(&[]);
    let daemon = Daemon::start("", &[("steady", &unhurried(target.address, "1s"))]);
    let ask = |body: Value| daemon.ask("POST", "/api/v1/runs", "Idempotency-Key: once\r\n", &body);
    let first = ask(json!({"plan": "steady"}));
    let second = ask(json!({"plan": "steady"}));
    assert_eq!((first.status, second.status), (201, 200), "{}", second.text());
    assert_eq!(id(&first.json()), id(&second.json()));
    assert_eq!(ask(json!({"plan": "steady", "tags": {"a": "b"}})).status, 422);
    assert_eq!(daemon.runs().len(), 1);
}

#[test]
fn a_run_is_paused_resumed_scaled_and_stopped_with_its_teardown() {
    let target = demo_target(&[]);
    let plan = steady(target.address, 20, "1h")
        + &format!(
            "teardown: [{{http: {{url: 'http://{}/init', method: POST, json: {{productId: a, quantity: 7}}}}}}]\n",
            target.address
        );
    let daemon = Daemon::start("", &[("steady", &plan)]);
    let run = daemon.submit("steady");
    let path = |verb: &str| format!("/api/v1/runs/{run}/{verb}");
    daemon.wait(&run, "running");
    let planned = |run: &Value| run["progress"]["planned_seconds"].as_f64().filter(|planned| *planned > 0.0);
    let planned = daemon.until(|| planned(&daemon.run(&run)), "how far the run is");
    assert!((planned - 3600.0).abs() < f64::EPSILON);
    assert_eq!(daemon.post(&path("resume")).status, 409, "nothing to resume");
    assert_eq!(daemon.post(&path("pause")).json()["state"], "paused");
    daemon.wait(&run, "paused");
    assert_eq!(daemon.post(&path("resume")).json()["state"], "running");
    assert_eq!(daemon.ask("POST", &path("scale"), "", &json!({"rate": 40})).status, 200);
    assert_eq!(
        daemon.ask("POST", &path("scale"), "", &json!({"vus": 40})).status,
        409,
        "it has no VUs to set"
    );
    assert_eq!(daemon.post(&path("stop")).status, 200);
    let ended = daemon.wait(&run, "finished");
    assert_eq!((&ended["verdict"], &ended["exit_code"]), (&json!("stopped"), &json!(105)));
    assert_eq!(daemon.post(&path("stop")).status, 409, "it is over");
}

#[test]
fn what_is_queued_waits_and_can_be_stopped_before_it_begins() {
    let target = demo_target(&[]);
    let plans = [("long", steady(target.address, 5, "1h")), ("short", unhurried(target.address, "1s"))];
    let daemon = Daemon::start("limits: {max_queued: 2}\n", &[("long", &plans[0].1), ("short", &plans[1].1)]);
    let long = daemon.submit("long");
    daemon.wait(&long, "running");
    let (first, second) = (daemon.submit("short"), daemon.submit("short"));
    let full = daemon.ask("POST", "/api/v1/runs", "", &json!({"plan": "short"}));
    assert_eq!(full.status, 503, "{}", full.text());
    assert!(full.text().contains("limits.max_queued"), "{}", full.text());
    assert_eq!(daemon.post(&format!("/api/v1/runs/{first}/stop")).json()["state"], "finished");
    assert_eq!(daemon.run(&second)["state"], "queued");
    daemon.post(&format!("/api/v1/runs/{long}/stop"));
    assert_eq!(daemon.wait(&second, "finished")["verdict"], "passed");
    assert_eq!(daemon.run(&first)["started_at"], Value::Null, "it never began");
}

#[test]
fn what_is_told_to_end_ends_its_runs_and_leaves_the_queue_for_the_next() {
    let target = demo_target(&[]);
    let plan = steady(target.address, 20, "1h")
        + "hooks: {always: [{exec: {command: 'echo $LOADGATE_VERDICT >>hooks'}}]}\n";
    let short = unhurried(target.address, "1s");
    let daemon = Daemon::start("allow_exec: true\n", &[("long", &plan), ("short", &short)]);
    let (long, short) = (daemon.submit("long"), daemon.submit("short"));
    daemon.wait(&long, "running");
    let (code, folder) = daemon.end();
    assert_eq!(code, Some(0));
    let again = Daemon::on(folder, None);
    let stopped = again.run(&long);
    assert_eq!(stopped["verdict"], "stopped", "{stopped:#}");
    assert_eq!(again.lines("hooks"), ["stopped"]);
    let ended = again.wait(&short, "finished");
    assert_eq!(
        ended["verdict"],
        "passed",
        "{:#}",
        again.get(&format!("/api/v1/runs/{short}/summary"))["doubts"]
    );
}

#[test]
fn a_new_configuration_is_taken_whole_or_not_at_all() {
    let target = demo_target(&[]);
    let daemon = Daemon::start("limits: {max_vus: 1}\n", &[("steady", &unhurried(target.address, "1s"))]);
    let refused = daemon.ask("POST", "/api/v1/runs", "", &json!({"plan": "steady"}));
    assert_eq!(refused.status, 403, "{}", refused.text());
    assert!(refused.text().contains("limits.max_vus"), "{}", refused.text());
    let reload = |more: &str| {
        write_config(&daemon.folder, more);
        daemon.post("/-/reload")
    };
    let wrong = reload("limits: {max_vus: 100, max_vsu: 1}\n");
    assert_eq!(wrong.status, 400, "{}", wrong.text());
    assert!(wrong.text().contains("max_vsu"), "{}", wrong.text());
    let moved = reload("listen: 127.0.0.1:1\nretention: {runs: 1d}\nmemory: {store: 64MiB}\n");
    assert!(moved.text().contains("memory.store cannot change"), "{}", moved.text());
    let metric = |value: &str| format!("loadgate_config_last_reload_successful {value}\n");
    let shows = |value: &str| {
        let metrics = daemon.ask("GET", "/metrics", "", &Value::Null);
        metrics.text().contains(&metric(value)).then_some(())
    };
    daemon.until(|| shows("0"), "the failed reload as a metric");
    assert_eq!(daemon.ask("POST", "/api/v1/runs", "", &json!({"plan": "steady"})).status, 403);
    write_config(&daemon.folder, "limits: {max_vus: 100}\n");
    daemon.signal(Signal::HUP);
    daemon.until(|| shows("1"), "the reload as a metric");
    let run = daemon.submit("steady");
    assert_eq!(daemon.wait(&run, "finished")["verdict"], "passed");
}

#[test]
fn a_schedule_that_was_due_while_nobody_was_there_runs_once_if_it_shall() {
    let target = demo_target(&[]);
    let schedules = "schedules:\n  - {plan: steady, cron: '0 0 1 1 *', missed: run_once}\n  - {name: other, plan: steady, cron: '0 0 1 1 *', missed: skip}\n";
    let daemon = Daemon::start(schedules, &[("steady", &unhurried(target.address, "1s"))]);
    let due = daemon.get("/api/v1/schedules");
    assert_eq!(due["schedules"].as_array().unwrap().len(), 2, "{due}");
    let folder = daemon.kill();
    {
        let store = rusqlite::Connection::open(folder.path().join("data/runs.db")).unwrap();
        for name in ["steady", "other"] {
            let key = format!("schedule {name} was due");
            store.execute("INSERT INTO memory VALUES (?1, '1000000000000')", [key]).unwrap();
        }
    }
    let daemon = Daemon::on(folder, None);
    let run = daemon.until(|| daemon.runs().pop(), "the run that was missed");
    assert_eq!(run["trigger"], json!({"by": "schedule", "of": "steady"}));
    assert_eq!(daemon.wait(&id(&run), "finished")["verdict"], "passed");
    let again = Daemon::on(daemon.kill(), None);
    again.until(|| (again.ask("GET", "/-/ready", "", &Value::Null).status == 200).then_some(()), "readiness");
    assert_eq!(again.runs().len(), 1);
}

#[test]
fn runs_of_one_plan_are_compared_in_sentences() {
    let (quick, slow) = (demo_target(&[]), demo_target(&["latency=150ms"]));
    let plans = [("quick", steady(quick.address, 50, "3s")), ("slow", steady(slow.address, 50, "3s"))];
    let daemon = Daemon::start("", &[("quick", &plans[0].1), ("slow", &plans[1].1)]);
    let [a, b] = ["quick", "slow"].map(|plan| daemon.submit(plan));
    for run in [&a, &b] {
        daemon.wait(run, "finished");
    }
    let compared = daemon.get(&format!("/api/v1/runs/compare?a={a}&b={b}"));
    let sentences = compared["sentences"].to_string();
    assert!(sentences.contains("http_req_duration"), "{compared:#}");
    fs::write(daemon.path("compared.json"), compared.to_string()).unwrap();
}
