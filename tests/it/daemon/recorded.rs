//! Runs that have ended, asked as those that go on: over HTTP, after a restart, and as a file.

use serde_json::{Value, json};

use super::plans::steady;
use crate::stage::{Daemon, demo_target};

/// The daemon's answer over the series of one run.
fn ask(daemon: &Daemon, run: &str, question: &str) -> Value {
    let answer = daemon.get(&format!("/api/v1/runs/{run}/api/v1/{question}"));
    assert_eq!(answer["status"], "success", "{question}: {answer}");
    answer["data"].clone()
}

#[test]
fn a_run_that_has_ended_is_asked_as_one_that_goes_on() {
    let target = demo_target(&[]);
    let plan = steady(target.address, 20, "2s")
        + &format!("scrape: [{{job: backend, url: 'http://{}/metrics', interval: 500ms}}]\n", target.address);
    let daemon = Daemon::start("", &[("steady", &plan)]);
    let run = daemon.submit("steady");
    daemon.wait(&run, "finished");
    let other = daemon.submit("steady");
    daemon.wait(&other, "finished");
    let (code, folder) = daemon.end();
    assert_eq!(code, Some(0));
    // Nothing of them is in memory any more.
    let daemon = Daemon::on(folder, None);
    let at = |time: &str| {
        let moment = chrono::DateTime::parse_from_rfc3339(daemon.run(&run)[time].as_str().unwrap()).unwrap();
        moment.timestamp_millis() as f64 / 1_000.0
    };
    let ended = at("ended_at");
    let value = |expression: &str| {
        let result = ask(&daemon, &run, &format!("query?query={expression}&time={ended}"))["result"].clone();
        let [one] = result.as_array().unwrap().as_slice() else { panic!("{expression}: {result}") };
        one.clone()
    };
    let count = value("k6_iterations_total");
    let summary = daemon.get(&format!("/api/v1/runs/{run}/summary"));
    let total = summary["metrics"]["iterations"]["values"]["count"].to_string();
    assert_eq!(count["value"][1], total, "the final value");
    assert_eq!((&count["metric"]["testid"], &count["metric"]["job"]), (&json!(run), &json!("loadgate")));
    assert!(count["metric"]["instance"].as_str().unwrap().starts_with("127.0.0.1:"), "{count}");
    assert_eq!(value("loadgate_run_final")["value"][1], "1");
    // A slow machine may have made it inconclusive.
    assert_eq!(value("loadgate_verdict==1")["metric"]["verdict"], summary["verdict"]);
    assert_eq!(value("backend_loop_hz")["metric"]["job"], "backend", "the target's, too");
    let range = format!("query_range?query=k6_iterations_total&start={ended}&end={}&step=1", ended + 60.0);
    let points = ask(&daemon, &run, &range)["result"][0]["values"].clone();
    assert_eq!(points.as_array().map(Vec::len), Some(1), "they end with the run: {points}");
    assert_eq!(ask(&daemon, &run, "label/testid/values"), json!([run]), "those of no other run");
    assert_eq!(
        ask(&daemon, &run, "metadata?metric=k6_iterations_total")["k6_iterations_total"][0]["type"],
        "counter"
    );
    assert!(ask(&daemon, &run, "labels").as_array().unwrap().contains(&json!("scenario")));
    let series = ask(&daemon, &run, "series?match[]=up");
    assert_eq!(series[0]["job"], "backend", "{series}");
    let posted = daemon.post(&format!("/api/v1/runs/{run}/api/v1/query?query=1"));
    assert_eq!(posted.json()["data"]["result"][1], "1");
    let report = || daemon.ask("GET", &format!("/api/v1/runs/{run}/report"), "", &Value::Null);
    assert_eq!(report().body, report().body, "it stays the same");
    for (path, status) in [
        (format!("/api/v1/runs/{run}/api/v1/query?query=("), 400),
        (format!("/api/v1/runs/{run}/api/v1/rules"), 404),
        ("/api/v1/runs/none/api/v1/query?query=1".to_owned(), 404),
        ("/api/v1/runs/none/report".to_owned(), 404),
    ] {
        assert_eq!(daemon.ask("GET", &path, "", &Value::Null).status, status, "{path}");
    }
    let deleted = daemon.ask("DELETE", &format!("/api/v1/runs/{run}"), "", &Value::Null);
    assert_eq!(deleted.status, 204);
    let gone = daemon.ask("GET", &format!("/api/v1/runs/{run}/api/v1/query?query=1"), "", &Value::Null);
    assert_eq!(gone.status, 404);
}

#[test]
fn a_run_that_goes_on_answers_from_what_is_live_and_has_no_report_yet() {
    let target = demo_target(&[]);
    let daemon = Daemon::start("", &[("steady", &steady(target.address, 20, "1h"))]);
    let run = daemon.submit("steady");
    daemon.wait(&run, "running");
    let query = format!("query?query=k6_vus_max%7Btestid=%22{run}%22%7D");
    let users = || ask(&daemon, &run, &query)["result"].as_array().unwrap().first().cloned();
    daemon.until(users, "series of the run");
    let report = daemon.ask("GET", &format!("/api/v1/runs/{run}/report"), "", &Value::Null);
    assert_eq!(report.status, 409);
    assert!(report.text().contains("it comes when the run ends"), "{}", report.text());
    daemon.post(&format!("/api/v1/runs/{run}/stop"));
    daemon.wait(&run, "finished");
    let report = daemon.ask("GET", &format!("/api/v1/runs/{run}/report"), "", &Value::Null);
    assert_eq!(report.status, 200);
    assert!(
        report.head.contains(&format!("attachment; filename=\"loadgate-{run}.html\"")),
        "{}",
        report.head
    );
    assert!(report.text().contains("<title>✗ stopped · steady · "), "{:.500}", report.text());
}
