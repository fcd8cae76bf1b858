//! What `--summary-export` writes.

use serde_json::{Value, json};

use super::plan;
use crate::stage::{Ended, demo_target, loadgate, loadgate_run};

#[test]
fn the_summary_export_holds_the_verdict_every_gate_and_every_metric() {
    let target = demo_target(&[]);
    let rest = "metrics: {mine: {type: counter}, unused: {type: trend, time: true}}\n\
                thresholds: {http_reqs: [count>=2], 'http_req_duration{name:/health}': ['p(95)<20s'], \
                'http_req_duration{expected_response:false}': ['avg<1s'], http_req_waiting: ['max<1ns']}";
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
        ("http_req_duration{expected_response:false}", "avg<1s", "no_data"),
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
