//! Whole runs by the library, against the demo target and servers that mean ill: what is counted, and
//! what the verdict is. Nothing here asks how long anything took.

mod batch;
mod bodies;
mod control;
mod cookies;
mod guard;
mod http;
mod keep_open;
mod life;
mod records;
mod rules;
mod scrapes;
mod steps;
mod targets;
mod websocket;

use std::time::Duration;

use loadgate::rules::Outcome;
use loadgate::verdict::Verdict;

use crate::stage::{HttpServer, Ran, Service, demo_target, reply, run};

/// A plan whose one scenario `s` has this flow, each iteration once per user, two users.
pub(super) fn once(flow: &str, rest: &str) -> String {
    // No iteration begins after the first: the executor's time is over when it ends.
    let flow = flow.trim_end().replace('\n', "\n      ");
    format!(
        "name: e2e\n\
         scenarios:\n  \
           s:\n    \
             executor: constant-vus\n    \
             vus: 2\n    \
             duration: 1s\n    \
             graceful_stop: 60s\n    \
             flow:\n      {flow}\n      \
               - sleep: 1s\n\
         {rest}\n"
    )
}

/// Chats and health checks side by side, as in the demo.
fn demo(target: &Service, thresholds: &str) -> String {
    let (http, ws) = (target.http(), target.ws());
    format!(
        "name: e2e\n\
         scrape: [{{job: backend, url: '{http}/metrics', interval: 1s, timeout: 1s}}]\n\
         probes:\n  \
           hz: {{query: 'backend_loop_hz{{job=\"backend\"}}', interval: 200ms}}\n  \
           chats: {{query: backend_chat_connections, interval: 200ms}}\n\
         scenarios:\n  \
           chat:\n    \
             executor: constant-vus\n    \
             vus: 3\n    \
             duration: 2s\n    \
             flow:\n      \
               - websocket:\n          \
                   url: {ws}/api/chat\n          \
                   flow:\n            \
                     - repeat:\n                \
                         times: 5\n                \
                         flow:\n                  \
                           - send: {{json: {{type: message, content: hello}}}}\n                  \
                           - receive: {{until: json.type == 'done', timeout: 30s, record: reply_time}}\n                  \
                           - sleep: 100ms\n      \
               - sleep: 100ms\n  \
           health:\n    \
             executor: constant-vus\n    \
             vus: 2\n    \
             duration: 2s\n    \
             flow:\n      \
               - http: {{url: '{http}/health', checks: {{healthy: status == 200}}}}\n      \
               - sleep: 50ms\n\
         metrics: {{reply_time: {{type: trend, time: true}}}}\n\
         thresholds: {{{thresholds}}}\n"
    )
}

fn check(ran: &Ran, verdict: Verdict, said: &[&str]) {
    let gates = ran.finished.thresholds().map(|gate| format!("{}: {:?}\n", gate.name(), gate.value));
    let told = format!("{}\n{}", ran.verdict(), gates.collect::<String>());
    assert_eq!(ran.finished.verdict, verdict, "{told}\n{}", ran.notes());
    for said in said {
        assert!(told.contains(said), "`{said}` is not in:\n{told}");
    }
}

#[test]
fn each_fault_of_the_target_is_seen_by_a_gate() {
    let cases: [(&str, &str, &[&str]); 7] = [
        (
            "latency=400ms",
            "http_req_duration: ['p(95)<300ms'], ws_first_message: ['med<300ms'], reply_time: ['min<300ms']",
            &[
                "✗ http_req_duration p(95)<300ms: p(95)=",
                "✗ ws_first_message med<300ms: med=",
                "✗ reply_time min<300ms: min=",
            ],
        ),
        (
            "errors=0.5",
            "http_req_failed: ['rate<0.1'], 'checks{check:healthy}': ['rate>0.9']",
            &["✗ http_req_failed rate<0.1: rate=", "✗ checks{check:healthy} rate>0.9: rate="],
        ),
        ("stall=700ms/1s", "http_req_waiting: ['max<350ms']", &["✗ http_req_waiting max<350ms: max="]),
        (
            "refuse-upgrades=503",
            "ws_connection_errors: ['count<1']",
            &["✗ ws_connection_errors count<1: count="],
        ),
        ("slow-loop=20", "hz: ['min>50']", &["✗ hz min>50: min="]),
        ("stalled-loop", "hz: ['value>50']", &["✗ hz value>50: value="]),
        ("unhealthy", "http_req_failed: ['rate<0.1']", &["✗ http_req_failed rate<0.1: rate=100.00%"]),
    ];
    // Each has a target of its own, and all mostly wait.
    std::thread::scope(|scope| {
        for (fault, thresholds, said) in cases {
            scope.spawn(move || {
                let target = demo_target(&[fault]);
                check(&run(&demo(&target, thresholds)), Verdict::Failed, said);
            });
        }
    });
}

