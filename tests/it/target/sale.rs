//! The flash sale: `/init`, `/order`, `/stock` and the waiting room.

use serde_json::json;

use super::{Reply, Target, quick};
use loadgate::target::TargetConfig;

const ORDER: &str = r#"{"productId":"iphone-15","userId":"u"}"#;

impl Target {
    async fn on_sale(&self, quantity: u32) {
        let body = json!({"productId": "iphone-15", "quantity": quantity}).to_string();
        assert_eq!(self.post("/init", "", &body).await.status, 200);
    }

    async fn order(&self, key: &str) -> Reply {
        self.post("/order", &format!("x-idempotency-key: {key}\r\n"), ORDER).await
    }

    async fn orders(&self, outcome: &str) -> f64 {
        self.metric(&format!("backend_orders_total{{outcome=\"{outcome}\"}}")).await
    }
}

#[tokio::test]
async fn orders_are_accepted_until_sold_out() {
    let target = Target::start(&[]).await;
    assert_eq!(target.get("/stock").await.status, 404, "nothing is on sale yet");
    target.on_sale(2).await;
    let statuses = [target.order("a").await, target.order("b").await, target.order("c").await];
    assert_eq!(statuses.map(|reply| reply.status), [200, 200, 409]);
    let stock = target.get("/stock").await.json();
    assert_eq!(stock, json!({"productId": "iphone-15", "stock": 0, "quantity": 2, "accepted": 2}));
    assert_eq!(target.get("/stock?productId=iphone-15").await.json(), stock);
    assert_eq!(target.get("/stock?productId=other").await.status, 404);
    assert_eq!((target.orders("accepted").await, target.orders("sold_out").await), (2.0, 1.0));
    assert_eq!(target.metric("backend_stock").await, 0.0);
    target.stop().await;
}

#[tokio::test]
async fn one_idempotency_key_buys_once_and_is_answered_alike() {
    let target = Target::start(&[]).await;
    target.on_sale(5).await;
    let (first, again) = (target.order("a").await, target.order("a").await);
    assert_eq!((first.status, &first.body), (again.status, &again.body));
    let other = target.order("b").await;
    assert_ne!(first.body, other.body);
    assert_eq!(target.get("/stock").await.json()["stock"], 3);
    assert_eq!(target.orders("repeated").await, 1.0);
    target.stop().await;
}

#[tokio::test]
async fn who_comes_too_fast_is_led_to_the_waiting_room() {
    let target = Target::with(TargetConfig { orders_per_sec: 1, ..quick() }).await;
    target.on_sale(1_000_000).await;
    // Two orders may lie in two seconds; of many, one does not.
    let limited = loop {
        let reply = target.post("/order", "", ORDER).await;
        if reply.status != 200 {
            break reply;
        }
    };
    assert_eq!(limited.status, 302);
    let page = target.get(limited.header("location").unwrap()).await;
    assert_eq!(page.status, 200);
    assert!(page.body.starts_with("<!doctype html>"), "{}", page.body);
    assert_eq!(target.orders("rate_limited").await, 1.0);
    target.stop().await;
}

#[tokio::test]
async fn the_fault_oversells() {
    let target = Target::start(&["oversell=1"]).await;
    target.on_sale(1).await;
    for key in ["a", "b", "c"] {
        assert_eq!(target.order(key).await.status, 200);
    }
    assert_eq!(target.get("/stock").await.json()["accepted"], 3);
    target.stop().await;
}

#[tokio::test]
async fn what_is_no_order_is_refused() {
    let target = Target::start(&[]).await;
    assert_eq!(target.order("a").await.status, 404, "not on sale");
    for body in ["", "[]", r#"{"productId":"x"}"#, r#"{"productId":"x","userId":""}"#] {
        assert_eq!(target.post("/order", "", body).await.status, 400, "{body}");
    }
    for body in [r#"{"productId":"x","quantity":-1}"#, r#"{"productId":"","quantity":1}"#] {
        assert_eq!(target.post("/init", "", body).await.status, 400, "{body}");
    }
    assert_eq!(target.get("/order").await.status, 405);
    assert_eq!(target.post("/order", "", &" ".repeat(70_000)).await.status, 413);
    target.stop().await;
}
