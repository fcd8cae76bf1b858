//! A server that goes away in the middle of a run, and comes back; and one that reads nothing for a while.

use super::{errors, failed, scenario};
use crate::stage::{RabbitMq, run, watched};

const ACKS: &str = "k6_amqp_acks_total";

#[test]
fn it_is_connected_to_again_what_was_lost_is_counted_and_the_run_goes_on() {
    let Some(mut server) = RabbitMq::start() else { return };
    server.queue("events");
    // Shorter than what a test may take, so that it ends and says what it waited for.
    let text = format!(
        "name: loss\nscenarios:\n  \
         s: {{executor: constant-vus, vus: 4, duration: 80s, graceful_stop: 10s, flow: [{{sleep: 20ms}}, {{amqp: {{url: '{}', connect_timeout: 5s, publish: {{routing_key: events, ack_timeout: 1s, max_in_flight: 20, properties: {{delivery_mode: 2}}}}}}}}]}}\n\
         thresholds: {{amqp_failed: ['rate<0.001']}}\nlimits: {{max_dropped: 100%}}\n",
        server.url()
    );
    let (ran, server) = watched(&text, |watch| {
        watch.until("100 messages were confirmed", ACKS, 100);
        server.kill();
        let before = watch.until_still("it was noticed that the server is gone", ACKS);
        server.start_again();
        watch.until("100 more messages were confirmed by the server that came back", ACKS, before + 100);
        watch.stop();
        server
    });

    let errors = errors(&ran);
    let of = |code: &str| errors.iter().find(|(known, _)| known == code).map_or(0, |(_, count)| *count);
    assert!(of("1893") >= 1, "connections were lost: {errors:?}");
    assert!(of("1212") >= 1, "nobody was there: {errors:?}");
    assert!(ran.count("k6_amqp_reconnects_total", &[]) >= 1, "{errors:?}");
    let (failures, well) = failed(&ran);
    assert!(failures > 0 && well >= 200, "{failures} {well} {errors:?}");
    assert_eq!(ran.count(ACKS, &[]), well);
    // What was confirmed is on disk; what failed may be there, too.
    assert!(server.depth("events") >= well);
    assert!(ran.verdict().contains("amqp_failed"), "{}", ran.verdict());
}

#[test]
fn a_server_without_memory_confirms_nothing_and_goes_on_when_it_has_some() {
    let Some(server) = RabbitMq::start() else { return };
    server.queue("q");
    let publishing = |executor: &str, more: &str| {
        let url = server.url();
        let publish =
            format!("{{amqp: {{url: '{url}', publish: {{routing_key: q, max_in_flight: 5, {more}}}}}}}");
        scenario(executor, &format!("{{sleep: 20ms}}, {publish}"))
    };
    let without_memory = || server.control(&["set_vm_memory_high_watermark", "absolute", "1MB"]);
    let of = |ran: &crate::stage::Ran, code: &str| {
        errors(ran).iter().find(|(known, _)| known == code).map_or(0, |(_, count)| *count)
    };
    without_memory();

    // Each is waited for as long as a plan says; the message by which a server notices us may still be taken.
    let ran = run(&publishing("executor: per-vu-iterations, vus: 1, iterations: 12", "ack_timeout: 500ms"));
    let (failures, well) = failed(&ran);
    assert!(failures >= 11 && failures + well == 12, "{failures} {well}");
    // Once more for being told so.
    assert_eq!(errors(&ran), [("1905".to_owned(), failures + 1)]);
    assert_eq!(ran.count(ACKS, &[]), well);

    // What is still owed when the load and its grace are over has failed.
    let ran = run(&publishing(
        "executor: constant-vus, vus: 1, duration: 1s, graceful_stop: 1s",
        "ack_timeout: 60s",
    ));
    let sent = ran.count("k6_amqp_msgs_sent_total", &[]);
    let (failures, well) = failed(&ran);
    assert!(sent >= 5 && failures + well == sent && well <= 1, "{sent} {failures} {well}");
    assert_eq!((of(&ran, "1895"), of(&ran, "1905")), (failures, 1), "{:?}", errors(&ran));

    let plan =
        publishing("executor: constant-vus, vus: 1, duration: 80s, graceful_stop: 5s", "ack_timeout: 500ms");
    let (ran, ()) = watched(&plan, |watch| {
        watch.until("the server said that it reads nothing", "k6_amqp_errors_total", 2);
        server.control(&["set_vm_memory_high_watermark", "0.4"]);
        let before = watch.until("a message was confirmed once it did", ACKS, 2);
        watch.until("50 more were", ACKS, before + 50);
        watch.stop();
    });
    assert!(of(&ran, "1905") >= 2 && errors(&ran).len() == 1, "{:?}", errors(&ran));
    assert_eq!(ran.last.sum("k6_amqp_connecting_seconds_count", &[]), Some(1.0), "it is the same connection");
}
