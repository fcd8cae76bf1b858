//! Messages out: confirmed, in large numbers; returned; refused; properties; CloudEvents.

use lapin::types::{AMQPValue, ShortString};

use super::{done, errors, failed, iterations, scenario};
use crate::stage::{RabbitMq, Read, run};

#[test]
fn every_message_is_confirmed_and_stored() {
    let Some(server) = RabbitMq::start() else { return };
    server.bound("cloud-events", "network.#", "all");
    let publish = format!(
        "{{amqp: {{url: '{}', publish: {{exchange: cloud-events, routing_key: 'network.{{{{ vu }}}}', json: {{n: '{{{{ iteration }}}}'}}}}}}}}",
        server.url()
    );
    let ran = run(&scenario("executor: shared-iterations, vus: 4, iterations: 1001", &publish));
    assert_eq!((errors(&ran), failed(&ran)), (Vec::new(), (0, 1001)));
    let counted = |name| ran.count(name, &[]);
    assert_eq!((counted("k6_amqp_msgs_sent_total"), counted("k6_amqp_acks_total")), (1001, 1001));
    for trend in ["k6_amqp_ack_duration_seconds_count", "k6_amqp_response_time_seconds_count"] {
        assert_eq!(ran.last.sum(trend, &[]), Some(1001.0), "{trend}");
    }
    assert_eq!(ran.last.sum("k6_amqp_connections", &[]), Some(0.0), "all are closed");
    assert_eq!(ran.last.sum("k6_amqp_connecting_seconds_count", &[]), Some(4.0), "each VU has one");
    assert!(counted("k6_data_sent_total") > 1001 * 40, "{}", counted("k6_data_sent_total"));
    assert!(counted("k6_data_received_total") > 0);
    let stored = server.read("all");
    assert_eq!(stored.len(), 1001);
    assert!(stored.iter().all(|message| message.body.starts_with(br#"{"n":"#)));

    // Without confirms they are sent all the same before the VU goes; larger ones go in several frames.
    let body = "body: '{{ \"x\" * 300000 }}'";
    let plain = done(&server, 20, &format!("publish: {{routing_key: all, confirm: false, {body}}}"));
    assert_eq!((failed(&plain), plain.count("k6_amqp_acks_total", &[])), ((0, 20), 0));
    let stored = server.read("all");
    assert_eq!((stored.len(), stored[0].body.len()), (20, 300_000));
    assert!(plain.count("k6_data_sent_total", &[]) > 20 * 300_000);

    // What a step looks at it waits for.
    let seen = done(
        &server,
        3,
        "publish: {routing_key: all, body: x}, checks: {confirmed: error is none}, record: {}",
    );
    assert_eq!((seen.check("confirmed"), failed(&seen)), ((3, 0), (0, 3)));
}

#[test]
fn what_no_queue_takes_comes_back_and_has_failed() {
    let Some(server) = RabbitMq::start() else { return };
    server.bound("cloud-events", "network.#", "all");
    let to = |exchange: &str, more: &str| {
        format!("publish: {{exchange: {exchange}, routing_key: nowhere, {more}}}")
    };
    let returned = done(&server, 50, &to("cloud-events", "body: '{{ iteration }}'"));
    assert_eq!(errors(&returned), [("1898".to_owned(), 50)]);
    assert_eq!((failed(&returned), returned.count("k6_amqp_returned_total", &[])), ((50, 0), 50));
    assert_eq!(returned.count("k6_amqp_acks_total", &[]), 0);

    let unasked = done(&server, 5, &to("cloud-events", "mandatory: false, body: x"));
    assert_eq!((failed(&unasked), unasked.count("k6_amqp_acks_total", &[])), ((0, 5), 5));

    // Each finds its own among many.
    let url = server.url();
    let mixed = run(&iterations(
        200,
        &format!(
            "{{amqp: {{url: '{url}', publish: {{exchange: cloud-events, routing_key: \"{{{{ 'nowhere' if iteration % 7 == 0 else 'network.x' }}}}\", body: '{{{{ iteration }}}}'}}, checks: {{as it should be: (error == 1898) == (iteration % 7 == 0)}}}}}}"
        ),
    ));
    assert_eq!((mixed.check("as it should be"), failed(&mixed)), ((200, 0), (29, 171)));
    assert_eq!(server.depth("all"), 171);

    // An exchange that is not there closes the channel, which takes along what was sent on it; the connection stays.
    let missing = done(&server, 30, &to("not-there", "body: x, ack_timeout: 20s"));
    assert_eq!((errors(&missing), failed(&missing)), (vec![("1899".to_owned(), 30)], (30, 0)));
    assert_eq!(missing.last.sum("k6_amqp_connecting_seconds_count", &[]), Some(1.0));
    let at_times = "publish: {exchange: \"{{ 'not-there' if iteration % 2 else 'cloud-events' }}\", routing_key: network.x, body: x}, checks: {as it should be: (error == 1899) == (iteration % 2 == 1)}";
    let opened_again = done(&server, 20, at_times);
    assert_eq!(opened_again.check("as it should be"), (20, 0), "{:?}", errors(&opened_again));
    assert_eq!(opened_again.last.sum("k6_amqp_connecting_seconds_count", &[]), Some(1.0));
}

#[test]
fn properties_headers_and_cloudevents_arrive_as_they_were_written() {
    let Some(server) = RabbitMq::start() else { return };
    server.queue("q");
    let properties = "content_type: text/plain, content_encoding: identity, delivery_mode: 2, priority: 7, \
         correlation_id: 'c-{{ iteration }}', reply_to: answers, expiration: '60000', message_id: m, timestamp: '1700000000', \
         type: order, user_id: guest, app_id: loadgate";
    done(
        &server,
        1,
        &format!(
            "publish: {{routing_key: q, body: hi, properties: {{{properties}}}, headers: {{'x:y': 'é {{{{ vu }}}}', n: -7, big: 5000000000, ratio: 0.5, last: true, text: '7'}}}}"
        ),
    );
    let [message] = server.read("q").try_into().unwrap_or_else(|_| panic!("one message"));
    let given = &message.properties;
    let text = |text: &Option<ShortString>| text.as_ref().unwrap().as_str().to_owned();
    assert_eq!(
        [
            text(given.content_type()),
            text(given.content_encoding()),
            text(given.correlation_id()),
            text(given.reply_to()),
            text(given.expiration()),
            text(given.message_id()),
            text(given.kind()),
            text(given.user_id()),
            text(given.app_id()),
        ],
        ["text/plain", "identity", "c-0", "answers", "60000", "m", "order", "guest", "loadgate"]
    );
    assert_eq!(
        (*given.delivery_mode(), *given.priority(), *given.timestamp()),
        (Some(2), Some(7), Some(1_700_000_000))
    );
    let header = |name: &str, message: &Read| {
        let headers = message.headers();
        headers.into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
    };
    assert_eq!(header("x:y", &message).as_deref(), Some("é 1"));
    let typed = |name: &str| given.headers().as_ref().unwrap().inner().get(name).cloned().unwrap();
    assert_eq!(typed("n"), AMQPValue::LongInt(-7));
    assert_eq!(typed("big"), AMQPValue::LongLongInt(5_000_000_000));
    assert_eq!(typed("ratio"), AMQPValue::Double(0.5));
    assert_eq!(typed("last"), AMQPValue::Boolean(true));
    assert_eq!(header("text", &message).as_deref(), Some("7"));

    let event = |mode: &str| {
        format!(
            "publish: {{routing_key: q, cloudevent: {{mode: {mode}, type: block.created, source: /chain, id: 'a é', data: {{n: 1}}}}}}"
        )
    };
    done(&server, 1, &event("binary"));
    done(&server, 1, &event("structured"));
    let [binary, structured] = server.read("q").try_into().unwrap_or_else(|_| panic!("two messages"));
    assert_eq!(text(binary.properties.content_type()), "application/json");
    assert_eq!(header("cloudEvents:specversion", &binary).as_deref(), Some("1.0"));
    assert_eq!(header("cloudEvents:id", &binary).as_deref(), Some("a é"));
    assert_eq!(header("cloudEvents:datacontenttype", &binary), None);
    assert_eq!(binary.body, br#"{"n":1}"#);
    assert_eq!(text(structured.properties.content_type()), "application/cloudevents+json");
    let whole: serde_json::Value = serde_json::from_slice(&structured.body).unwrap();
    assert_eq!(
        (&whole["type"], &whole["id"], &whole["data"]["n"]),
        (&"block.created".into(), &"a é".into(), &1.into())
    );
}
