//! What happens to a run, followed.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;

use loadgate::store::RunState;
use serde_json::json;

use super::client::ask;
use crate::stage::{FakeDaemon, Service};

/// Lines of the stream after the answer's head.
fn follow(server: &Service, id: &str) -> impl Iterator<Item = String> + use<> {
    let mut stream = TcpStream::connect(server.address).unwrap();
    let request = format!("GET /api/v1/runs/{id}/events HTTP/1.0\r\nHost: localhost\r\n\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut lines = BufReader::new(stream).lines().map(Result::unwrap);
    lines.by_ref().take_while(|line| !line.is_empty()).for_each(drop);
    lines
}

#[test]
fn events_come_as_they_happen_and_the_stream_ends_with_the_run() {
    let daemon = FakeDaemon::new();
    let server = daemon.serve_on_loopback();
    let id = daemon.queue();
    let mut lines = follow(&server, &id.0);
    let mut next = || lines.next();
    let mut expect = |expected: &[&str]| {
        for line in expected {
            assert_eq!(next().as_deref(), Some(*line));
        }
    };
    expect(&["id: 1", "event: state", r#"data: {"state":"queued"}"#, ""]);
    daemon.to(&id, RunState::Running);
    expect(&["id: 2", "event: state", r#"data: {"state":"running"}"#, ""]);
    daemon.tell(&id, "log", json!({"line": "two\nlines"}));
    expect(&["id: 3", "event: log", r#"data: {"line":"two\nlines"}"#, ""]);
    daemon.finish(&id, "failed", 99);
    expect(&["id: 4", "event: finished", r#"data: {"verdict":"failed","exit_code":99}"#, ""]);
    assert_eq!(next(), None);
}

#[test]
fn a_stream_goes_on_after_the_last_event_that_was_seen() {
    let daemon = FakeDaemon::new();
    let server = daemon.serve_on_loopback();
    let id = daemon.queue();
    for line in 0..8 {
        daemon.tell(&id, "log", json!({"line": line}));
    }
    daemon.finish(&id, "passed", 0);
    let ids = |last: &str| {
        let answer = ask(&server, "GET", &format!("/api/v1/runs/{id}/events"), last, "");
        answer.check(200);
        assert_eq!(answer.header("content-type"), Some("text/event-stream"));
        let ids = answer.text().lines().filter_map(|line| line.strip_prefix("id: ")).map(str::to_owned);
        ids.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(ids(""), "1 2 3 4 5 6 7 8 9 10");
    assert_eq!(ids("Last-Event-ID: 0\r\n"), "1 2 3 4 5 6 7 8 9 10");
    assert_eq!(ids("Last-Event-ID: 7\r\n"), "8 9 10");
    assert_eq!(ids("Last-Event-ID: 10\r\n"), "");
    assert_eq!(ids("Last-Event-ID: 99\r\n"), "");
    let path = format!("/api/v1/runs/{id}/events");
    for wrong in ["x", "-1", "9223372036854775808"] {
        let header = format!("Last-Event-ID: {wrong}\r\n");
        ask(&server, "GET", &path, &header, "").check_refused(400, "bad_data", "Last-Event-ID");
    }
    ask(&server, "GET", "/api/v1/runs/none/events", "", "").check_refused(404, "not_found", "no run none");
}

#[test]
fn streams_end_when_the_server_does() {
    let daemon = FakeDaemon::new();
    let server = daemon.serve_on_loopback();
    let id = daemon.queue();
    let mut lines = follow(&server, &id.0);
    assert_eq!(lines.next().as_deref(), Some("id: 1"));
    drop(server);
    assert_eq!(lines.last().as_deref(), Some(""), "it ends after a whole event");
}

#[test]
fn so_many_follow_at_a_time_and_whoever_leaves_makes_room() {
    let daemon = FakeDaemon::new();
    let server = daemon.serve_on_loopback();
    let id = daemon.queue();
    // The head of each answer has come: each has its place.
    let mut followers: Vec<_> = (0..64).map(|_| follow(&server, &id.0)).collect();
    let path = format!("/api/v1/runs/{id}/events");
    let refused = ask(&server, "GET", &path, "", "");
    refused.check_refused(503, "unavailable", "too many follow runs at this moment");
    assert_eq!(refused.header("retry-after"), Some("5"));
    ask(&server, "GET", "/api/v1/runs", "", "").check(200);
    drop(followers.pop());
    daemon.finish(&id, "passed", 0);
    for follower in followers {
        assert_eq!(follower.last().as_deref(), Some(""), "each sees the end");
    }
    ask(&server, "GET", &path, "", "").check(200);
}
