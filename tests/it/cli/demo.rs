//! The demo: target, daemon and page in one process, which leaves nothing behind.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr};

use rustix::process::Signal;
use serde_json::Value;
use tempfile::TempDir;

use super::signals::{send, wait_until};
use crate::stage::{exchange, loadgate};

struct Demo {
    child: Child,
    page: SocketAddr,
    /// Where it may leave something.
    folder: TempDir,
    /// Open, so that it can go on saying things.
    _said: BufReader<ChildStderr>,
}

impl Demo {
    fn start(arguments: &[&str]) -> Demo {
        let folder = tempfile::tempdir().unwrap();
        let mut command = loadgate();
        command.args(["demo", "--quiet", "--vus", "2", "--listen", "127.0.0.1:0"]).args(arguments);
        let mut child = command.env("TMPDIR", folder.path()).spawn().unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap());
        let mut first = String::new();
        said.read_line(&mut first).unwrap();
        let page = first.trim().strip_prefix("page: http://").and_then(|rest| rest.strip_suffix('/'));
        let page = page.unwrap_or_else(|| panic!("{first}")).parse().unwrap();
        Demo { child, page, folder, _said: said }
    }

    fn run(&self) -> Value {
        exchange(self.page, "GET", "/api/v1/runs", "", "").json()["runs"][0].clone()
    }

    /// Its exit code and what it printed; nothing is left where it kept its runs.
    fn end(mut self, signal: Signal) -> (Option<i32>, String) {
        send(&self.child, signal);
        let stdout = std::io::read_to_string(self.child.stdout.take().unwrap()).unwrap();
        let code = self.child.wait().unwrap().code();
        assert_eq!(std::fs::read_dir(self.folder.path()).unwrap().count(), 0, "nothing is left behind");
        (code, stdout)
    }
}

#[test]
fn the_demo_stays_with_its_page_until_it_is_told_to_end_and_exits_with_the_verdict() {
    let demo = Demo::start(&["--duration", "1s", "--stay", "--fault", "slow-loop=30"]);
    let page = exchange(demo.page, "GET", "/", "", "");
    assert!(page.status == 200 && page.text().contains("<title>loadgate</title>"), "{}", page.head);
    wait_until(|| demo.run()["state"] == "finished");
    let run = demo.run();
    assert_eq!(
        (&run["test"], &run["verdict"]),
        (&Value::from("chat-streaming"), &Value::from("failed")),
        "{run}"
    );
    let metrics = exchange(demo.page, "GET", "/metrics", "", "");
    assert!(metrics.text().contains("loadgate_last_verdict{test=\"chat-streaming\",verdict=\"failed\"} 1"));
    let (code, stdout) = demo.end(Signal::INT);
    assert_eq!(code, Some(99), "{stdout}");
    assert!(stdout.contains("verdict: FAILED (exit 99)") && stdout.contains("✗ hz min>90: min="), "{stdout}");
}

#[test]
fn a_signal_stops_the_demos_run_with_its_summary() {
    let demo = Demo::start(&["--duration", "1h"]);
    wait_until(|| demo.run()["state"] == "running");
    let (code, stdout) = demo.end(Signal::INT);
    assert_eq!(code, Some(105), "{stdout}");
    assert!(stdout.contains("verdict: STOPPED (exit 105): signal SIGINT"), "{stdout}");
}

#[test]
fn whoever_is_in_a_hurry_leaves_no_folder_either() {
    let demo = Demo::start(&["--duration", "1h"]);
    wait_until(|| demo.run()["state"] == "running");
    // Before the run has ended by the first one; two of a kind may come as one.
    send(&demo.child, Signal::INT);
    let (code, stdout) = demo.end(Signal::TERM);
    assert_eq!(code, Some(105), "{stdout}");
}

#[test]
fn the_demo_is_for_this_machine_alone() {
    let refused = loadgate().args(["demo", "--listen", "0.0.0.0:0"]).output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let said = String::from_utf8(refused.stderr).unwrap();
    assert!(said.starts_with("error: --listen: "), "{said}");
}
