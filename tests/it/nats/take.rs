//! Messages in.

use super::{done, errors, failed, iterations, scenario};
use crate::stage::{Nats, run};

fn stored(server: &Nats, messages: u32) {
    server.stream("S", &["s.>"]);
    let ran = done(
        server,
        messages,
        "publish: {subject: 's.{{ iteration % 2 }}', stream: S, json: {n: '{{ iteration }}'}}",
    );
    assert_eq!(failed(&ran), (0, u64::from(messages)));
}

#[test]
fn a_named_consumer_is_shared_and_goes_on_where_it_was() {
    let Some(server) = Nats::start() else { return };
    stored(&server, 1_000);
    let take = format!(
        "{{nats: {{url: '{}', consume: {{stream: S, consumer: shared, deliver: all, count: 100, timeout: 10s}}, checks: {{ours: json.n is defined}}}}}}",
        server.url()
    );
    let vus = "executor: per-vu-iterations, vus: 4, iterations: 1";
    for _ in 0..2 {
        let ran = run(&scenario(vus, &take));
        assert_eq!((errors(&ran), failed(&ran)), (Vec::new(), (0, 4)));
        assert_eq!((ran.count("k6_nats_msgs_received_total", &[]), ran.check("ours")), (400, (400, 0)));
    }
    let rest = done(&server, 1, "consume: {stream: S, consumer: shared, count: 200, timeout: 10s}");
    assert_eq!(rest.count("k6_nats_msgs_received_total", &[]), 200);
}

/// The server would wait 30 s for the acknowledgement of what it has sent to a user who is gone.
#[test]
fn what_was_sent_to_a_user_and_not_taken_is_delivered_to_the_next_at_once() {
    let Some(server) = Nats::start() else { return };
    stored(&server, 1_000);
    let received = |take: &str| {
        let ran =
            done(&server, 1, &format!("consume: {{stream: S, consumer: shared, deliver: all, {take}}}"));
        assert_eq!((errors(&ran), failed(&ran)), (Vec::new(), (0, 1)), "{take}");
        ran.count("k6_nats_msgs_received_total", &[])
    };
    // Whatever fits into that time of the 500 that are asked for at once, or nothing.
    let first = received("for: 1ms");
    let rest = 1_000 - first;
    assert!(rest > 0, "nothing is left to take");
    assert_eq!(received(&format!("count: {rest}, timeout: 10s")), rest);
    assert_eq!(server.unacknowledged("S", "shared"), 0);
}

#[test]
fn a_filter_and_a_start_choose_what_comes() {
    let Some(server) = Nats::start() else { return };
    stored(&server, 10);
    for (consume, expected) in [
        ("deliver: all, subject: s.1, count: 5", 5),
        ("deliver: new, for: 300ms", 0),
        // Of the last seconds, too: clocks differ.
        ("count: 10", 10),
        ("deliver: all, ack: false, count: 10", 10),
    ] {
        let ran = done(&server, 1, &format!("consume: {{stream: S, {consume}}}"));
        assert_eq!(
            (ran.count("k6_nats_msgs_received_total", &[]), failed(&ran)),
            (expected, (0, 1)),
            "{consume}"
        );
    }
}

#[test]
fn too_few_messages_are_a_failure() {
    let Some(server) = Nats::start() else { return };
    stored(&server, 3);
    let ran = done(&server, 1, "consume: {stream: S, deliver: all, count: 4, timeout: 1s}");
    assert_eq!((errors(&ran), failed(&ran)), (vec![("1854".to_owned(), 1)], (1, 0)));
    let ran = done(&server, 1, "consume: {stream: NOT_THERE, count: 1, timeout: 1s}");
    assert_eq!(failed(&ran), (1, 0));
    assert!(errors(&ran).iter().any(|(code, _)| code == "1846"), "{:?}", errors(&ran));
}

#[test]
fn a_subscription_is_kept_between_iterations() {
    let Some(server) = Nats::start() else { return };
    let url = server.url();
    // What is said while no step listens waits for the next one.
    let flow = format!(
        "{{nats: {{url: '{url}', subscribe: {{subject: 'x.*', for: 200ms}}, checks: {{text: body == 'hello'}}}}}}, \
         {{nats: {{url: '{url}', publish: {{subject: x.1, body: hello}}}}}}"
    );
    let ran = run(&iterations(10, &flow));
    // Each but the last one's.
    assert_eq!((errors(&ran), ran.check("text")), (Vec::new(), (9, 0)));
}
