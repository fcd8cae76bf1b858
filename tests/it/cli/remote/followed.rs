//! Runs are followed: to their end, over lost connections, or until somebody leaves.

use std::io::{BufRead as _, BufReader};

use loadgate::store::RunState;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::cutting::Cutting;
use super::{Said, ask, asked};
use crate::cli::signals::send;
use crate::stage::FakeDaemon;

#[test]
fn a_followed_run_ends_with_its_own_exit_code_and_shows_its_gates() {
    let daemon = FakeDaemon::new();
    let server = daemon.serve_on_loopback();
    for (verdict, code) in
        [("passed", 0), ("failed", 99), ("inconclusive", 98), ("preflight_failed", 97), ("stopped", 105)]
    {
        let id = daemon.queue();
        daemon.tell(&id, "log", json!({"line": "load began"}));
        daemon.finish(&id, verdict, code);
        let said = ask(&server, &["runs", "follow", &id.0]);
        let shown = format!("verdict: {}", verdict.to_uppercase().replace('_', " "));
        said.check(code.into(), &shown, "load began\n");
        assert!(said.stdout.contains("✓ checks rate>0.99"), "{}", said.stdout);
    }
    let interrupted = daemon.queue();
    daemon.to(&interrupted, RunState::Interrupted);
    ask(&server, &["runs", "follow", &interrupted.0]).check(98, "verdict: INTERRUPTED (exit 98)\n", "");
}

#[test]
fn following_goes_on_where_a_connection_was_cut_in_the_middle_of_an_event() {
    let daemon = FakeDaemon::new();
    let server = daemon.serve_on_loopback();
    let id = daemon.queue();
    for line in 2..=9 {
        daemon.tell(&id, "log", json!({"line": format!("line {line}")}));
    }
    daemon.finish(&id, "failed", 99);
    let proxy = Cutting::before(server.address, &["id: 3\nevent: lo", "data: {\"line\":\"line 7\"}\n"]);
    let said = ask(&proxy.service, &["runs", "follow", &id.0, "--json"]);
    said.check(99, "", "lost the connection to ");
    assert_eq!(said.stderr.matches("connected to ").count(), 2, "{}", said.stderr);
    let events = said.stdout.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let ids: Vec<u64> = events.map(|event| event["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, (1..=10).collect::<Vec<_>>(), "each event once, in order");
    assert_eq!(proxy.headers("last-event-id"), ["2", "6"]);
    assert_eq!(proxy.left(), 0);
}

#[test]
fn who_leaves_is_told_how_to_come_back_and_the_run_goes_on_or_stops() {
    for (flag, verdict) in [(None, None), (Some("--stop-on-detach"), Some("stopped"))] {
        let daemon = FakeDaemon::new();
        let server = daemon.serve_on_loopback();
        let id = daemon.queue();
        let mut child = asked(&server, &["runs", "follow", &id.0]).args(flag).spawn().unwrap();
        let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        assert_eq!(stderr.next().as_deref(), Some("state: queued"));
        send(&child, Signal::INT);
        let rest: String = stderr.map(|line| line + "\n").collect();
        let said = Said::from(child.wait_with_output().unwrap());
        assert_eq!(said.code, 105, "{rest}");
        let run = loadgate_runs(&server, &id.0);
        match verdict {
            None => {
                let how = format!(
                    "the run {id} goes on. Follow it with: loadgate runs follow {id} --server {}",
                    server.http()
                );
                assert!(rest.contains(&how), "{rest}");
                assert_eq!(run["state"], "queued");
            }
            Some(verdict) => {
                assert!(rest.contains("stopping the run"), "{rest}");
                assert!(said.stdout.contains("verdict: STOPPED (exit 105)"), "{}", said.stdout);
                assert_eq!(run["verdict"], verdict);
            }
        }
    }
}

fn loadgate_runs(server: &crate::stage::Service, id: &str) -> Value {
    serde_json::from_str(&ask(server, &["runs", "show", id, "--json"]).stdout).unwrap()
}
