//! A broker of CloudEvents: `/events` takes them itself and passes them on to `/events/live`,
//! `/api/exchanges/…/publish` takes them as RabbitMQ's management API does.

mod cloud_event;
mod live;

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::body::Incoming;
use hyper::header::{AUTHORIZATION, HeaderValue, WWW_AUTHENTICATE};
use hyper::{HeaderMap, Request, StatusCode};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use self::cloud_event::CloudEvent;
pub(super) use self::cloud_event::EventKind;
use self::live::Live;
pub(super) use self::live::serve;
use super::answer::{self, Answer, error};
use super::fault::ActiveFaults;
use super::route::{Route, Segments};

const USER: &str = "notifi";
const PASSWORD: &str = "notifi";
/// The virtual host `/`, as it stands in a path.
const VHOST: &str = "%2F";
const EXCHANGE: &str = "cloud-events";
/// The exchange has one queue, bound to `network.notifi.#`.
const BOUND: &str = "network.notifi.";

/// What the broker counts.
#[derive(Default)]
pub(super) struct Broker {
    events: [AtomicU64; EventKind::ALL.len()],
    unroutable: AtomicU64,
    pub(super) live: Live,
}

impl Broker {
    pub(super) fn events(&self, kind: EventKind) -> u64 {
        self.events[kind as usize].load(Ordering::Relaxed)
    }

    pub(super) fn unroutable(&self) -> u64 {
        self.unroutable.load(Ordering::Relaxed)
    }

    fn take(&self, event: &CloudEvent) {
        self.events[event.kind as usize].fetch_add(1, Ordering::Relaxed);
    }
}

pub(super) async fn event(broker: &Broker, request: Request<Incoming>) -> Result<Answer, Answer> {
    let (head, body) = request.into_parts();
    let body = answer::read(body).await?;
    let event = CloudEvent::of_request(&head.headers, &body)
        .map_err(|cause| error(StatusCode::BAD_REQUEST, &format!("not a CloudEvent: {cause}")))?;
    broker.take(&event);
    broker.live.send(|| cloud_event::as_json(&head.headers, &body));
    Ok(answer::json(StatusCode::ACCEPTED, json!({ "status": "accepted", "id": event.id }).to_string()))
}

/// The body of a publish; all four are required, as in RabbitMQ.
#[derive(Deserialize)]
struct Publish {
    #[serde(rename = "properties")]
    _properties: Map<String, Value>,
    routing_key: String,
    payload: String,
    payload_encoding: Encoding,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Encoding {
    String,
    Base64,
}

pub(super) async fn publish(
    broker: &Broker,
    faults: &ActiveFaults,
    request: Request<Incoming>,
) -> Result<Answer, Answer> {
    let (head, body) = request.into_parts();
    if !is_authorized(&head.headers) {
        return Err(login_failed());
    }
    let (_, Segments([vhost, exchange])) = Route::of(head.uri.path());
    if !vhost.eq_ignore_ascii_case(VHOST) || exchange != EXCHANGE {
        return Err(refused(StatusCode::NOT_FOUND, "Object Not Found", "Not Found"));
    }
    let body = answer::read(body).await?;
    let bad_request = |reason: &str| refused(StatusCode::BAD_REQUEST, "bad_request", reason);
    let publish: Publish = serde_json::from_slice(&body).map_err(|cause| bad_request(&cause.to_string()))?;
    let payload = match publish.payload_encoding {
        Encoding::String => publish.payload.into_bytes(),
        Encoding::Base64 => {
            STANDARD.decode(publish.payload).map_err(|_| bad_request("the payload is not base64"))?
        }
    };
    if faults.unrouted() || !publish.routing_key.starts_with(BOUND) {
        broker.unroutable.fetch_add(1, Ordering::Relaxed);
        return Ok(answer::json(StatusCode::OK, r#"{"routed":false}"#));
    }
    // A broker takes any payload; only what is an event is counted as one.
    if let Ok(event) = CloudEvent::structured(&payload) {
        broker.take(&event);
    }
    Ok(answer::json(StatusCode::OK, r#"{"routed":true}"#))
}

fn is_authorized(headers: &HeaderMap) -> bool {
    let given = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
    let Some((scheme, credentials)) = given.and_then(|given| given.split_once(' ')) else { return false };
    scheme.eq_ignore_ascii_case("basic")
        && STANDARD
            .decode(credentials.trim())
            .is_ok_and(|given| given == format!("{USER}:{PASSWORD}").as_bytes())
}

fn login_failed() -> Answer {
    let mut answer = refused(StatusCode::UNAUTHORIZED, "not_authorized", "Login failed");
    answer
        .headers_mut()
        .insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"RabbitMQ Management\""));
    answer
}

/// As RabbitMQ words its refusals.
fn refused(status: StatusCode, error: &str, reason: &str) -> Answer {
    answer::json(status, json!({ "error": error, "reason": reason }).to_string())
}
