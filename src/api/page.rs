//! The page at `/`, its files, the dashboards that it renders, and runbooks. Open to all: there is nothing in them that is not in
//! the source; what they show, they ask of the API, which judges who asks.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::problem::Problem;
use crate::dashboard::{SHIPPED, Shipped};
use crate::page::{Asset, Index, Runbook};

static INDEX: LazyLock<Index> = LazyLock::new(Index::new);

/// `no-cache` asks for the file again, so that a newer daemon is never shown by an older page.
const ALWAYS: [(HeaderName, HeaderValue); 3] = [
    (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
];

pub(super) fn routes() -> Router {
    Router::new()
        .route("/", get(index))
        .route("/page/{name}", get(asset))
        .route("/page/dashboards", get(dashboards))
        .route("/page/dashboards/{uid}", get(dashboard))
        .route("/page/runbooks/{name}", get(runbook))
}

/// Whether a path is one of the page's.
pub(super) fn is_path(path: &str) -> bool {
    path == "/" || path.starts_with("/page/")
}

async fn index() -> Response {
    let policy = [(header::CONTENT_SECURITY_POLICY, INDEX.policy.as_str())];
    (ALWAYS, policy, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], INDEX.html.as_str())
        .into_response()
}

async fn asset(Path(name): Path<String>) -> Response {
    match Asset::of(&name) {
        Some(asset) => (ALWAYS, [(header::CONTENT_TYPE, asset.media_type())], asset.text).into_response(),
        None => Problem::not_found("the page has no such file").into_response(),
    }
}

/// The dashboards' uids, in their order.
async fn dashboards() -> Response {
    let uids: Vec<&str> = SHIPPED.iter().map(|dashboard| dashboard.uid).collect();
    (ALWAYS, [(header::CONTENT_TYPE, "application/json")], serde_json::json!(uids).to_string())
        .into_response()
}

async fn dashboard(Path(uid): Path<String>) -> Response {
    match Shipped::of(&uid) {
        Some(dashboard) => {
            (ALWAYS, [(header::CONTENT_TYPE, "application/json")], dashboard.json).into_response()
        }
        None => Problem::not_found("there is no such dashboard: /page/dashboards lists them").into_response(),
    }
}

async fn runbook(Path(name): Path<String>) -> Response {
    match Runbook::of(&name) {
        Some(book) => {
            (ALWAYS, [(header::CONTENT_TYPE, "text/markdown; charset=utf-8")], book.text).into_response()
        }
        None => Problem::not_found("there is no runbook of this name").into_response(),
    }
}
