//! A flash sale: `/init` begins one, `/order` buys, `/stock` tells what is left, and who comes too fast is
//! sent to `/waiting-room`.

mod rate_limit;
mod shop;

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use hyper::body::Incoming;
use hyper::header::{HeaderValue, LOCATION};
use hyper::{Request, StatusCode};
use serde::Deserialize;
use serde_json::json;

use self::shop::{Counts, Decision, Shop};
use super::answer::{self, Answer, error};
use super::fault::ActiveFaults;

const IDEMPOTENCY_KEY: &str = "x-idempotency-key";

/// Where who comes too fast is sent to.
const WAITING_ROOM: &str = "/waiting-room";

const WAITING_ROOM_PAGE: &str = "<!doctype html>\n<html lang=\"en\"><title>Waiting room</title>\n\
    <h1>You are in line</h1>\n<p>The sale is busy. Order again in a second.</p>\n</html>\n";

/// The sale, shared by all connections.
pub(super) struct Sale {
    shop: Mutex<Shop>,
    begun: Instant,
    /// Keys are kept as hashes. That two of a sale's keys hash alike is some 1 : 10⁹, with its 100,000 keys.
    hasher: RandomState,
}

impl Sale {
    /// At most `orders_per_sec` orders a second are looked at; 0 for no limit.
    pub(super) fn new(orders_per_sec: u32) -> Self {
        Self {
            shop: Mutex::new(Shop::new(orders_per_sec)),
            begun: Instant::now(),
            hasher: RandomState::new(),
        }
    }

    pub(super) fn counts(&self) -> Counts {
        self.shop().counts()
    }

    /// Of the product put on sale last: what is left.
    pub(super) fn newest_stock(&self) -> u32 {
        self.shop().product(None).map_or(0, |(_, product)| product.stock)
    }

    /// No code under this lock can panic halfway through a change.
    fn shop(&self) -> MutexGuard<'_, Shop> {
        self.shop.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Init {
    product_id: String,
    quantity: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Order {
    product_id: String,
    user_id: String,
}

pub(super) async fn init(sale: &Sale, request: Request<Incoming>) -> Result<Answer, Answer> {
    let body = answer::read(request.into_body()).await?;
    let init: Init = serde_json::from_slice(&body).map_err(|cause| {
        error(StatusCode::BAD_REQUEST, &format!("expected {{\"productId\":ID,\"quantity\":NUMBER}}: {cause}"))
    })?;
    if init.product_id.is_empty() {
        return Err(error(StatusCode::BAD_REQUEST, "`productId` is empty"));
    }
    sale.shop()
        .init(&init.product_id, init.quantity)
        .map_err(|cause| error(StatusCode::BAD_REQUEST, &cause.to_string()))?;
    let body = json!({ "productId": init.product_id, "quantity": init.quantity, "stock": init.quantity });
    Ok(answer::json(StatusCode::OK, body.to_string()))
}

pub(super) async fn order(
    sale: &Sale,
    faults: &ActiveFaults,
    request: Request<Incoming>,
) -> Result<Answer, Answer> {
    let key = request.headers().get(IDEMPOTENCY_KEY).map(|key| sale.hasher.hash_one(key));
    let body = answer::read(request.into_body()).await?;
    let order: Order = serde_json::from_slice(&body).map_err(|cause| {
        error(StatusCode::BAD_REQUEST, &format!("expected {{\"productId\":ID,\"userId\":ID}}: {cause}"))
    })?;
    if order.user_id.is_empty() {
        return Err(error(StatusCode::BAD_REQUEST, "`userId` is empty"));
    }
    let decision =
        sale.shop().order(&order.product_id, key, sale.begun.elapsed(), || faults.oversells_this_order());
    Ok(match decision {
        Decision::Accepted { order: number } => {
            let body = json!({ "status": "accepted", "orderId": number, "productId": order.product_id });
            answer::json(StatusCode::OK, body.to_string())
        }
        Decision::RateLimited => {
            let mut answer = answer::json(StatusCode::FOUND, r#"{"status":"rate_limited"}"#);
            answer.headers_mut().insert(LOCATION, HeaderValue::from_static(WAITING_ROOM));
            answer
        }
        Decision::SoldOut => answer::json(StatusCode::CONFLICT, r#"{"status":"sold_out"}"#),
        Decision::NotOnSale => not_on_sale(),
    })
}

pub(super) fn stock(sale: &Sale, request: &Request<Incoming>) -> Answer {
    let query = request.uri().query().unwrap_or("");
    let asked = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "productId");
    let shop = sale.shop();
    let Some((name, product)) = shop.product(asked.as_ref().map(|(_, name)| name.as_ref())) else {
        return not_on_sale();
    };
    let body = json!({
        "productId": name,
        "stock": product.stock,
        "quantity": product.quantity,
        "accepted": product.accepted,
    });
    answer::json(StatusCode::OK, body.to_string())
}

pub(super) fn waiting_room() -> Answer {
    answer::with_type(StatusCode::OK, "text/html; charset=utf-8", WAITING_ROOM_PAGE)
}

fn not_on_sale() -> Answer {
    error(StatusCode::NOT_FOUND, "not on sale: POST /init {\"productId\":ID,\"quantity\":NUMBER} first")
}
