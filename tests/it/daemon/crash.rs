//! What is there after a crash: nothing is lost, nothing is done twice.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::json;

use super::plans::{steady, unhurried};
use crate::stage::{Daemon, demo_target, id};

/// A plan whose load is as long as its fault point may need, with something to count in each phase.
fn counted(target: std::net::SocketAddr) -> String {
    steady(target, 20, "2s").replace("name: steady", "name: counted")
        + "hooks: {always: [{exec: {command: 'echo $LOADGATE_TESTID >>hooks'}}]}\n"
}

#[test]
fn what_a_kill_cuts_is_interrupted_with_its_results_and_what_waited_runs_once() {
    let target = demo_target(&[]);
    let plans = [("long", steady(target.address, 20, "1h")), ("short", unhurried(target.address, "1s"))];
    let daemon = Daemon::start("", &[("long", &plans[0].1), ("short", &plans[1].1)]);
    let (long, short) = (daemon.submit("long"), daemon.submit("short"));
    let summary = format!("/api/v1/runs/{long}/summary");
    daemon.until(
        || Some(daemon.ask("GET", &summary, "", &json!(null))).filter(|answer| answer.status == 200),
        "a checkpoint",
    );
    let killed = daemon.kill();
    let gone = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    let daemon = Daemon::on(killed, None);
    assert_eq!(daemon.wait(&short, "finished")["verdict"], "passed");
    let cut = daemon.run(&long);
    let ended = cut["ended_at"].as_str().unwrap();
    let ended_ms = chrono::DateTime::parse_from_rfc3339(ended).unwrap().timestamp_millis();
    assert!(u128::try_from(ended_ms).unwrap() <= gone, "{ended}: when it was last heard of");
    let series = daemon.get(&format!("/api/v1/runs/{long}/api/v1/query?query=count(k6_vus)&time={ended}"));
    assert_eq!(series["data"]["result"][0]["value"][1], "1", "{series}");
    assert_eq!(cut["state"], "interrupted");
    assert_eq!(cut["ended_by"], "the daemon went away while the run was running");
    let kept = daemon.get(&summary);
    assert!(kept["metrics"]["iterations"]["values"]["count"].as_f64().unwrap() >= 20.0, "{kept}");
    assert_eq!(daemon.runs().len(), 2, "neither lost nor repeated");
    let again = daemon.post(&format!("/api/v1/runs/{long}/rerun"));
    assert_eq!((again.status, &again.json()["trigger"]["by"]), (201, &json!("rerun")));
}

#[test]
fn a_hook_that_was_cut_is_done_once() {
    let target = demo_target(&[]);
    let plan = unhurried(target.address, "1s")
        + "hooks: {always: [{exec: {command: 'echo begun >>hooks; read line <go; echo done >>hooks'}}, {exec: {command: 'echo after >>hooks'}}]}\n";
    let daemon = Daemon::start("allow_exec: true\n", &[("hooked", &plan)]);
    assert!(std::process::Command::new("mkfifo").arg(daemon.path("go")).status().unwrap().success());
    let run = daemon.submit("hooked");
    daemon.until(|| daemon.lines("hooks").first().cloned(), "the hook");
    let daemon = Daemon::on(daemon.kill(), None);
    std::fs::write(daemon.path("go"), "go\n").unwrap();
    daemon.wait(&run, "interrupted");
    assert_eq!(daemon.lines("hooks"), ["begun", "done", "after"]);
    let log = daemon.ask("GET", &format!("/api/v1/runs/{run}/log"), "", &json!(null));
    assert!(log.text().contains("hook exec"), "{}", log.text());
    let again = Daemon::on(daemon.kill(), None);
    again.until(|| (again.ask("GET", "/-/ready", "", &json!(null)).status == 200).then_some(()), "readiness");
    assert_eq!(again.lines("hooks").len(), 3);
}

#[test]
fn a_fault_that_stands_when_the_daemon_dies_is_undone_when_it_comes_back() {
    let target = demo_target(&[]);
    let plan = steady(target.address, 5, "1h")
        + "chaos: [{at: 0s, do: {exec: {command: touch fault}}, undo: {exec: {command: 'rm fault; echo undone >>undone'}}}]\n";
    let daemon = Daemon::start("allow_exec: true\n", &[("broken", &plan)]);
    let run = daemon.submit("broken");
    daemon.until(|| daemon.path("fault").exists().then_some(()), "the fault");
    let daemon = Daemon::on(daemon.kill(), None);
    daemon.wait(&run, "interrupted");
    assert_eq!((daemon.path("fault").exists(), daemon.lines("undone")), (false, vec!["undone".to_owned()]));
    let log = daemon.ask("GET", &format!("/api/v1/runs/{run}/log"), "", &json!(null));
    assert!(log.text().contains("undo fault"), "{}", log.text());
}

/// Dies at the point, comes back without it, and all that was promised is there once.
fn survives(point: &str) {
    let target = demo_target(&[]);
    let daemon = Daemon::start("allow_exec: true\n", &[("counted", &counted(target.address))]);
    let (_, folder) = daemon.end();
    let daemon = Daemon::on(folder, Some(point));
    let body = json!({"plan": "counted"});
    let sent = std::panic::catch_unwind(|| {
        daemon.ask("POST", "/api/v1/runs", "Idempotency-Key: one\r\n", &body).json()
    });
    let folder = daemon.left();
    let daemon = Daemon::on(folder, None);
    // A client that had no answer asks again with the same key.
    let again = id(&daemon.ask("POST", "/api/v1/runs", "Idempotency-Key: one\r\n", &body).json());
    if let Ok(sent) = sent {
        assert_eq!(id(&sent), again, "{point}: an acknowledged run is lost");
    }
    let ended = daemon.until(
        || {
            Some(daemon.run(&again))
                .filter(|run| ["finished", "interrupted"].contains(&run["state"].as_str().unwrap()))
        },
        "an end",
    );
    assert_eq!(daemon.runs().len(), 1, "{point}: {ended}");
    let mut hooks = BTreeMap::new();
    for line in daemon.lines("hooks") {
        *hooks.entry(line).or_insert(0) += 1;
    }
    assert_eq!(hooks, BTreeMap::from([(again, 1)]), "{point}: the hook is done once; {ended}");
}

#[test]
fn nothing_is_lost_or_doubled_where_a_run_is_accepted_and_begun() {
    ["before-accept", "after-accept", "before-begin", "after-begin", "in-load"]
        .iter()
        .for_each(|point| survives(point));
}

#[test]
fn nothing_is_lost_or_doubled_where_a_run_ends() {
    ["in-drain", "hook-begun", "action-done", "action-ended", "before-finish", "after-finish"]
        .iter()
        .for_each(|point| survives(point));
}
