//! The client of a daemon: `loadgate runs`, `run --server`, `healthcheck`, against a daemon in memory over real sockets.

mod cutting;
mod followed;
mod submitted;

use std::process::{Command, Output};
use std::sync::Arc;

use loadgate::api::{Access, Scope, Tokens};
use loadgate::daemon::{Scale, ScaleTo};
use loadgate::store::RunState;
use serde_json::Value;

use crate::stage::{FakeDaemon, Service, loadgate};

/// `loadgate ARGUMENTS --server` this one.
fn asked(server: &Service, arguments: &[&str]) -> Command {
    let mut command = loadgate();
    command.args(arguments).args(["--server", &server.http()]);
    command
}

struct Said {
    code: i32,
    stdout: String,
    stderr: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Said {
        Said {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Said {
    fn check(&self, code: i32, stdout: &str, stderr: &str) {
        let all = format!("{}\n{}", self.stdout, self.stderr);
        assert_eq!(self.code, code, "{all}");
        assert!(self.stdout.contains(stdout), "`{stdout}` is not in stdout:\n{all}");
        assert!(self.stderr.contains(stderr), "`{stderr}` is not in stderr:\n{all}");
    }
}

fn ask(server: &Service, arguments: &[&str]) -> Said {
    asked(server, arguments).output().unwrap().into()
}

#[test]
fn each_thing_that_can_be_done_to_a_run_has_its_command() {
    let daemon = FakeDaemon::new();
    let server = daemon.serve_on_loopback();
    ask(&server, &["runs", "list"]).check(0, "no runs\n", "");
    let id = daemon.queue();
    daemon.to(&id, RunState::Running);
    ask(&server, &["runs", "list", "--state", "running,paused", "--test", "health"]).check(
        0,
        "run-0001  health  -        running  -        2026-11-21T03:16:35.001Z\n",
        "",
    );
    ask(&server, &["runs", "list", "--state", "finished"]).check(0, "no runs\n", "");
    ask(&server, &["runs", "show", "run-0001"]).check(0, "state      running\n", "");
    let shown = ask(&server, &["runs", "show", "run-0001", "--json"]);
    assert_eq!(serde_json::from_str::<Value>(&shown.stdout).unwrap()["state"], "running");
    ask(&server, &["runs", "pause", "run-0001"]).check(0, "state      paused\n", "");
    ask(&server, &["runs", "resume", "run-0001"]).check(0, "state      running\n", "");
    ask(&server, &["runs", "scale", "run-0001", "--scenario", "chat", "--vus", "50"]).check(0, "running", "");
    ask(&server, &["runs", "scale", "run-0001", "--rate", "1.5"]).check(0, "running", "");
    let scaled = [
        Scale { scenario: Some("chat".to_owned()), to: ScaleTo::Vus(50) },
        Scale { scenario: None, to: ScaleTo::Rate(1.5) },
    ];
    assert_eq!(daemon.scaled(), scaled);
    ask(&server, &["runs", "delete", "run-0001"]).check(
        1,
        "",
        "409: the run run-0001 is active: stop it first",
    );
    ask(&server, &["runs", "stop", "run-0001"]).check(0, "verdict    stopped (exit 105)\n", "");
    ask(&server, &["runs", "rerun", "run-0001"]).check(0, "trigger    rerun run-0001\n", "");
    ask(&server, &["runs", "stop", "run-0002"]).check(0, "stopped", "");
    ask(&server, &["runs", "compare", "run-0001", "run-0002"]).check(0, "p(95) got worse by 20 %\n", "");
    ask(&server, &["runs", "delete", "run-0001"]).check(0, "", "deleted the run run-0001");
    ask(&server, &["runs", "show", "run-0001"]).check(1, "", "answered 404: there is no run run-0001");
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_sent() {
    let daemon = FakeDaemon::new();
    let server = daemon.serve_on_loopback();
    for arguments in [
        vec!["runs", "show", "../../-/reload"],
        vec!["runs", "show", ".."],
        vec!["runs", "stop", ""],
        vec!["runs", "scale", "run-0001"],
        vec!["runs", "scale", "run-0001", "--vus", "1", "--rate", "1"],
        vec!["run", "plan.yml", "--listen", "127.0.0.1:0"],
        vec!["run", "plan.yml", "--out", "json=x.json"],
        vec!["run", "plan.yml", "--segment", "1/2"],
        vec!["run", "plan.yml", "--detach", "--stop-on-detach"],
    ] {
        assert_eq!(ask(&server, &arguments).code, 2, "{arguments:?}");
    }
    let alone: Said = loadgate().args(["run", "plan.yml", "--detach"]).output().unwrap().into();
    alone.check(2, "", "--detach needs --server URL");
    assert_eq!(daemon.submitted(), []);
}

#[test]
fn a_daemon_that_is_not_there_is_named() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://{nobody}");
    for arguments in [vec!["runs", "list"], vec!["runs", "follow", "x"], vec!["healthcheck"]] {
        let said: Said = loadgate().args(&arguments).args(["--server", &url]).output().unwrap().into();
        said.check(1, "", &format!("error: failed to reach {url}: "));
        assert!(said.stderr.contains("is `loadgate serve` running there?"), "{}", said.stderr);
    }
}

#[derive(Debug)]
struct One;

impl Tokens for One {
    fn scope(&self, token: &[u8]) -> Option<Scope> {
        (token == b"the-token").then_some(Scope::Query)
    }
}

#[test]
fn the_token_comes_from_a_file_or_the_environment() {
    let daemon = FakeDaemon::new();
    daemon.queue();
    let server = daemon.serve(Access::with_tokens(Arc::new(One)));
    let with = |token: &str| {
        Said::from(asked(&server, &["runs", "list"]).env("LOADGATE_TOKEN", token).output().unwrap())
    };
    with("the-token").check(0, "run-0001", "");
    with("another").check(1, "", "401: this token is not known here");
    ask(&server, &["runs", "list"]).check(1, "", "help: put the token into LOADGATE_TOKEN");
    let folder = tempfile::TempDir::new().unwrap();
    let file = folder.path().join("token");
    std::fs::write(&file, "the-token\n").unwrap();
    let file = file.to_str().unwrap();
    ask(&server, &["runs", "list", "--token-file", file]).check(0, "run-0001", "");
    ask(&server, &["runs", "stop", "run-0001", "--token-file", file]).check(
        1,
        "",
        "403: this takes a token of scope run",
    );
    ask(&server, &["runs", "list", "--token-file", "/nowhere"]).check(
        2,
        "",
        "failed to read the token /nowhere",
    );
    ask(&server, &["healthcheck"]).check(0, "loadgate is ready.\n", "");
}
