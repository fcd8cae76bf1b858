//! What loadgate answers over HTTP:
//!
//! | path | method | answer |
//! | --- | --- | --- |
//! | `/metrics` | GET, HEAD | the latest families, in the format that `Accept` prefers, gzipped if accepted |
//! | `/api/v1/…` | GET, POST | Prometheus' query API over the embedded store: see `v1` |
//! | `/`, `/page/…` | GET, HEAD | the page, of a daemon only: see `page` |
//! | `/-/healthy` | GET, HEAD | 200 |
//! | `/-/ready` | GET, HEAD | 200 once there is something to scrape, 503 before |
//! | `/api/v1/runs…`, `/-/reload`, `/openapi.json` | | of a daemon only: see [`runs`] |
//! | anything else | any | 404, with these paths |
//!
//! It only reads what others published. Metrics are encoded two at a time and queries evaluated on threads of their
//! own, all with a low priority where the thread that serves has called [`lower_priority`], queries in any case: who asks
//! much or slowly delays neither load nor judgement.

mod access;
mod exporter;
mod latest;
mod metrics;
mod page;
mod pieces;
mod priority;
mod problem;
pub mod runs;
mod server;
mod sources;
mod tokens;
mod v1;

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::middleware::{from_fn_with_state, map_response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::compression::CompressionLayer;

pub use access::{Access, Scope, Tokens};
pub use exporter::Exporter;
pub use latest::Latest;
pub use priority::lower_priority;
pub use runs::Runs;
pub use sources::{QueryLimits, Sources};
pub use v1::{RuleGroup, Target};

/// Serves until `shutdown` resolves, then lets requests under way end, for at most five seconds.
///
/// The caller owns the socket and the stop signal, so a test on port 0 runs the same function. A client's
/// faults end its own connection only, so there is no error to return.
pub async fn serve(listener: TcpListener, sources: Arc<Sources>, shutdown: impl Future<Output = ()>) {
    server::run(listener, router(sources), shutdown).await;
}

/// Serves as [`serve`] does, and a daemon's runs beside, to those whom `access` lets in.
pub async fn serve_daemon<R: Runs>(
    listener: TcpListener,
    sources: Arc<Sources>,
    runs: R,
    access: Access,
    shutdown: impl Future<Output = ()>,
) {
    let closing = CancellationToken::new();
    let router = daemon_router(sources, runs::Shared::new(runs, closing.clone()), access);
    let shutdown = async {
        shutdown.await;
        closing.cancel();
    };
    server::run(listener, router, shutdown).await;
}

fn router(sources: Arc<Sources>) -> Router {
    let v1 = v1::routes().with_state(Arc::clone(&sources));
    finished(routes(sources).nest("/api/v1", v1).fallback(not_found))
}

fn daemon_router<R: Runs>(sources: Arc<Sources>, shared: runs::Shared<R>, access: Access) -> Router {
    let v1 = v1::routes()
        .with_state(Arc::clone(&sources))
        .merge(runs::routes(shared.clone(), Arc::clone(&sources)));
    let routes = routes(sources)
        .nest("/api/v1", v1)
        .merge(runs::outer_routes(shared))
        .merge(page::routes())
        .fallback(no_such_path);
    let guarded = routes.layer(from_fn_with_state(Arc::new(access), access::guard));
    finished(guarded.layer(map_response(problem::in_one_shape)))
}

/// What is there with a daemon and without.
fn routes(sources: Arc<Sources>) -> Router {
    Router::new()
        .route("/metrics", get(metrics::metrics))
        .route("/-/healthy", get(healthy))
        .route("/-/ready", get(ready))
        .with_state(sources)
}

fn finished(routes: Router) -> Router {
    routes.layer(map_response(pieces::in_pieces)).layer(CompressionLayer::new().gzip(true))
}

/// Whether this process answers
#[utoipa::path(
    get, path = "/-/healthy", tag = "daemon",
    responses((status = 200, body = String, content_type = "text/plain"))
)]
async fn healthy() -> &'static str {
    "loadgate is healthy.\n"
}

/// Whether there is something to scrape
#[utoipa::path(
    get, path = "/-/ready", tag = "daemon",
    responses(
        (status = 200, body = String, content_type = "text/plain"),
        (status = 503, body = String, content_type = "text/plain"),
    )
)]
async fn ready(State(sources): State<Arc<Sources>>) -> (StatusCode, &'static str) {
    match sources.exporter.latest() {
        Some(_) => (StatusCode::OK, "loadgate is ready.\n"),
        None => (StatusCode::SERVICE_UNAVAILABLE, "loadgate has nothing to show yet.\n"),
    }
}

async fn not_found() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "not found; there are /metrics, /api/v1/query, /-/healthy and /-/ready\n")
}

async fn no_such_path() -> problem::Problem {
    problem::Problem::not_found("there is no such path: /openapi.json lists those of a daemon")
}
