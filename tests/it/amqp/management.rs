//! Publishing by RabbitMQ's management API, as those do who have no client of AMQP.

use super::iterations;
use crate::stage::{Ended, RabbitMq, run};

#[test]
fn a_message_that_went_nowhere_has_failed_although_the_status_is_200() {
    let Some(server) = RabbitMq::start_with_management() else { return };
    server.bound("cloud-events", "network.notifi.#", "all");
    let url = server.management_url();
    let publish = |key: &str| {
        format!(
            "{{http: {{url: '{url}', timeout: 10s, rabbitmq: {{exchange: cloud-events, routing_key: {key}, \
             properties: {{delivery_mode: 2, message_id: 'm-{{{{ iteration }}}}'}}, \
             cloudevent: {{type: network.notifi.lambda.build.start, source: /x, data: {{parser_id: \"{{{{ 'a\\\"b' }}}}\"}}}}}}}}}}"
        )
    };
    let ran = run(&iterations(3, &publish("network.notifi.lambda.build.start")));
    let failures =
        |ran: &crate::stage::Ran| ran.count("k6_http_req_failed_total", &[("condition", "nonzero")]);
    let requests =
        |ran: &crate::stage::Ran, code: &str| ran.count("k6_http_reqs_total", &[("error_code", code)]);
    assert_eq!((failures(&ran), requests(&ran, "")), (0, 3));
    let name = [("name", "/api/exchanges/%2F/cloud-events/publish"), ("method", "POST"), ("status", "200")];
    assert_eq!(ran.count("k6_http_reqs_total", &name), 3);
    let stored = server.read("all");
    assert_eq!(stored.len(), 3);
    let first = &stored[0];
    assert_eq!(first.properties.content_type().as_ref().unwrap().as_str(), "application/cloudevents+json");
    assert_eq!(first.properties.message_id().as_ref().unwrap().as_str(), "m-0");
    assert_eq!(*first.properties.delivery_mode(), Some(2));
    let event: serde_json::Value = serde_json::from_slice(&first.body).unwrap();
    assert_eq!(event["data"]["parser_id"], "a\"b");

    let lost = run(&iterations(4, &publish("elsewhere")));
    assert_eq!((failures(&lost), requests(&lost, "1898")), (4, 4));
    let plan =
        format!("{}thresholds: {{http_req_failed: ['rate<0.01']}}\n", iterations(4, &publish("elsewhere")));
    let ended = Ended::run(&plan, &[]);
    ended.check(99, &["http_req_failed"]);
    let line = ended.stdout.lines().find(|line| line.contains("{ error_code:1898 }")).unwrap_or_default();
    assert!(line.ends_with("no queue takes the message"), "{}", ended.stdout);
    // What has a status of its own keeps its number.
    let missing = publish("x").replace("exchange: cloud-events", "exchange: not-there");
    let missing = run(&iterations(1, &missing));
    let shown: Vec<_> = missing.last.0.iter().filter(|sample| sample.0 == "k6_http_reqs_total").collect();
    assert_eq!(requests(&missing, "1400"), 1, "{shown:?}");
}
