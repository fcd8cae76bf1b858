//! A server that goes away in the middle of a run, and comes back.

use async_nats::jetstream::stream::{Config, StorageType};

use super::errors;
use crate::stage::{Nats, Ran, watched};

/// A run of 14 s whose server is killed in the middle, and comes back; `consumers` is the scenario of those who receive.
fn outage(storage: StorageType, consumers: &str) -> Option<(Ran, Nats)> {
    let mut server = Nats::start()?;
    let stream = Config {
        name: "EVENTS".to_owned(),
        subjects: vec!["events.>".to_owned()],
        storage,
        ..Config::default()
    };
    server.stream_as(stream.clone());
    let text = format!(
        "name: loss\nscenarios:\n  \
         out: {{executor: constant-arrival-rate, rate: 100, duration: 14s, pre_allocated_vus: 2, max_vus: 400, graceful_stop: 20s, \
         flow: [nats: {{url: '{0}', publish: {{subject: events.x, stream: EVENTS, ack_timeout: 1s, max_ack_inflight: 20, ledger: events}}}}]}}\n  \
         in: {{{consumers}, flow: [nats: {{url: '{0}', consume: {{stream: EVENTS, consumer: loss, ledger: events, for: 1s, wait: 3s}}}}]}}\n\
         thresholds: {{nats_failed: ['rate<0.001'], events_lost: ['count==0']}}\nlimits: {{max_dropped: 100%}}\n",
        server.url()
    );
    const ACKS: &str = "k6_nats_acks_total";
    Some(watched(&text, |watch| {
        watch.until("100 messages were acknowledged", ACKS, 100);
        server.kill();
        // A second in which nothing is acknowledged: the last tick may still have been under way.
        let before = watch.until_still("it was noticed that the server is gone", ACKS);
        server.start_again();
        if storage == StorageType::Memory {
            server.stream_as(stream);
        }
        watch.until("100 more messages were acknowledged by the server that came back", ACKS, before + 100);
        server
    }))
}

fn events(ran: &Ran) -> [u64; 3] {
    ["published", "received", "lost"].map(|what| ran.count(&format!("k6_events_{what}_total"), &[]))
}

#[test]
fn it_is_reconnected_what_failed_is_counted_and_the_run_goes_on() {
    let consumers = "executor: constant-vus, vus: 1, duration: 16s, graceful_stop: 10s";
    let Some((ran, server)) = outage(StorageType::File, consumers) else { return };
    let errors = errors(&ran);
    // By step, and so twice.
    let of =
        |code: &str| errors.iter().filter(|(known, _)| known == code).map(|(_, count)| count).sum::<u64>();
    assert!(of("1843") >= 2, "connections were lost: {errors:?}");
    assert!(ran.count("k6_nats_reconnects_total", &[]) >= 1, "{errors:?}");
    let failures = ran.count("k6_nats_failed_total", &[("condition", "nonzero"), ("scenario", "out")]);
    let well = ran.count("k6_nats_failed_total", &[("condition", "zero"), ("scenario", "out")]);
    assert!(failures > 0 && well >= 200, "{failures} {well} {errors:?}");
    assert_eq!(ran.count("k6_nats_acks_total", &[]), well);
    // What was acknowledged is on disk; what failed may be there, too.
    assert!(server.state("EVENTS").messages >= well);
    let [published, received, lost] = events(&ran);
    assert!(published == well && received >= well && lost == 0, "{published} {received} {lost}");
    assert!(ran.verdict().contains("nats_failed"), "{}", ran.verdict());
    assert!(!ran.verdict().contains("events_lost"), "{}", ran.verdict());
}

/// It holds its streams in memory, and nobody has received anything before it dies.
#[test]
fn what_a_server_forgets_is_lost_and_the_verdict_says_so() {
    let consumers =
        "executor: per-vu-iterations, vus: 1, iterations: 1, start_after: out, graceful_stop: 10s";
    let Some((ran, server)) = outage(StorageType::Memory, consumers) else { return };
    let [published, received, lost] = events(&ran);
    assert!(lost >= 100, "{published} were acknowledged, {received} received, {lost} lost");
    assert_eq!(received, server.state("EVENTS").messages);
    assert!(received + lost >= published, "{published} {received} {lost}");
    assert!(ran.verdict().contains("events_lost"), "{}", ran.verdict());
}
