//! Who answers which path, and what the faults do to an answer on its way.

use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderValue, SEC_WEBSOCKET_VERSION, UPGRADE};
use hyper::{Request, StatusCode};
use tokio_tungstenite::tungstenite::{self, error::ProtocolError};

use super::answer::{Answer, error, json, with_type};
use super::fault::ActiveFaults;
use super::route::{Route, Segments};
use super::{Backend, broker, control, exposition, pulse, sale};

/// Which conversation an upgraded connection goes on with; an extension of the 101.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Upgrade {
    Chat,
    Live,
    Pulse,
}

/// Answers one request, and counts it.
pub(super) async fn answer(backend: &Backend, request: Request<Incoming>) -> Answer {
    let (route, _) = Route::of(request.uri().path());
    let answer = match route {
        // Whoever set a fault must be able to clear it, so none touches this path.
        Route::Faults => control::answer(&backend.faults, request).await,
        _ => {
            backend.faults.delay().await;
            ordinary(backend, route, request).await
        }
    };
    backend.traffic.count_request(route, answer.status());
    answer
}

async fn ordinary(backend: &Backend, route: Route, request: Request<Incoming>) -> Answer {
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
    let answered = match route {
        Route::Init => sale::init(&backend.sale, request).await,
        Route::Order => sale::order(&backend.sale, &backend.faults, request).await,
        Route::Events => broker::event(&backend.broker, request).await,
        Route::Publish => broker::publish(&backend.broker, &backend.faults, request).await,
        _ => Ok(at_once(backend, route, &request)),
    };
    answered.unwrap_or_else(|refusal| refusal)
}

/// The answers that need no body.
fn at_once(backend: &Backend, route: Route, request: &Request<Incoming>) -> Answer {
    let (_, Segments([chain, block])) = Route::of(request.uri().path());
    match route {
        Route::Chat => upgrade(&backend.faults, request, Upgrade::Chat),
        Route::Live => upgrade(&backend.faults, request, Upgrade::Live),
        Route::Pulse => upgrade(&backend.faults, request, Upgrade::Pulse),
        Route::Metrics => with_type(StatusCode::OK, exposition::CONTENT_TYPE, exposition::render(backend)),
        Route::CorrectnessStatus => pulse::status(backend),
        Route::CorrectnessWatermark => pulse::watermark(),
        Route::CorrectnessHalts => pulse::halts(backend),
        Route::CorrectnessGaps => pulse::gaps(backend),
        Route::Manifests => pulse::manifests(chain),
        Route::Manifest => pulse::manifest(chain, block),
        Route::Stock => sale::stock(&backend.sale, request),
        Route::WaitingRoom => sale::waiting_room(),
        _ => health(&backend.faults),
    }
}

fn health(faults: &ActiveFaults) -> Answer {
    if faults.unhealthy() {
        return json(StatusCode::SERVICE_UNAVAILABLE, r#"{"status":"unhealthy"}"#);
    }
    json(StatusCode::OK, r#"{"status":"ok"}"#)
}

fn upgrade(faults: &ActiveFaults, request: &Request<Incoming>, to: Upgrade) -> Answer {
    if let Some(status) = faults.refused_upgrade() {
        return error(status, "the fault `refuse-upgrades` is on");
    }
    match tungstenite::handshake::server::create_response_with_body(request, Full::default) {
        Ok(mut answer) => {
            answer.extensions_mut().insert(to);
            answer
        }
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
