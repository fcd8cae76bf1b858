//! What loadgate answers over HTTP:
//!
//! | path | method | answer |
//! | --- | --- | --- |
//! | `/metrics` | GET, HEAD | the latest families, in the format that `Accept` prefers, gzipped if accepted |
//! | `/api/v1/…` | GET, POST | Prometheus' query API over the embedded store: see `v1` |
//! | `/-/healthy` | GET, HEAD | 200 |
//! | `/-/ready` | GET, HEAD | 200 once there is something to scrape, 503 before |
//! | anything else | any | 404, with these paths |
//!
//! It only reads what others published. Metrics are encoded two at a time and queries evaluated on threads of their
//! own, all with a low priority where the thread that serves has called [`lower_priority`], queries in any case: who asks
//! much or slowly delays neither load nor judgement.

mod exporter;
mod latest;
mod metrics;
mod pieces;
mod priority;
mod server;
mod sources;
mod v1;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::map_response;
use axum::routing::get;
use tokio::net::TcpListener;
use tower_http::compression::CompressionLayer;

pub use exporter::Exporter;
pub use latest::Latest;
pub use priority::lower_priority;
pub use sources::{QueryLimits, Sources};
pub use v1::{RuleGroup, Target};

/// Serves until `shutdown` resolves, then lets requests under way end, for at most five seconds.
///
/// The caller owns the socket and the stop signal, so a test on port 0 runs the same function. A client's
/// faults end its own connection only, so there is no error to return.
pub async fn serve(listener: TcpListener, sources: Arc<Sources>, shutdown: impl Future<Output = ()>) {
    server::run(listener, router(sources), shutdown).await;
}

fn router(sources: Arc<Sources>) -> Router {
    Router::new()
        .route("/metrics", get(metrics::metrics))
        .route("/-/healthy", get(healthy))
        .route("/-/ready", get(ready))
        .nest("/api/v1", v1::routes())
        .fallback(not_found)
        .with_state(sources)
        .layer(map_response(pieces::in_pieces))
        .layer(CompressionLayer::new().gzip(true))
}

async fn healthy() -> &'static str {
    "loadgate is healthy.\n"
}

async fn ready(State(sources): State<Arc<Sources>>) -> (StatusCode, &'static str) {
    match sources.exporter.latest() {
        Some(_) => (StatusCode::OK, "loadgate is ready.\n"),
        None => (StatusCode::SERVICE_UNAVAILABLE, "loadgate has nothing to show yet.\n"),
    }
}

async fn not_found() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "not found; there are /metrics, /api/v1/query, /-/healthy and /-/ready\n")
}
