//! Which path answers what, and what the faults do to an answer on its way.

use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue, SEC_WEBSOCKET_VERSION, UPGRADE};
use hyper::{Request, Response, StatusCode};
use tokio_tungstenite::tungstenite::{self, error::ProtocolError};

use super::fault::ActiveFaults;
use super::{Backend, control, exposition};

pub(super) type Answer = Response<Full<Bytes>>;

/// The paths we know; all others are counted as one, so that a client cannot make series.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Route {
    Health,
    Ready,
    Metrics,
    Chat,
    Faults,
    Unknown,
}

impl Route {
    pub(super) const ALL: [Self; 6] =
        [Self::Health, Self::Ready, Self::Metrics, Self::Chat, Self::Faults, Self::Unknown];

    fn of(path: &str) -> Self {
        Self::ALL.into_iter().find(|route| route.path() == path).unwrap_or(Self::Unknown)
    }

    /// The path, also as the value of the label `path`.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Health => "/health",
            Self::Ready => "/ready",
            Self::Metrics => "/metrics",
            Self::Chat => "/api/chat",
            Self::Faults => "/faults",
            Self::Unknown => "other",
        }
    }

    /// The status of an ordinary answer.
    pub(super) fn success(self) -> StatusCode {
        match self {
            Self::Chat => StatusCode::SWITCHING_PROTOCOLS,
            Self::Unknown => StatusCode::NOT_FOUND,
            _ => StatusCode::OK,
        }
    }

    fn methods(self) -> &'static str {
        match self {
            Self::Chat => "GET",
            Self::Faults => "GET, HEAD, POST, DELETE",
            _ => "GET, HEAD",
        }
    }
}

/// Answers one request, and counts it.
pub(super) async fn answer(backend: &Backend, request: Request<Incoming>) -> Answer {
    let route = Route::of(request.uri().path());
    let answer = match route {
        // Whoever set a fault must be able to clear it, so none touches this path.
        Route::Faults => control::answer(&backend.faults, request).await,
        _ => {
            backend.faults.delay().await;
            ordinary(backend, route, &request)
        }
    };
    backend.traffic.count_request(route, answer.status());
    answer
}

fn ordinary(backend: &Backend, route: Route, request: &Request<Incoming>) -> Answer {
    // A scrape that fails would hide from the rules what the other answers' errors are to show.
    if route != Route::Metrics && backend.faults.fails_this_request() {
        return error(StatusCode::INTERNAL_SERVER_ERROR, "the fault `errors` chose this request");
    }
    if route == Route::Unknown {
        return error(StatusCode::NOT_FOUND, "no such path");
    }
    if !route.methods().split(", ").any(|method| method == request.method().as_str()) {
        return method_not_allowed(route);
    }
    match route {
        Route::Chat => upgrade(&backend.faults, request),
        Route::Metrics => {
            let mut answer = Response::new(Full::from(exposition::render(backend)));
            answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(exposition::CONTENT_TYPE));
            answer
        }
        _ => health(&backend.faults),
    }
}

fn health(faults: &ActiveFaults) -> Answer {
    if faults.unhealthy() {
        return json(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"unhealthy"}"#);
    }
    json(StatusCode::OK, r#"{"status":"ok"}"#)
}

fn upgrade(faults: &ActiveFaults, request: &Request<Incoming>) -> Answer {
    if let Some(status) = faults.refused_upgrade() {
        return error(status, "the fault `refuse-upgrades` is on");
    }
    match tungstenite::handshake::server::create_response_with_body(request, Full::default) {
        Ok(answer) => answer,
        Err(reason) => {
            let mut answer = error(refusal_of(&reason), &reason.to_string());
            // RFC 6455, 4.2.2 and 4.4: say what would have been accepted.
            let headers = answer.headers_mut();
            headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
            headers.insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
            answer
        }
    }
}

/// 426 for who did not ask for a WebSocket of our version, 400 for who asked wrongly.
fn refusal_of(reason: &tungstenite::Error) -> StatusCode {
    match reason {
        tungstenite::Error::Protocol(
            ProtocolError::MissingConnectionUpgradeHeader
            | ProtocolError::MissingUpgradeWebSocketHeader
            | ProtocolError::MissingSecWebSocketVersionHeader,
        ) => StatusCode::UPGRADE_REQUIRED,
        _ => StatusCode::BAD_REQUEST,
    }
}

pub(super) fn method_not_allowed(route: Route) -> Answer {
    let mut answer = error(StatusCode::METHOD_NOT_ALLOWED, "method not allowed");
    answer.headers_mut().insert(ALLOW, HeaderValue::from_static(route.methods()));
    answer
}

pub(super) fn error(status: StatusCode, message: &str) -> Answer {
    json(status, serde_json::json!({ "error": message }).to_string())
}

pub(super) fn json(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    answer
}
