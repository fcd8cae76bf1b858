//! `/ws`: subscriptions and their events; `/api/v1`: how sure the service is of them.

use serde_json::{Value, json};

use super::{Socket, Target, hear_json, quick, say};
use loadgate::target::TargetConfig;

async fn ask(socket: &mut Socket, request: Value) -> Value {
    say(socket, request.to_string()).await;
    loop {
        let heard = hear_json(socket).await;
        if heard["type"] != "event" {
            return heard;
        }
    }
}

async fn event(socket: &mut Socket) -> Value {
    let heard = hear_json(socket).await;
    assert_eq!(heard["type"], "event", "{heard}");
    heard
}

#[tokio::test]
async fn a_subscriber_gets_the_events_of_its_filter_numbered_without_a_gap() {
    let target = Target::start(&[]).await;
    let mut socket = target.connect("/ws").await.unwrap();
    let filter = json!({"chains": ["ethereum"], "types": ["transfer", "swap"], "min_value": 500});
    let answer = ask(&mut socket, json!({"type": "subscribe", "id": "a", "filter": filter})).await;
    let expected = json!({"type": "subscribed", "id": "a", "subscription": "s1", "complexity": "complex"});
    assert_eq!(answer, expected);
    let mut last: Option<Value> = None;
    for _ in 0..20 {
        let event = event(&mut socket).await;
        assert_eq!((&event["subscription"], &event["chain"]), (&json!("s1"), &json!("ethereum")));
        assert!(["transfer", "swap"].contains(&event["event_type"].as_str().unwrap()), "{event}");
        assert!(event["value"].as_u64().unwrap() >= 500, "{event}");
        assert!(event["block"].as_u64().unwrap() > 18_908_895, "{event}");
        if let Some(last) = last {
            assert_eq!(event["seq"].as_u64(), last["seq"].as_u64().map(|seq| seq + 1));
            assert!(event["timestamp"].as_u64() >= last["timestamp"].as_u64());
        }
        last = Some(event);
    }
    assert!(target.metric("backend_events_delivered_total").await >= 20.0);
    target.stop().await;
}

#[tokio::test]
async fn all_who_ask_for_the_same_get_the_same_events() {
    let target = Target::start(&[]).await;
    let mut first = target.connect("/ws").await.unwrap();
    let mut second = target.connect("/ws").await.unwrap();
    for socket in [&mut first, &mut second] {
        let answer = ask(socket, json!({"type": "subscribe", "filter": {"chains": ["solana"]}})).await;
        assert_eq!(answer["subscription"], "s1");
    }
    let wanted = event(&mut second).await;
    loop {
        let event = event(&mut first).await;
        if event["seq"] == wanted["seq"] {
            assert_eq!(event, wanted);
            break;
        }
    }
    assert_eq!(target.metric("backend_ws_subscriptions").await, 2.0);
    drop((first, second));
    target.metric_until("backend_ws_subscriptions", |count| count == 0.0).await;
    target.metric_until("backend_ws_connections", |count| count == 0.0).await;
    target.stop().await;
}

#[tokio::test]
async fn subscriptions_are_listed_and_given_up() {
    let target = Target::with(TargetConfig { events_per_sec: 0, ..quick() }).await;
    let mut socket = target.connect("/ws").await.unwrap();
    let none = ask(&mut socket, json!({"type": "list", "id": 1})).await;
    assert_eq!(none, json!({"type": "subscriptions", "id": 1, "subscriptions": []}));
    ask(&mut socket, json!({"type": "subscribe", "id": 2})).await;
    ask(&mut socket, json!({"type": "subscribe", "id": 3, "filter": {"types": ["swap"]}})).await;
    let again = ask(&mut socket, json!({"type": "subscribe", "id": 4, "filter": {"types": ["swap"]}})).await;
    assert_eq!(again["subscription"], "s2", "the same again is the same subscription");
    let both = ask(&mut socket, json!({"type": "list"})).await;
    let listed = json!([
        {"subscription": "s1", "filter": {}},
        {"subscription": "s2", "filter": {"types": ["swap"]}},
    ]);
    assert_eq!(both, json!({"type": "subscriptions", "id": null, "subscriptions": listed}));

    let request = json!({"type": "unsubscribe", "id": {"n": 5}, "subscription": "s1"});
    let expected = json!({"type": "unsubscribed", "id": {"n": 5}, "subscription": "s1"});
    assert_eq!(ask(&mut socket, request.clone()).await, expected);
    let twice = ask(&mut socket, request).await;
    assert_eq!(twice, json!({"type": "error", "id": {"n": 5}, "message": "not subscribed to `s1`"}));
    target.stop().await;
}

