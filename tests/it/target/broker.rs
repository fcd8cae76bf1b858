//! CloudEvents, taken directly and through RabbitMQ's management API.

use serde_json::{Value, json};

use super::{Reply, Target, hear_json};

const PARSER: &str = "network.notifi.lambda.parser.start";
const BUILD: &str = "network.notifi.lambda.build.start";
/// notifi:notifi
const LOGIN: &str = "authorization: Basic bm90aWZpOm5vdGlmaQ==\r\n";
const PUBLISH: &str = "/api/exchanges/%2F/cloud-events/publish";

fn event(event_type: &str) -> Value {
    json!({"specversion": "1.0", "id": "7", "source": "test", "type": event_type, "data": {}})
}

impl Target {
    async fn events(&self, kind: &str) -> f64 {
        self.metric(&format!("backend_cloudevents_total{{event=\"{kind}\"}}")).await
    }

    async fn publish(&self, headers: &str, changes: Value) -> Reply {
        let mut body = json!({
            "properties": {"content_type": "application/cloudevents+json", "delivery_mode": 2},
            "routing_key": BUILD,
            "payload": event(BUILD).to_string(),
            "payload_encoding": "string",
        });
        for (key, value) in changes.as_object().unwrap() {
            body[key] = value.clone();
        }
        self.post(PUBLISH, headers, &body.to_string()).await
    }
}

#[tokio::test]
async fn events_are_taken_structured_and_binary() {
    let target = Target::start(&[]).await;
    let structured = "content-type: application/cloudevents+json\r\n";
    let reply = target.post("/events", structured, &event(PARSER).to_string()).await;
    assert_eq!((reply.status, reply.json()), (202, json!({"status": "accepted", "id": "7"})));
    let binary = format!(
        "content-type: application/json\r\nce-specversion: 1.0\r\nce-id: 8\r\nce-source: t\r\nce-type: {BUILD}\r\n"
    );
    assert_eq!(target.post("/events", &binary, "{}").await.status, 202);
    assert_eq!((target.events("parser").await, target.events("build").await), (1.0, 1.0));
    target.stop().await;
}

#[tokio::test]
async fn events_are_passed_on_to_all_that_listen() {
    let target = Target::start(&[]).await;
    let mut listeners =
        [target.connect("/events/live").await.unwrap(), target.connect("/events/live").await.unwrap()];
    for listener in &mut listeners {
        assert_eq!(hear_json(listener).await, json!({"type": "listening"}));
    }
    let structured = "content-type: application/cloudevents+json\r\n";
    target.post("/events", structured, &event(PARSER).to_string()).await;
    let binary = format!("ce-specversion: 1.0\r\nce-id: 8\r\nce-source: t%20u\r\nce-type: {BUILD}\r\n");
    target.post("/events", &binary, r#"{"n": 1}"#).await;
    for listener in &mut listeners {
        assert_eq!(hear_json(listener).await, event(PARSER));
        let told = hear_json(listener).await;
        assert_eq!(
            (&told["id"], &told["source"], &told["data"]),
            (&json!("8"), &json!("t u"), &json!({"n": 1}))
        );
    }
    assert_eq!(target.metric("backend_cloudevents_missed_total").await, 0.0);
    target.stop().await;
}

#[tokio::test]
async fn what_is_no_event_is_told_why() {
    let target = Target::start(&[]).await;
    let structured = "content-type: application/cloudevents+json\r\n";
    let reply = target.post("/events", structured, r#"{"specversion":"1.0","id":"7"}"#).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.json()["error"], "not a CloudEvent: the attribute `source` is missing");
    assert_eq!(target.post("/events", "", "{}").await.status, 400);
    target.stop().await;
}

#[tokio::test]
async fn a_message_is_routed_as_rabbitmq_does() {
    let target = Target::start(&[]).await;
    let reply = target.publish(LOGIN, json!({})).await;
    assert_eq!((reply.status, reply.json()), (200, json!({"routed": true})));
    let encoded = json!({"payload": "e30=", "payload_encoding": "base64"});
    assert_eq!(target.publish(LOGIN, encoded).await.json(), json!({"routed": true}));
    let unbound = target.publish(LOGIN, json!({"routing_key": "elsewhere"})).await;
    assert_eq!((unbound.status, unbound.json()), (200, json!({"routed": false})));
    target.fault(json!({"fault": "unrouted"})).await;
    assert_eq!(target.publish(LOGIN, json!({})).await.json(), json!({"routed": false}));
    assert_eq!(target.metric("backend_unroutable_messages_total").await, 2.0);
    assert_eq!(target.events("build").await, 1.0);
    target.stop().await;
}

#[tokio::test]
async fn a_publish_that_cannot_be_is_refused_as_rabbitmq_does() {
    let target = Target::start(&[]).await;
    let reply = target.publish("", json!({})).await;
    assert_eq!((reply.status, &reply.json()["error"]), (401, &json!("not_authorized")));
    assert_eq!(target.publish("authorization: Basic YTpi\r\n", json!({})).await.status, 401);
    for changes in [json!({"payload": null}), json!({"payload_encoding": "hex"})] {
        assert_eq!(target.publish(LOGIN, changes).await.status, 400);
    }
    let not_base64 = json!({"payload": "?", "payload_encoding": "base64"});
    assert_eq!(target.publish(LOGIN, not_base64).await.status, 400);
    assert_eq!(target.post("/api/exchanges/%2F/other/publish", LOGIN, "{}").await.status, 404);
    target.stop().await;
}
