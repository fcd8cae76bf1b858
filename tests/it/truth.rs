//! Do the numbers tell the truth? What the server saw must be what is reported, and no time may be lost.
//! Only bounds that hold on any machine: a slow one makes times longer, never shorter.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use loadgate::aggregate::Selector;
use loadgate::ids::MetricId;
use loadgate::metric;
use loadgate::record::Distribution;

use crate::stage::{HttpServer, Ran, reply, run};

const QUANTILES: [f64; 9] = [0.0, 0.01, 0.1, 0.25, 0.5, 0.9, 0.95, 0.99, 1.0];

fn arrivals(server: &HttpServer, rate: u32, secs: u32, rest: &str) -> Ran {
    run(&format!(
        "name: truth\n\
         scenarios:\n  \
           s:\n    \
             executor: constant-arrival-rate\n    \
             rate: {rate}\n    \
             duration: {secs}s\n    \
             pre_allocated_vus: 100\n    \
             max_vus: 1000\n    \
             flow: [{{http: {{url: '{}/'}}}}]\n\
         {rest}\n",
        server.url()
    ))
}

fn trend(ran: &Ran, metric: MetricId) -> Distribution {
    ran.finished.totals.trend(&Selector::all(metric)).unwrap()
}

/// Whatever was done to the server, these hold.
fn check_books(ran: &Ran, server: &HttpServer, due: u64) {
    let iterations = ran.count("k6_iterations_total", &[]);
    let dropped = ran.count("k6_dropped_iterations_total", &[]);
    assert_eq!(iterations + dropped, due, "every arrival is accounted for");
    assert_eq!(ran.count("k6_interrupted_iterations_total", &[]), 0);
    // An exchange is an exchange on both sides.
    let requests = ran.count("k6_http_reqs_total", &[]);
    assert_eq!((requests, requests), (server.requests(), iterations));
    assert_eq!(ran.count("k6_http_reqs_total", &[("status", "200"), ("error_code", "")]), server.answered());
    assert_eq!(ran.count("k6_http_req_duration_seconds_count", &[]), requests);
    assert_eq!(ran.count("k6_http_req_failed_total", &[]), requests);
    // And a byte a byte.
    let bytes = (ran.count("k6_data_sent_total", &[]), ran.count("k6_data_received_total", &[]));
    assert_eq!(bytes, server.bytes());
    check_times(ran);
}

fn check_times(ran: &Ran) {
    use metric::*;
    for (_, definition) in ran.finished.totals.catalog().iter() {
        let id = ran.finished.totals.catalog().find(&definition.name).unwrap();
        let Some(trend) = ran.finished.totals.trend(&Selector::all(id)) else { continue };
        let ladder: Vec<f64> = QUANTILES.iter().map(|quantile| trend.quantile(*quantile).unwrap()).collect();
        assert!(ladder.is_sorted(), "percentiles of {} fall: {ladder:?}", definition.name);
        let (least, most) = (trend.min().unwrap(), trend.max().unwrap());
        assert!(ladder[0] >= least && ladder[8] == most, "{}: {ladder:?}", definition.name);
        let avg = trend.avg().unwrap();
        assert!((least..=most).contains(&avg), "{}: {least} {avg} {most}", definition.name);
        let counts: Vec<u64> = trend.cumulative().map(|(_, count)| count).collect();
        assert!(
            counts.is_sorted() && counts.iter().all(|count| *count <= trend.count()),
            "{}",
            definition.name
        );
    }
    let sum = |id| trend(ran, id).sum();
    let phases = [HTTP_REQ_SENDING, HTTP_REQ_WAITING, HTTP_REQ_RECEIVING].map(sum);
    assert_eq!(sum(HTTP_REQ_DURATION), phases.iter().sum::<f64>(), "k6's definition");
    // From when it was due until it was done there is room for all of it.
    assert!(sum(HTTP_REQ_RESPONSE_TIME) >= sum(HTTP_REQ_DURATION) + sum(HTTP_REQ_BLOCKED));
    assert!(sum(HTTP_REQ_BLOCKED) >= sum(HTTP_REQ_CONNECTING) + sum(HTTP_REQ_TLS_HANDSHAKING));
    assert!(sum(ITERATION_DURATION) >= sum(HTTP_REQ_DURATION));
    assert!(sum(ITERATION_RESPONSE_TIME) >= sum(HTTP_REQ_RESPONSE_TIME));
    assert_eq!(
        sum(ITERATION_RESPONSE_TIME) - sum(ITERATION_DURATION),
        sum(ITERATION_LAG),
        "lateness is not lost"
    );
    for quantile in QUANTILES {
        let at = |id| trend(ran, id).quantile(quantile).unwrap();
        // Histograms are within 1 %.
        assert!(at(HTTP_REQ_RESPONSE_TIME) >= at(HTTP_REQ_DURATION) * 0.98, "p{quantile}");
    }
}