#[tokio::test]
async fn a_publish_and_a_ping_are_answered_with_what_they_brought() {
    let target = Target::start(&[]).await;
    let mut socket = target.connect("/ws").await.unwrap();
    let published =
        ask(&mut socket, json!({"type": "publish", "id": 7, "timestamp": 1.25, "payload": ["x"]})).await;
    assert_eq!(published, json!({"type": "published", "id": 7, "timestamp": 1.25}));
    let pong = ask(&mut socket, json!({"type": "ping", "id": "a\"b"})).await;
    assert_eq!(pong, json!({"type": "pong", "id": "a\"b", "timestamp": null}));
    target.stop().await;
}

#[tokio::test]
async fn what_cannot_be_done_is_told_why_and_the_connection_goes_on() {
    let target = Target::start(&[]).await;
    let mut socket = target.connect("/ws").await.unwrap();
    for (request, part) in [
        (json!("nonsense"), "expected struct Request"),
        (json!({"type": "shout"}), "unknown variant `shout`"),
        (json!({"type": "subscribe", "filter": {"chains": ["bitcoin"]}}), "unknown variant `bitcoin`"),
        (json!({"type": "subscribe", "filter": {"chain": "solana"}}), "unknown field `chain`"),
        (json!({"type": "unsubscribe"}), "needs `subscription`"),
    ] {
        let answer = ask(&mut socket, request).await;
        assert_eq!(answer["type"], "error");
        assert!(answer["message"].as_str().unwrap().contains(part), "{answer}");
    }
    assert_eq!(ask(&mut socket, json!({"type": "ping"})).await["type"], "pong");
    target.stop().await;
}

#[tokio::test]
async fn dropped_events_show_as_gaps_in_the_numbers_and_over_http() {
    let target = Target::start(&["drop-events=0.5"]).await;
    let mut socket = target.connect("/ws").await.unwrap();
    ask(&mut socket, json!({"type": "subscribe"})).await;
    let first = event(&mut socket).await["seq"].as_u64().unwrap();
    let second = event(&mut socket).await["seq"].as_u64().unwrap();
    assert_eq!(second, first + 2, "every second event is lost");
    let gaps = target.get("/api/v1/correctness/gaps").await.json();
    assert!(gaps["gaps"][0]["lost_events"].as_u64() > Some(0), "{gaps}");
    assert_eq!(target.get("/api/v1/correctness/status").await.json()["status"], "degraded");
    target.stop().await;
}

#[tokio::test]
async fn correctness_is_reported_and_a_stalled_loop_is_a_halt() {
    let target = Target::start(&[]).await;
    let get = async |what: &str| target.get(&format!("/api/v1/correctness/{what}")).await.json();
    let status = get("status").await;
    assert_eq!((&status["status"], &status["halts"]), (&json!("correct"), &json!(0)));
    let watermark = &get("watermark").await["watermarks"][0];
    let (block, lag) = (watermark["block"].as_u64().unwrap(), watermark["lag_blocks"].as_u64().unwrap());
    assert!(block + lag >= status["chains"][0]["head"].as_u64().unwrap());
    assert_eq!(get("halts").await["halts"], json!([]));
    assert_eq!(get("gaps").await["gaps"], json!([]));
    target.fault(json!({"fault": "stalled-loop"})).await;
    assert_eq!(get("status").await["status"], "halted");
    assert_eq!(get("halts").await["halts"][0]["chain"], "ethereum");
    target.stop().await;
}

#[tokio::test]
async fn manifests_are_there_up_to_the_head() {
    let target = Target::start(&[]).await;
    let get = async |path: &str| target.get(&format!("/api/v1/manifests/{path}")).await;
    let list = get("ethereum").await.json();
    let head = list["head"].as_u64().unwrap();
    assert_eq!(list["manifests"].as_array().unwrap().len(), 10);
    let one = get(&format!("ethereum/{head}")).await;
    assert_eq!((one.status, one.json()), (200, list["manifests"][0].clone()));
    assert_eq!(one.json()["parent_hash"], list["manifests"][1]["hash"]);

    assert_eq!(get("bitcoin").await.status, 404);
    assert_eq!(get("bitcoin/1").await.status, 404);
    assert_eq!(get(&format!("ethereum/{}", head + 1000)).await.status, 404);
    assert_eq!(get("ethereum/latest").await.status, 400);
    let path = "/api/v1/manifests/{chain}/{block}";
    for (status, count) in [("200", 1.0), ("400", 1.0), ("404", 2.0)] {
        let series = format!("backend_http_requests_total{{path=\"{path}\",status=\"{status}\"}}");
        assert_eq!(target.metric(&series).await, count, "{series}");
    }
    target.stop().await;
}
