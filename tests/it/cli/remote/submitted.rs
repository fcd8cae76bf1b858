//! `loadgate run --server`: what is sent, and what comes of it.

use std::io::{BufRead as _, BufReader};

use loadgate::daemon::PlanSource;
use loadgate::store::RunState;
use rustix::process::Signal;
use serde_json::{Value, json};

use super::Said;
use super::cutting::Cutting;
use crate::cli::signals::send;
use crate::stage::{FakeDaemon, loadgate_run};

const PLAN: &str = "name: given\nvars: {BASE_URL: http://localhost, VUS: 1, RATE: 2}\nprofiles: {smoke: {vars: {VUS: 3}}}\n\
    scenarios: {one: {executor: per-vu-iterations, vus: '${VUS}', flow: [{http: {url: '${BASE_URL}/${RATE}'}}]}}\n";

#[test]
fn a_plan_is_sent_with_its_values_and_followed_to_its_verdict() {
    let daemon = FakeDaemon::that_ends_runs_at_once();
    let server = daemon.serve_on_loopback();
    let arguments = ["--server", &server.http(), "-e", "RATE=9", "--profile", "smoke", "--tag", "team=a"];
    let (mut command, folder) = loadgate_run(PLAN, &arguments);
    let command = command.env("BASE_URL", "http://example").env("VUS", "77").env("PATH_TO", "x");
    let said = Said::from(command.output().unwrap());
    said.check(0, "verdict: PASSED\n", "run run-0001 of given on ");
    let submitted = &daemon.submitted()[0];
    let PlanSource::Given(bundle) = &submitted.plan else { panic!("the plan goes along") };
    assert_eq!((bundle.plan.as_str(), &*bundle.files["plan.yml"]), ("plan.yml", PLAN.as_bytes()));
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    // `VUS` is the chosen profile's: the environment does not come before it.
    assert_eq!(submitted.env, [pair("BASE_URL", "http://example"), pair("RATE", "9")]);
    assert_eq!((submitted.profile.as_deref(), &submitted.tags), (Some("smoke"), &vec![pair("team", "a")]));
    assert_eq!(submitted.idempotency_key.as_ref().map(String::len), Some(32));
    let export = std::fs::read(folder.path().join("summary.json")).unwrap();
    assert_eq!(serde_json::from_slice::<Value>(&export).unwrap()["verdict"], "passed");
}

#[test]
fn an_answer_that_is_lost_is_asked_for_again_and_is_the_same_run() {
    let daemon = FakeDaemon::that_ends_runs_at_once();
    let server = daemon.serve_on_loopback();
    let proxy = Cutting::before(server.address, &["HTTP/1.1 201", "HTTP/1.1 200"]);
    let (mut command, _folder) = loadgate_run(PLAN, &["--server", &proxy.service.http()]);
    let said = Said::from(command.output().unwrap());
    said.check(0, "verdict: PASSED\n", "trying again");
    assert!(said.stderr.contains("run run-0001 of given"), "{}", said.stderr);
    let keys = proxy.headers("idempotency-key");
    assert_eq!((keys.len(), proxy.left()), (3, 0));
    assert!(keys.iter().all(|key| *key == keys[0]), "{keys:?}");
}

#[test]
fn a_plan_that_the_daemon_refuses_exits_with_104_and_its_words() {
    let server = FakeDaemon::new().serve_on_loopback();
    let (mut command, _folder) = loadgate_run(&format!("# broken\n{PLAN}"), &["--server", &server.http()]);
    Said::from(command.output().unwrap()).check(104, "", "plan.yml:1:1: expected a plan");
}

#[test]
fn a_detached_run_is_left_with_its_id_on_stdout() {
    let daemon = FakeDaemon::new();
    let server = daemon.serve_on_loopback();
    let (mut command, _folder) = loadgate_run(PLAN, &["--server", &server.http(), "--detach"]);
    let said = Said::from(command.output().unwrap());
    said.check(0, "", "loadgate runs follow run-0001 --server ");
    assert_eq!(said.stdout, "run-0001\n");
    // And on Ctrl-C the run is left, too.
    let (mut command, _folder) = loadgate_run(PLAN, &["--server", &server.http()]);
    let mut child = command.spawn().unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
    let id = loadgate::store::RunId("run-0002".to_owned());
    assert!(stderr.any(|line| line == "state: queued"));
    daemon.to(&id, RunState::Running);
    assert_eq!(stderr.next().as_deref(), Some("state: running"));
    daemon.tell(&id, "progress", json!({"line": "7 VUs"}));
    assert_eq!(stderr.next().as_deref(), Some("7 VUs"));
    send(&child, Signal::INT);
    assert!(stderr.any(|line| line.contains("the run run-0002 goes on")));
    assert_eq!(child.wait().unwrap().code(), Some(105));
}