#[test]
fn without_a_fault_the_same_gates_hold() {
    let target = demo_target(&[]);
    let ran = run(&demo(
        &target,
        "http_req_duration: ['p(95)<20s'], http_req_failed: [rate==0], checks: [rate==1], \
         ws_connection_errors: [count==0], ws_receive_failed: [rate==0], reply_time: ['min>50ms', 'max<20s'], \
         ws_first_message: ['min>10ms'], hz: [min>0], chats: ['max>=1', 'max<=3'], \
         http_reqs: [count>=4, rate>0], iterations: [count>=5], dropped_iterations: [count==0], \
         vus: [value>=0], data_received: [count>1000], 'http_req_duration{expected_response:true}': [max<60s], \
         'http_reqs{status:200}': [count>=4], 'http_reqs{scenario:health,method:GET}': [count>=4], \
         'http_reqs{expected_response:false}': [count==0]",
    ));
    check(&ran, Verdict::Passed, &[]);
    assert!(ran.finished.thresholds().all(|gate| gate.outcome == Outcome::Held && gate.value.is_some()));
    assert_eq!(ran.finished.gates.len(), 21);
    assert_eq!(ran.last.sum("k6_ws_connected", &[]), Some(0.0));
    assert!(ran.earlier.iter().any(|seen| seen.count("k6_ws_connected", &[]) > 0), "nobody was seen to chat");
}

#[test]
fn a_threshold_that_aborts_ends_the_run_early_and_fails_it() {
    let target = demo_target(&["errors=1"]);
    let threshold = |delay: &str| {
        format!(
            "http_req_failed: [{{threshold: rate<0.1, abort_on_fail: true, delay_abort_eval: {delay}}}], \
             checks: [rate>0.1]"
        )
    };
    let long = |delay| demo(&target, &threshold(delay)).replace("duration: 2s", "duration: 1h");
    let ran = run(&long("0s"));
    check(
        &ran,
        Verdict::Failed,
        &[
            "! ended early: threshold `rate<0.1` on `http_req_failed` was crossed",
            "✗ checks rate>0.1: rate=0.00%",
        ],
    );
    assert!(ran.count("k6_interrupted_iterations_total", &[]) > 0);
    // Not before the delay: the run lasts at least as long, however slow the machine is.
    let ran = run(&long("2s"));
    check(&ran, Verdict::Failed, &["ended early"]);
    assert!(ran.finished.elapsed > Duration::from_secs(2), "{:?}", ran.finished.elapsed);
}

#[test]
fn a_threshold_that_would_abort_but_holds_or_is_not_yet_due_changes_nothing() {
    let target = demo_target(&["errors=1"]);
    let ran = run(&demo(
        &target,
        "http_req_failed: [{threshold: rate<0.1, abort_on_fail: true, delay_abort_eval: 1h}], \
         http_reqs: [{threshold: count>=0, abort_on_fail: true}]",
    ));
    check(&ran, Verdict::Failed, &["✗ http_req_failed rate<0.1"]);
    assert_eq!(ran.finished.ended_by, None);
    assert_eq!(ran.count("k6_interrupted_iterations_total", &[]), 0);
}

#[test]
fn iterations_that_take_longer_than_the_drain_are_interrupted() {
    let server = HttpServer::start(|asked| async move {
        if asked.number > 0 {
            tokio::time::sleep(Duration::from_secs(3600)).await;
        }
        reply(200, "")
    });
    // The first request is answered, the second is not.
    let flow = format!("- http: {{url: '{}/', timeout: 1h}}", server.url());
    let text = once(&flow, "drain: 1s").replace("graceful_stop: 60s", "graceful_stop: 1h");
    let ran = run(&text);
    let [completed, interrupted] =
        ["k6_iterations_total", "k6_interrupted_iterations_total"].map(|name| ran.count(name, &[]));
    assert_eq!([completed, interrupted], [1, 1], "{}", ran.verdict());
    assert_eq!(ran.count("k6_iteration_duration_seconds_count", &[]), 1);
    // As in k6, a request that is cut off is no request.
    assert_eq!(ran.count("k6_http_reqs_total", &[]), server.answered());
}

#[test]
fn what_does_not_listen_fails_requests_and_not_the_run() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let ran =
        run(&once(&format!("- http: {{url: 'http://{nobody}/'}}"), "thresholds: {iterations: [count>=2]}"));
    check(&ran, Verdict::Passed, &[]);
    let refused = [("status", "0"), ("error_code", "1212"), ("expected_response", "false"), ("name", "/")];
    assert_eq!(ran.count("k6_http_reqs_total", &refused), ran.count("k6_iterations_total", &[]));
}
