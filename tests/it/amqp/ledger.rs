//! The ledger of events over AMQP: nothing is lost, or exactly what was dropped.

use super::errors;
use crate::stage::{Ended, RabbitMq, run};

fn plan(url: &str, publishers: &str, publish: &str, consumers: &str, take: &str) -> String {
    format!(
        "name: ledger\nscenarios:\n  \
         out: {{{publishers}, flow: [amqp: {{url: '{url}', publish: {{{publish}, ledger: events}}}}]}}\n  \
         in: {{{consumers}, flow: [amqp: {{url: '{url}', consume: {{{take}, ledger: events}}}}]}}\n\
         thresholds: {{events_lost: ['count==0']}}\n"
    )
}

#[test]
fn exactly_seven_of_a_hundred_thousand() {
    let Some(server) = RabbitMq::start() else { return };
    server.bound("events", "kept", "q");
    server.bound("events", "dropped", "elsewhere");
    // Seven go to a queue that nobody consumes from.
    let publish = "exchange: events, routing_key: \"{{ 'dropped' if iteration in [0, 1, 77, 1023, 1024, 13000, 24999] and vu % 4 == 1 else 'kept' }}\", body: '{{ iteration }}'";
    let publishers = "executor: per-vu-iterations, vus: 4, iterations: 25000";
    let consumers =
        "executor: per-vu-iterations, vus: 2, iterations: 1, graceful_stop: 60s, start_after: out";
    let ran = run(&plan(&server.url(), publishers, publish, consumers, "queue: q, for: 1s, wait: 8s"));
    let counted = |name| ran.count(name, &[]);
    assert_eq!(errors(&ran), []);
    assert_eq!(counted("k6_events_published_total"), 100_000);
    assert_eq!((counted("k6_events_received_total"), counted("k6_events_lost_total")), (99_993, 7));
    assert_eq!(counted("k6_events_duplicated_total"), 0);
    assert!(ran.verdict().contains("events_lost"), "{}", ran.verdict());
    assert_eq!(server.depth("elsewhere"), 7);

    // What comes back was not published: it is a failure, and not lost.
    let publish = "exchange: events, routing_key: \"{{ 'nowhere' if iteration % 10 == 0 else 'kept' }}\"";
    let publishers = "executor: shared-iterations, vus: 3, iterations: 600";
    let consumers = "executor: per-vu-iterations, vus: 1, iterations: 1";
    let plan = plan(&server.url(), publishers, publish, consumers, "queue: q, for: 2s, wait: 20s");
    let ended = Ended::run(&plan, &["--quiet"]);
    ended.check(0, &[]);
    let export = ended.export();
    let count = |name: &str| export["metrics"][name]["values"]["count"].as_f64().unwrap_or(-1.0) as i64;
    let published = count("events_published");
    assert_eq!((published + count("amqp_returned"), count("events_lost")), (600, 0), "{}", ended.stdout);
    assert_eq!(count("events_received"), published);
    assert!(count("amqp_returned") > 0);
}
