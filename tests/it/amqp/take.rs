//! Messages in: from a queue that consumers share, and from an exchange of which each has all.

use super::{done, errors, failed, iterations, scenario};
use crate::stage::{RabbitMq, run};

#[test]
fn what_a_queue_holds_is_taken_and_acknowledged() {
    let Some(server) = RabbitMq::start() else { return };
    server.queue("q");
    let publish = "publish: {routing_key: q, json: {n: '{{ iteration }}'}, properties: {type: order, delivery_mode: persistent}, headers: {who: me}}";
    assert_eq!(failed(&done(&server, 300, publish)), (0, 300));
    // No more than the prefetch may be under way, so that it only goes on if each is acknowledged.
    let checks = "checks: {in order: json.n == iteration * 100 + taken | default(0), properties: headers.type == 'order' and headers.who == 'me' and headers.content_type == 'application/json' and headers.delivery_mode == '2', where: headers.routing_key == 'q' and headers.redelivered == 'false'}";
    let checks = checks.replace("in order: json.n == iteration * 100 + taken | default(0), ", "");
    let ran = done(&server, 3, &format!("consume: {{queue: q, prefetch: 10, count: 100}}, {checks}"));
    assert_eq!((failed(&ran), ran.count("k6_amqp_msgs_received_total", &[])), ((0, 3), 300));
    assert_eq!((ran.check("properties"), ran.check("where")), ((300, 0), (300, 0)), "{}", ran.notes());
    assert_eq!(server.depth("q"), 0, "what was not acknowledged would be ready again");

    // What was sent ahead and not taken goes back.
    assert_eq!(failed(&done(&server, 50, publish)), (0, 50));
    let some = done(&server, 1, "consume: {queue: q, count: 5}");
    assert_eq!(some.count("k6_amqp_msgs_received_total", &[]), 5);
    assert_eq!(server.depth("q"), 45);
    // Without acknowledgements the server forgets what it has sent.
    let rest = done(&server, 1, "consume: {queue: q, ack: false, for: 1s}");
    assert_eq!((rest.count("k6_amqp_msgs_received_total", &[]), server.depth("q")), (45, 0));

    let few = done(&server, 1, "consume: {queue: q, count: 1, timeout: 300ms}");
    assert_eq!((errors(&few), failed(&few)), (vec![("1908".to_owned(), 1)], (1, 0)));
    let missing = done(&server, 1, "consume: {queue: not-there, for: 1s}");
    assert_eq!((errors(&missing), failed(&missing)), (vec![("1899".to_owned(), 1)], (1, 0)));
    let missing = done(&server, 1, "consume: {exchange: not-there, for: 1s}");
    assert_eq!((errors(&missing), failed(&missing)), (vec![("1899".to_owned(), 1)], (1, 0)));
}

#[test]
fn of_an_exchange_each_vu_has_all_messages() {
    let Some(server) = RabbitMq::start() else { return };
    server.bound("cloud-events", "#", "all");
    let url = server.url();
    let ran = run(&format!(
        "name: fan-out\nscenarios:\n  \
         in: {{executor: per-vu-iterations, vus: 3, iterations: 1, flow: [amqp: {{url: '{url}', consume: {{exchange: cloud-events, routing_key: 'network.*.start', ledger: events, for: 4s}}}}]}}\n  \
         out: {{executor: per-vu-iterations, vus: 1, iterations: 40, start_time: 2s, flow: [\
         amqp: {{url: '{url}', publish: {{exchange: cloud-events, routing_key: network.build.start, ledger: events}}}}, \
         amqp: {{url: '{url}', publish: {{exchange: cloud-events, routing_key: network.build.stop}}}}]}}\n\
         thresholds: {{events_lost: ['count==0']}}\n"
    ));
    let counted = |name| ran.count(name, &[]);
    assert_eq!(errors(&ran), []);
    assert_eq!((counted("k6_events_published_total"), counted("k6_events_received_total")), (40, 120));
    assert_eq!((counted("k6_events_lost_total"), counted("k6_amqp_msgs_received_total")), (0, 120));
    assert_eq!(server.depth("all"), 80);
}

#[test]
fn a_queue_that_goes_away_is_told() {
    let Some(server) = RabbitMq::start() else { return };
    server.queue("q");
    let plan = iterations(
        1,
        &format!("{{amqp: {{url: '{}', consume: {{queue: q, count: 1, timeout: 30s}}}}}}", server.url()),
    );
    let consuming = std::thread::spawn(move || run(&plan));
    while server.consumers("q") == 0 {
        std::thread::yield_now();
    }
    server.delete_queue("q");
    // Its next attempt finds no queue; made again it is consumed from.
    server.queue("q");
    while server.consumers("q") == 0 {
        std::thread::yield_now();
    }
    server.publish("q", b"late");
    let ran = consuming.join().unwrap();
    let errors = errors(&ran);
    assert_eq!(errors.iter().find(|(code, _)| code == "1906"), Some(&("1906".to_owned(), 1)), "{errors:?}");
    assert_eq!((failed(&ran), ran.count("k6_amqp_msgs_received_total", &[])), ((0, 1), 1));
}

/// Where nothing is acknowledged the server sends all it has; what its step does not take is kept up to a limit.
#[test]
fn what_finds_no_room_is_discarded_and_counted() {
    let Some(server) = RabbitMq::start() else { return };
    server.queue("q");
    let url = server.url();
    let filled = run(&scenario(
        "executor: shared-iterations, vus: 2, iterations: 20000",
        &format!("{{amqp: {{url: '{url}', publish: {{routing_key: q, body: x}}}}}}"),
    ));
    assert_eq!(failed(&filled), (0, 20_000));
    // What the server says of the queue comes after what it sent of it.
    let look = format!("{{amqp: {{url: '{url}', queue: q, capture: {{left: json.messages}}}}}}");
    let take = format!("{{amqp: {{url: '{url}', consume: {{queue: q, ack: false, count: 1}}}}}}");
    let all_sent = format!("{{set: {{left: '1'}}}}, {{repeat: {{while: left > 0, flow: [{look}]}}}}");
    let ran = run(&iterations(2, &format!("{take}, {all_sent}")));
    assert_eq!(ran.count("k6_amqp_msgs_received_total", &[]), 2);
    // One was taken before all had come.
    assert_eq!(errors(&ran), [("1907".to_owned(), 20_000 - 1 - 16_384)]);
    assert_eq!(server.depth("q"), 0);
}
