//! The daemon's API over real sockets, with a daemon in memory behind it.

mod client;
mod events;
mod openapi;
mod schemathesis;
mod scopes;

use loadgate::daemon::{PlanSource, Scale, ScaleTo};
use loadgate::store::RunState;
use serde_json::json;

use self::client::{Answer, ask, post};
use crate::stage::FakeDaemon;

#[test]
fn a_run_that_is_submitted_is_there_and_a_repeated_request_is_the_same_run() {
    let daemon = FakeDaemon::new();
    let server = daemon.serve_on_loopback();
    let body = r#"{"plan":"health","profile":"load","env":{"VUS":"7"},"tags":{"team":"a"}}"#;
    let first = post(&server, "/api/v1/runs", "Idempotency-Key: k1\r\n", body);
    first.check(201);
    let run = first.json();
    assert_eq!(first.header("location"), Some("/api/v1/runs/run-0001"));
    assert_eq!(
        run,
        json!({
            "id": "run-0001", "test": "health", "plan": "config/plans/health.yml", "profile": "load",
            "tags": {"team": "a"}, "trigger": {"by": "api", "of": null}, "state": "queued",
            "submitted_at": "2026-11-21T03:16:35.001Z", "started_at": null, "ended_at": null,
            "verdict": null, "exit_code": null, "ended_by": null,
        })
    );
    let mut alone = ask(&server, "GET", "/api/v1/runs/run-0001", "", "").json();
    assert_eq!(alone.as_object_mut().unwrap().remove("has_summary"), Some(json!(false)));
    assert_eq!(alone, run);
    let again = post(&server, "/api/v1/runs", "Idempotency-Key: k1\r\n", body);
    again.check(200);
    assert_eq!((again.json(), again.header("location")), (run, Some("/api/v1/runs/run-0001")));
    let other = post(&server, "/api/v1/runs", "Idempotency-Key: k1\r\n", r#"{"plan":"chat-streaming"}"#);
    other.check_refused(422, "bad_data", "this Idempotency-Key came with another request");
    let submitted = &daemon.submitted()[0];
    assert_eq!(submitted.plan, PlanSource::Named("health".to_owned()));
    assert_eq!(submitted.env, [("VUS".to_owned(), "7".to_owned())]);
    let repeated = post(&server, "/api/v1/runs/run-0001/rerun", "", "");
    repeated.check(201);
    assert_eq!(repeated.json()["trigger"], json!({"by": "rerun", "of": "run-0001"}));
}

#[test]
fn a_plan_that_comes_along_brings_its_files_as_text_or_base64() {
    let daemon = FakeDaemon::new();
    let server = daemon.serve_on_loopback();
    let body = json!({"source": {
        "plan": "plans/x.yml",
        "files": {"plans/x.yml": "name: x\n", "data/u.csv": {"base64": "AP+A"}},
    }});
    post(&server, "/api/v1/runs", "", &body.to_string()).check(201);
    let PlanSource::Given(bundle) = &daemon.submitted()[0].plan else { panic!("a plan came along") };
    assert_eq!(bundle.plan, "plans/x.yml");
    assert_eq!(bundle.files["plans/x.yml"], b"name: x\n");
    assert_eq!(bundle.files["data/u.csv"], [0, 255, 128]);
}

#[test]
fn what_cannot_be_submitted_is_refused_with_what_to_send() {
    let server = FakeDaemon::new().serve_on_loopback();
    let source = |plan: &str, path: &str, content: serde_json::Value| {
        json!({"source": {"plan": plan, "files": {path: content}}}).to_string()
    };
    let outside = "expected a relative path with / between its parts, without . and ..";
    for (body, status, said) in [
        (String::new(), 400, "EOF while parsing"),
        ("{".to_owned(), 400, "at line 1 column 1"),
        ("[]".to_owned(), 400, "expected a JSON object"),
        (r#"["health"]"#.to_owned(), 400, "expected a JSON object"),
        ("{}".to_owned(), 400, r#"expected either "plan""#),
        (
            r#"{"plan":"a","source":{"plan":"a","files":{"a":""}}}"#.to_owned(),
            400,
            r#"expected either "plan""#,
        ),
        (r#"{"paln":"health"}"#.to_owned(), 400, "unknown field `paln`, expected one of"),
        (r#"{"plan":"health","env":{"VUS":7}}"#.to_owned(), 400, "expected a string"),
        (r#"{"plan":"helth"}"#.to_owned(), 422, "did you mean `health`"),
        (r#"{"plan":"health","tags":{"job":"x"}}"#.to_owned(), 422, "tags: "),
        (source("b.yml", "a.yml", json!("")), 422, r#"source.plan: "b.yml" is not among source.files"#),
        (source("a.yml", "a.yml", json!("# broken")), 422, "a.yml:1:1: expected a plan"),
        (source("a.yml", "a.yml", json!({"base64": "*"})), 422, "this is not base64"),
        (source("a.yml", "a.yml", json!({"hex": "00"})), 400, r#"expected the file's text, or {"base64""#),
        (source("a.yml", "a.yml", json!({})), 400, r#"expected the file's text, or {"base64""#),
        (source("a.yml", "a.yml", json!(7)), 400, r#"expected the file's text, or {"base64""#),
        (source("../a.yml", "../a.yml", json!("")), 422, outside),
        (source("/a.yml", "/a.yml", json!("")), 422, outside),
        (source("a//b.yml", "a//b.yml", json!("")), 422, outside),
        (source("a/./b.yml", "a/./b.yml", json!("")), 422, outside),
        (source("a\\..\\b.yml", "a\\..\\b.yml", json!("")), 422, outside),
        (source("", "", json!("")), 422, outside),
    ] {
        post(&server, "/api/v1/runs", "", &body).check_refused(status, "bad_data", said);
    }
    let plan = r#"{"plan":"health"}"#;
    for content_type in
        ["", "Content-Type: text/plain\r\n", "Content-Type: application/x-www-form-urlencoded\r\n"]
    {
        ask(&server, "POST", "/api/v1/runs", content_type, plan).check_refused(
            415,
            "bad_data",
            "Content-Type: application/json",
        );
    }
    let long = format!("Idempotency-Key: {}\r\n", "k".repeat(256));
    for key in ["Idempotency-Key: \r\n", "Idempotency-Key: a\r\nIdempotency-Key: b\r\n", &long] {
        post(&server, "/api/v1/runs", key, plan).check_refused(
            400,
            "bad_data",
            "expected one Idempotency-Key",
        );
    }
    let announced = "Content-Type: application/json\r\nContent-Length: 67108865\r\n";
    client::raw(&server, &format!("POST /api/v1/runs HTTP/1.0\r\nHost: localhost\r\n{announced}\r\n"))
        .check_refused(413, "bad_data", "at most 67108864 bytes");
}

#[test]
fn runs_are_listed_the_newest_first_page_by_page_and_filtered() {
    let daemon = FakeDaemon::new();
    let server = daemon.serve_on_loopback();
    let ids: Vec<_> = (0..5).map(|_| daemon.queue()).collect();
    daemon.finish(&ids[0], "passed", 0);
    daemon.to(&ids[1], RunState::Running);
    let listed = |query: &str| {
        let answer = ask(&server, "GET", &format!("/api/v1/runs{query}"), "", "");
        answer.check(200);
        let list = answer.json();
        let ids = list["runs"].as_array().unwrap().iter().map(|run| run["id"].as_str().unwrap().to_owned());
        (ids.collect::<Vec<_>>().join(" "), list["next"].clone())
    };
    let all = "run-0005 run-0004 run-0003 run-0002 run-0001";
    assert_eq!(listed(""), (all.to_owned(), json!(null)));
    assert_eq!(listed("?limit=2"), ("run-0005 run-0004".to_owned(), json!("run-0004")));
    assert_eq!(listed("?limit=2&before=run-0004"), ("run-0003 run-0002".to_owned(), json!("run-0002")));
    assert_eq!(listed("?limit=2&before=run-0002"), ("run-0001".to_owned(), json!(null)));
    assert_eq!(listed("?state=running&state=finished").0, "run-0002 run-0001");
    assert_eq!(listed("?test=health&state=running").0, "run-0002");
    assert_eq!(listed("?test=other").0, "");
    for (query, said) in [
        ("limit=0", "expected a number from 1 to 500"),
        ("limit=501", "expected a number from 1 to 500"),
        ("limit=x", "expected a number from 1 to 500"),
        ("limit=1&limit=2", "given twice"),
        ("state=done", "expected one of queued, preflight"),
        ("before=../x", "expected the id of a run"),
        ("stat=running", r#"there is no parameter "stat" here, only state, test, before, limit"#),
    ] {
        ask(&server, "GET", &format!("/api/v1/runs?{query}"), "", "").check_refused(400, "bad_data", said);
    }
}

#[test]
fn a_running_run_is_paused_resumed_scaled_and_stopped_and_deleted_once_it_has_ended() {
    let daemon = FakeDaemon::new();
    let server = daemon.serve_on_loopback();
    let id = daemon.queue();
    let act = |what: &str, body: &str| post(&server, &format!("/api/v1/runs/{id}/{what}"), "", body);
    let becomes = |answer: &Answer, state: &str| {
        answer.check(200);
        assert_eq!(answer.json()["state"], state);
    };
    act("pause", "").check_refused(409, "conflict", "is Queued");
    daemon.to(&id, RunState::Running);
    becomes(&act("pause", ""), "paused");
    becomes(&act("resume", ""), "running");
    becomes(&act("scale", r#"{"scenario":"chat","vus":50}"#), "running");
    becomes(&act("scale", r#"{"rate":0.5}"#), "running");
    let scaled = [
        Scale { scenario: Some("chat".to_owned()), to: ScaleTo::Vus(50) },
        Scale { scenario: None, to: ScaleTo::Rate(0.5) },
    ];
    assert_eq!(daemon.scaled(), scaled);
    for (body, status, kind, said) in [
        ("{}", 400, "bad_data", r#"expected either "vus" or "rate""#),
        (r#"{"vus":1,"rate":1}"#, 400, "bad_data", r#"expected either "vus" or "rate""#),
        (r#"{"rate":-1}"#, 400, "bad_data", "not negative"),
        (r#"{"vus":-1}"#, 400, "bad_data", "invalid value"),
        (r#"{"vus":20001}"#, 403, "forbidden", "limits.max_vus"),
    ] {
        act("scale", body).check_refused(status, kind, said);
    }
    let path = format!("/api/v1/runs/{id}");
    ask(&server, "DELETE", &path, "", "").check_refused(409, "conflict", "stop it first");
    ask(&server, "GET", &format!("{path}/summary"), "", "").check_refused(409, "conflict", "no summary yet");
    becomes(&act("stop", ""), "finished");
    let summary = ask(&server, "GET", &format!("{path}/summary"), "", "");
    summary.check(200);
    assert_eq!(summary.json()["exit_code"], 105);
    let log = ask(&server, "GET", &format!("{path}/log"), "", "");
    assert_eq!(
        (log.text(), log.header("content-type")),
        ("load began\nload ended\n", Some("text/plain; charset=utf-8"))
    );
    let deleted = ask(&server, "DELETE", &path, "", "");
    deleted.check(204);
    assert_eq!(deleted.text(), "");
    ask(&server, "GET", &path, "", "").check_refused(404, "not_found", "there is no run run-0001");
}

#[test]
fn a_run_under_way_says_how_far_it_is_and_whether_it_has_found_something_yet() {
    let daemon = FakeDaemon::new();
    let server = daemon.serve_on_loopback();
    let id = daemon.queue();
    let run = || ask(&server, "GET", &format!("/api/v1/runs/{id}"), "", "").json();
    assert_eq!(run().get("progress"), None);
    daemon.to(&id, RunState::Running);
    daemon.tell(&id, "progress", json!({"line": "old"}));
    daemon.tell(&id, "progress", json!({"line": "new"}));
    assert_eq!(run()["progress"], json!({"line": "new"}));
    let listed = ask(&server, "GET", "/api/v1/runs", "", "").json();
    assert_eq!(listed["runs"][0]["progress"], json!({"line": "new"}));
    assert_eq!(run()["has_summary"], false);
    daemon.finish(&id, "passed", 0);
    assert_eq!((run().get("progress"), &run()["has_summary"]), (None, &json!(true)));
}

#[test]
fn two_runs_are_compared_and_the_daemons_own_things_are_listed() {
    let daemon = FakeDaemon::that_ends_runs_at_once();
    let server = daemon.serve_on_loopback();
    let (a, b) = (daemon.queue(), daemon.queue());
    let compared = ask(&server, "GET", &format!("/api/v1/runs/compare?a={a}&b={b}"), "", "");
    compared.check(200);
    assert_eq!(compared.json()["a"], "run-0001");
    for query in ["", "?a=run-0001", "?a=run-0001&b=", "?a=run-0001&b=run-0002&c=1"] {
        ask(&server, "GET", &format!("/api/v1/runs/compare{query}"), "", "").check(400);
    }
    ask(&server, "GET", "/api/v1/runs/compare?a=run-0001&b=none", "", "").check(404);
    assert_eq!(ask(&server, "GET", "/api/v1/plans", "", "").json()["plans"][0]["name"], "health");
    let schedules = ask(&server, "GET", "/api/v1/schedules", "", "").json();
    assert_eq!(schedules["schedules"][0]["next_at"], "2026-11-21T03:16:35.000Z");
    post(&server, "/-/reload", "", "").check_refused(400, "bad_data", "config/loadgate.yml:3:1: unknown key");
}

#[test]
fn whatever_the_router_refuses_has_the_shape_of_every_refusal() {
    let daemon = FakeDaemon::new();
    let server = daemon.serve_on_loopback();
    daemon.queue();
    for (method, path, allowed) in [
        ("PUT", "/api/v1/runs", "GET,HEAD,POST"),
        ("POST", "/api/v1/runs/run-0001", "GET,HEAD,DELETE"),
        ("DELETE", "/api/v1/runs/run-0001/events", "GET,HEAD"),
        ("GET", "/api/v1/runs/run-0001/stop", "POST"),
        ("POST", "/metrics", "GET,HEAD"),
        ("GET", "/-/reload", "POST"),
    ] {
        let answer = ask(&server, method, path, "", "");
        answer.check_refused(405, "method_not_allowed", "this path takes ");
        assert_eq!(answer.header("allow"), Some(allowed), "{method} {path}");
    }
    for path in
        ["/nothing", "/api/v1/nothing", "/api/v1/runs/", "/api/v1/runs/a/b", "/api/v1/runs/run-0001/nothing"]
    {
        ask(&server, "GET", path, "", "").check_refused(404, "not_found", "");
    }
    for id in ["none", "%00", "%ff", "a%2Fb", "..%2f..%2fetc", &"x".repeat(129)] {
        ask(&server, "GET", &format!("/api/v1/runs/{id}"), "", "").check_refused(404, "not_found", "no ");
    }
    let head = ask(&server, "HEAD", "/api/v1/runs", "", "");
    head.check(200);
    assert_eq!(head.text(), "");
}
