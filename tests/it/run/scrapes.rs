//! Targets whose `/metrics` are no good: they cost scrapes, not the run.

use std::time::Duration;

use loadgate::verdict::Verdict;

use super::check;
use crate::stage::{HttpServer, Ran, reply, reply_with, run};

/// To the scrape of this number.
type Answer = fn(u64) -> Vec<u8>;

/// A healthy backend whose `/metrics` says this, scraped often.
fn scraped(metrics: impl Fn(u64) -> Vec<u8> + Send + Sync + 'static, interval: &str, rest: &str) -> Ran {
    let backend = HttpServer::start(|_| async { reply(200, "") });
    let target = HttpServer::start(move |asked| {
        let answer = metrics(asked.number);
        async move {
            if answer == b"silence" {
                tokio::time::sleep(Duration::from_secs(3600)).await;
            }
            answer
        }
    });
    run(&format!(
        "name: e2e\n\
         scrape: [{{job: backend, url: '{}/metrics', {interval}}}]\n\
         scenarios: {{s: {{executor: constant-vus, vus: 2, duration: 2s, flow: [\
           {{http: {{url: '{}/'}}}}, {{sleep: 50ms}}]}}}}\n\
         {rest}\n",
        target.url(),
        backend.url()
    ))
}

#[test]
fn a_target_that_cannot_be_scraped_makes_the_run_inconclusive_and_says_why() {
    let endless = || {
        format!("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n{}", "5\r\nhz 1\n\r\n".repeat(1 << 22))
    };
    let cases: [(Answer, &str); 4] = [
        (|_| reply(200, "hz{ 100\n"), "scrapes of `backend` failed, the last with: "),
        (|_| reply(500, ""), "500"),
        (|_| b"silence".to_vec(), "scrapes of `backend` failed, the last with: "),
        (|_| Vec::new(), "scrapes of `backend` failed, the last with: "),
    ];
    const JUDGED: &str = "thresholds: {http_reqs: [count>1]}";
    std::thread::scope(|scope| {
        for (answer, said) in cases {
            scope.spawn(move || {
                let ran = scraped(answer, "interval: 200ms, timeout: 100ms", JUDGED);
                check(&ran, Verdict::Inconclusive, &["1 reason not to trust the numbers", said]);
                assert_eq!(ran.finished.doubts.len(), 1, "{}", ran.verdict());
                assert!(ran.count("k6_http_reqs_total", &[("status", "200")]) > 2, "the run went on");
            });
        }
        scope.spawn(move || {
            let endless = endless().into_bytes();
            let ran = scraped(move |_| endless.clone(), "interval: 1s, timeout: 1s", JUDGED);
            check(&ran, Verdict::Inconclusive, &["scrapes of `backend` failed"]);
        });
    });
}

#[test]
fn a_scrape_that_fails_now_and_then_is_no_reason_to_doubt() {
    // Of some twenty scrapes one.
    let answer = |number| if number == 3 { reply(200, "hz{ 1\n") } else { reply(200, "hz 100\n") };
    let rest = "probes: {hz: {query: hz, interval: 100ms}}\nthresholds: {hz: [avg==100, min==100]}";
    let ran = scraped(answer, "interval: 100ms, timeout: 100ms", rest);
    let health = &ran.finished.scrapes[0];
    assert!(health.missed >= 1 && health.due >= health.missed, "{health:?}");
    // On a machine that stalls more scrapes may be missed than the one; then it has to be said.
    let doubted = health.missed > 1 && health.missed as f64 > 0.1 * health.due as f64;
    check(&ran, if doubted { Verdict::Inconclusive } else { Verdict::Passed }, &[]);
    let exported = |name: &str| ran.count(name, &[("scrape_job", "backend")]);
    let lost = exported("loadgate_scrape_failures_total") + exported("loadgate_scrape_missed_total");
    assert_eq!(lost, health.missed);
}

#[test]
fn a_failed_target_makes_a_failed_run_even_if_it_cannot_be_scraped() {
    let ran = scraped(|_| reply(200, "{"), "interval: 200ms", "thresholds: {http_reqs: [count<1]}");
    check(&ran, Verdict::Failed, &["✗ http_reqs count<1", "scrapes of `backend` failed"]);
}

#[test]
fn a_probe_is_sampled_from_what_was_scraped_and_stale_after_a_failure() {
    let answer = |number| match number {
        0..5 => reply(200, "hz{instance=\"own\"} 50\nhz{a=\"b\"} 70\n"),
        _ => reply_with(500, "", ""),
    };
    let rest = "probes: {hz: {query: 'hz{job=\"backend\"}', interval: 50ms}, other: {query: 'hz{a=\"b\"}', interval: 50ms}}\n\
                thresholds: {hz: [min==50, max==70, avg==60], other: [avg==70]}";
    let ran = scraped(answer, "interval: 200ms, timeout: 200ms", rest);
    let gates: Vec<bool> = ran.finished.gates.iter().map(|gate| gate.held()).collect();
    assert_eq!(gates, [true; 4], "{}", ran.verdict());
    let samples = &ran.finished.probes[0].samples;
    assert!(samples.count > 0 && samples.missed > 0, "{samples:?}");
}
