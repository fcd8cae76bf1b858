//! The step `batch`: requests at the same time, within its limits, over connections that are kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::once;
use crate::stage::{HttpServer, reply, reply_with, run};

/// A server that answers a request when `together` of them are there, and notes the most at a time.
fn gathering(together: usize) -> (HttpServer, Arc<AtomicUsize>) {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let seen = Arc::clone(&most);
    let server = HttpServer::start(move |asked| {
        let (now, most) = (Arc::clone(&now), Arc::clone(&seen));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            while most.load(Ordering::SeqCst) < together {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            // Whoever could come beside it has the time to.
            tokio::time::sleep(Duration::from_millis(50)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            reply(200, &asked.path)
        }
    });
    (server, most)
}

/// One user's batch of so many requests.
fn batch(server: &HttpServer, limits: &str, count: usize) -> String {
    let requests: Vec<String> =
        (0..count).map(|n| format!("{{http: {{url: '{}/{n}', name: batched}}}}", server.url())).collect();
    format!("- batch: {{{limits}flow: [{}]}}\n", requests.join(", "))
}

fn one_user(flow: &str, rest: &str) -> String {
    once(flow, rest).replace("vus: 2", "vus: 1")
}

#[test]
fn requests_are_made_at_the_same_time_within_both_limits() {
    for (limits, count, expected) in [("", 10, 6), ("per_host: 10, ", 10, 10), ("parallel: 2, ", 5, 2)] {
        // Fewer than expected would wait for ever.
        let (server, most) = gathering(expected);
        let ran = run(&one_user(&batch(&server, limits, count), ""));
        assert_eq!(most.load(Ordering::SeqCst), expected, "{limits}");
        assert_eq!(ran.count("k6_http_reqs_total", &[("name", "batched"), ("status", "200")]), count as u64);
        assert_eq!(server.connections(), expected as u64, "{limits}");
    }
}

#[test]
fn each_host_has_a_limit_of_its_own() {
    let (first, most_first) = gathering(2);
    let (second, most_second) = gathering(2);
    let step = |server: &HttpServer| format!("{{http: {{url: '{}/'}}}}", server.url());
    let (a, b) = (step(&first), step(&second));
    let flow = format!("- batch: {{per_host: 2, flow: [{a}, {a}, {a}, {b}, {b}]}}");
    run(&one_user(&flow, ""));
    assert_eq!((most_first.load(Ordering::SeqCst), most_second.load(Ordering::SeqCst)), (2, 2));
    assert_eq!((first.requests(), second.requests()), (3, 2));
}

#[test]
fn connections_are_kept_for_the_next_batch() {
    let (server, _) = gathering(3);
    let flow = batch(&server, "", 3);
    let step = flow.trim_end().trim_start_matches("- ");
    let ran = run(&one_user(&format!("- repeat: {{times: 4, flow: [{{{step}}}]}}"), ""));
    assert_eq!((server.requests(), server.connections()), (12, 3));
    assert_eq!(ran.count("k6_http_reqs_total", &[]), 12);
}

#[test]
fn checks_see_their_own_answer_and_captures_are_there_afterwards() {
    let server = HttpServer::start(|asked| async move {
        if asked.path == "/slow" {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        let cookie = format!("set-cookie: from{}=1\r\n", asked.path.replace('/', "-"));
        reply_with(200, &cookie, &format!("{{\"path\":\"{}\"}}", asked.path))
    });
    let flow = "- batch:\n    \
                  - http: {url: '{base}/slow', checks: {slow: json.path == '/slow'}, capture: {a: json.path}}\n    \
                  - http: {url: '{base}/fast', checks: {fast: json.path == '/fast'}, capture: {b: json.path}}\n    \
                  - http: {url: 'http://127.0.0.1:1/refused', checks: {refused: error == 1212}}\n    \
                  - http: {url: '{{ vu }} no url', name: malformed, checks: {malformed: error == 1020}}\n\
                - http: {url: '{base}{{ a }}{{ b }}', checks: {cookies: status == 200}}\n";
    let ran = run(&one_user(&flow.replace("{base}", &server.url()), ""));
    for check in ["slow", "fast", "refused", "malformed"] {
        assert_eq!(ran.check(check), (1, 0), "{check}: {}", ran.notes());
    }
    let last = server.asked().pop().unwrap();
    assert_eq!(last.path, "/slow/fast");
    let cookies = last.header("cookie").unwrap();
    assert!(cookies.contains("from-slow=1") && cookies.contains("from-fast=1"), "{cookies}");
}
