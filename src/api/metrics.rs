//! `/metrics`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Sources;
use crate::exposition::{body_by_family, negotiate};

/// Before anything is published the exposition is empty, which is valid.
#[utoipa::path(
    get, path = "/metrics", tag = "daemon", summary = "The latest metrics, in the format that Accept prefers",
    description = "Prometheus' text format, OpenMetrics, or Prometheus' protobuf.",
    responses((status = 200, body = String, content_type = "text/plain"))
)]
pub(super) async fn metrics(State(sources): State<Arc<Sources>>, headers: HeaderMap) -> Response {
    let accepted: Vec<&str> =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let media_type = negotiate(Some(&accepted.join(",")));
    let exporter = &sources.exporter;
    let _place = exporter.encoders.acquire().await;
    let families = exporter.latest().unwrap_or_default();
    // A worker that becomes due on the same core then does not wait until the scheduler takes this thread's slice away.
    let encoding =
        tokio::task::spawn_blocking(move || body_by_family(&families, media_type, std::thread::yield_now));
    match encoding.await {
        Ok(body) => {
            let headers = [(header::CONTENT_TYPE, media_type.content_type()), (header::VARY, "accept")];
            (headers, body).into_response()
        }
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be encoded\n").into_response(),
    }
}
