//! What loadgate answers over HTTP:
//!
//! | path | method | answer |
//! | --- | --- | --- |
//! | `/metrics` | GET, HEAD | the latest families, in the format that `Accept` prefers, gzipped if accepted |
//! | `/-/healthy` | GET, HEAD | 200 |
//! | `/-/ready` | GET, HEAD | 200 once there is something to scrape, 503 before |
//! | anything else | any | 404, with these paths |
//!
//! It only reads what others published, and encodes two answers at a time on threads of their own: a slow or
//! frequent scraper delays neither load nor judgement.

mod exporter;
mod metrics;
mod server;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use tokio::net::TcpListener;
use tower_http::compression::CompressionLayer;

pub use exporter::Exporter;

/// Serves until `shutdown` resolves, then lets requests under way end, for at most five seconds.
///
/// The caller owns the socket and the stop signal, so a test on port 0 runs the same function. A client's
/// faults end its own connection only, so there is no error to return.
pub async fn serve(listener: TcpListener, exporter: Arc<Exporter>, shutdown: impl Future<Output = ()>) {
    server::run(listener, router(exporter), shutdown).await;
}

fn router(exporter: Arc<Exporter>) -> Router {
    Router::new()
        .route("/metrics", get(metrics::metrics))
        .route("/-/healthy", get(healthy))
        .route("/-/ready", get(ready))
        .fallback(not_found)
        .with_state(exporter)
        .layer(CompressionLayer::new().gzip(true))
}

async fn healthy() -> &'static str {
    "loadgate is healthy.\n"
}

async fn ready(State(exporter): State<Arc<Exporter>>) -> (StatusCode, &'static str) {
    match exporter.latest() {
        Some(_) => (StatusCode::OK, "loadgate is ready.\n"),
        None => (StatusCode::SERVICE_UNAVAILABLE, "loadgate has nothing to show yet.\n"),
    }
}

async fn not_found() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "not found; there are /metrics, /-/healthy and /-/ready\n")
}