#[test]
fn a_server_that_stalls_is_seen_by_all_who_had_to_wait() {
    const STALL: Duration = Duration::from_millis(300);
    const EVERY: Duration = Duration::from_millis(1500);
    let begun = Arc::new(OnceLock::new());
    let server = HttpServer::start(move |_| {
        // From its first request on, a stall is over in `STALL` and begins anew `EVERY`.
        let into = begun.get_or_init(Instant::now).elapsed().as_nanos() % EVERY.as_nanos();
        let left = STALL.saturating_sub(Duration::from_nanos(into as u64));
        async move {
            if !left.is_zero() {
                tokio::time::sleep(left).await;
            }
            reply(200, "ok")
        }
    });
    let ran = arrivals(&server, 200, 4, "");
    check_books(&ran, &server, 801);
    // Of each 1500 ms of arrivals those of 60 ms wait for more than 240 ms: four percent.
    let felt = trend(&ran, metric::HTTP_REQ_RESPONSE_TIME);
    let p99 = felt.quantile(0.99).unwrap();
    assert!(p99 >= STALL.as_nanos() as f64 * 0.8, "{} ms", p99 / 1e6);
    // Four of five met no stall: the usual service time is another story, and told apart.
    let usual = trend(&ran, metric::HTTP_REQ_DURATION).quantile(0.5).unwrap();
    assert!(usual < p99 / 2.0, "p50 {} ms, p99 {} ms", usual / 1e6, p99 / 1e6);
}

#[test]
fn no_time_that_the_server_took_is_missing() {
    let held = Arc::new(AtomicU64::new(0));
    let counted = Arc::clone(&held);
    let server = HttpServer::start(move |asked| {
        let (held, began) = (Arc::clone(&counted), Instant::now());
        async move {
            tokio::time::sleep(Duration::from_millis(asked.number % 50)).await;
            held.fetch_add(began.elapsed().as_nanos() as u64, Ordering::SeqCst);
            reply(200, &"x".repeat(1000))
        }
    });
    let ran = arrivals(&server, 100, 2, "");
    check_books(&ran, &server, 201);
    let waiting = trend(&ran, metric::HTTP_REQ_WAITING);
    assert!(waiting.sum() >= held.load(Ordering::SeqCst) as f64, "{} ns", waiting.sum());
    // The delays are 0 to 49 ms, evenly: a percentile cannot be below its delay.
    for quantile in [0.25, 0.5, 0.9, 0.95, 0.99] {
        let delay = (quantile * 50.0_f64).floor() - 1.0;
        let found = waiting.quantile(quantile).unwrap() / 1e6;
        assert!(found >= delay * 0.99, "p{quantile} is {found} ms, the delay {delay} ms");
    }
}

#[test]
fn a_full_server_shows_as_lag_or_drops_and_never_as_silence() {
    // Ten users, each held for 100 ms, make at most a hundred a second; three hundred are asked for.
    let server = HttpServer::start(|_| async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        reply(200, "")
    });
    let text = format!(
        "name: truth\n\
         scenarios:\n  \
           s: {{executor: constant-arrival-rate, rate: 300, duration: 1s, pre_allocated_vus: 10, max_vus: 10, \
             flow: [{{http: {{url: '{}/'}}}}]}}\n\
         thresholds: {{http_req_failed: [rate==0], dropped_iterations: [count<1]}}\n",
        server.url()
    );
    let ran = run(&text);
    check_books(&ran, &server, 301);
    let dropped = ran.count("k6_dropped_iterations_total", &[]);
    assert!(dropped >= 180, "ten users cannot have done more than 110 of 301: {dropped} dropped");
    assert!(ran.verdict().contains("✗ dropped_iterations count<1"), "{}", ran.verdict());
    assert!(
        ran.verdict().contains("iterations were dropped, more than limits.max_dropped"),
        "{}",
        ran.verdict()
    );
}

#[test]
fn closed_users_keep_the_same_books() {
    let server =
        HttpServer::start(|asked| async move { reply(200, &"x".repeat((asked.number % 5000) as usize)) });
    let ran = run(&format!(
        "name: truth\nscenarios: {{s: {{executor: constant-vus, vus: 4, duration: 1s, flow: [{{http: {{url: '{}/', method: POST, body: '{}'}}}}]}}}}\n",
        server.url(),
        "y".repeat(3000),
    ));
    let requests = ran.count("k6_http_reqs_total", &[]);
    assert!(requests > 0);
    assert_eq!((requests, requests), (server.requests(), server.answered()));
    let bytes = (ran.count("k6_data_sent_total", &[]), ran.count("k6_data_received_total", &[]));
    assert_eq!(bytes, server.bytes());
    assert_eq!(server.connections(), 4);
}
