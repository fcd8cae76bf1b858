//! The ledger of events: nothing is lost, or exactly what was dropped.

use super::errors;
use crate::stage::{Ended, Nats, run};

fn plan(url: &str, publishers: &str, publish: &str, consumers: &str, take: &str, more: &str) -> String {
    format!(
        "name: ledger\nscenarios:\n  \
         out: {{{publishers}, flow: [nats: {{url: '{url}', publish: {{{publish}, ledger: events}}}}]}}\n  \
         in: {{{consumers}, flow: [nats: {{url: '{url}', {take}}}]}}\n\
         thresholds: {{events_lost: ['count==0']}}\n{more}"
    )
}

#[test]
fn exactly_seven_of_a_hundred_thousand() {
    let Some(server) = Nats::start() else { return };
    server.stream("EVENTS", &["events.>"]);
    // Seven go where nobody listens.
    let publish = "subject: \"{{ 'nowhere' if iteration in [0, 1, 77, 4095, 4096, 15000, 24999] and vu % 4 == 1 else 'events' }}.x\", body: '{{ iteration }}'";
    let publishers = "executor: per-vu-iterations, vus: 4, iterations: 25000";
    let take = "consume: {stream: EVENTS, consumer: ledger, ledger: events, for: 1s, wait: 20s}";
    let consumers =
        "executor: per-vu-iterations, vus: 2, iterations: 1, start_after: out, graceful_stop: 60s";
    let ran = run(&plan(&server.url(), publishers, publish, consumers, take, ""));
    let counted = |name| ran.count(name, &[]);
    assert_eq!(errors(&ran), []);
    assert_eq!(counted("k6_events_published_total"), 100_000);
    assert_eq!((counted("k6_events_received_total"), counted("k6_events_lost_total")), (99_993, 7));
    assert_eq!(counted("k6_events_duplicated_total"), 0);
    assert!(ran.verdict().contains("events_lost"), "{}", ran.verdict());
}

#[test]
fn what_is_consumed_beside_the_producers_is_whole() {
    let Some(server) = Nats::start() else { return };
    server.stream("EVENTS", &["events.>"]);
    let plan = plan(
        &server.url(),
        "executor: shared-iterations, vus: 3, iterations: 601",
        "subject: events.x, stream: EVENTS, json: {n: '{{ iteration }}'}",
        "executor: per-vu-iterations, vus: 1, iterations: 1",
        "consume: {stream: EVENTS, consumer: shared, ledger: events, count: 601}",
        "",
    );
    let ended = Ended::run(&plan, &["--quiet"]);
    ended.check(0, &[]);
    let export = ended.export();
    let count = |name: &str| export["metrics"][name]["values"]["count"].as_u64().unwrap();
    assert_eq!((count("events_published"), count("events_received"), count("events_lost")), (601, 601, 0));
    assert_eq!(server.unacknowledged("EVENTS", "shared"), 0);
    assert!(ended.stdout.contains("EVENTS"), "a section of its own: {}", ended.stdout);
    let latency = export["metrics"]["event_latency"]["values"]["max"].as_f64();
    assert!(latency.is_some_and(|latency| latency > 0.0), "{}", export["metrics"]["event_latency"]);
}

#[test]
fn each_subscriber_of_its_own_is_owed_every_event() {
    let Some(server) = Nats::start() else { return };
    let plan = plan(
        &server.url(),
        "executor: per-vu-iterations, vus: 1, iterations: 200, start_time: 1s",
        "subject: fan.out",
        "executor: constant-vus, vus: 3, duration: 3s",
        "subscribe: {subject: fan.out, ledger: events, for: 500ms}",
        "",
    );
    let ran = run(&plan);
    let counted = |name| ran.count(name, &[]);
    assert_eq!((counted("k6_events_published_total"), counted("k6_events_received_total")), (200, 600));
    assert_eq!((counted("k6_events_lost_total"), counted("k6_events_reordered_total")), (0, 0));
}

#[test]
fn redelivered_events_are_duplicates() {
    let Some(server) = Nats::start() else { return };
    server.stream("EVENTS", &["events.>"]);
    // Two consumers in one ledger's shared group: each event comes twice.
    let plan = format!(
        "name: twice\nscenarios:\n  \
         out: {{executor: per-vu-iterations, vus: 1, iterations: 50, flow: [nats: {{url: '{0}', publish: {{subject: events.x, stream: EVENTS, ledger: events}}}}]}}\n  \
         in: {{executor: per-vu-iterations, vus: 1, iterations: 1, start_after: out, flow: [\
         nats: {{url: '{0}', consume: {{stream: EVENTS, consumer: one, count: 50, ledger: events}}}}, \
         nats: {{url: '{0}', consume: {{stream: EVENTS, consumer: two, count: 50, ledger: events}}}}]}}\n",
        server.url()
    );
    let ran = run(&plan);
    let counted = |name| ran.count(name, &[]);
    assert_eq!((counted("k6_events_received_total"), counted("k6_events_duplicated_total")), (50, 50));
    assert_eq!(counted("k6_events_lost_total"), 0);
}

#[test]
fn a_ledger_needs_both_sides() {
    let one = "name: one\nscenarios: {s: {executor: constant-vus, duration: 1s, flow: [nats: {url: 'nats://localhost', publish: {subject: x, ledger: events}}]}}\n";
    let problems = crate::stage::compiled(one).map(drop).unwrap_err().to_string();
    assert!(
        problems.contains("the events of the ledger `events` are published and never received"),
        "{problems}"
    );
}
