//! `/metrics`.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Sources;
use crate::exposition::{Format, MediaType, body, negotiate};
use crate::family::Family;

/// Before anything is published the exposition is empty, which is valid.
pub(super) async fn metrics(State(sources): State<Arc<Sources>>, headers: HeaderMap) -> Response {
    let accepted: Vec<&str> =
        headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok()).collect();
    let media_type = negotiate(Some(&accepted.join(",")));
    let exporter = &sources.exporter;
    let _place = exporter.encoders.acquire().await;
    let families = exporter.latest().unwrap_or_default();
    let encoding = tokio::task::spawn_blocking(move || encoded(&families, media_type));
    match encoding.await {
        Ok(body) => {
            let headers = [(header::CONTENT_TYPE, media_type.content_type()), (header::VARY, "accept")];
            (headers, body).into_response()
        }
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the metrics could not be encoded\n").into_response(),
    }
}

/// Between two families it gives way: a worker that has become due on the same core does not wait until the scheduler
/// takes this thread's slice away.
fn encoded(families: &[Family], media_type: MediaType) -> Vec<u8> {
    if media_type == MediaType::Text(Format::OpenMetrics) {
        // Ends in a line of its own, and what a family is called depends on the others.
        return body(families, media_type);
    }
    let mut out = Vec::new();
    for family in families {
        out.extend(body(std::slice::from_ref(family), media_type));
        std::thread::yield_now();
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::FamilyKind;
    use crate::labels::Labels;

    #[test]
    fn family_by_family_is_the_same_as_all_at_once() {
        let family = |name| Family::single(name, FamilyKind::Counter, "Help.", Labels::empty(), 1.0);
        let families = ["a_total", "a", "b_total"].map(family);
        for media_type in
            [MediaType::Text(Format::Text), MediaType::Text(Format::OpenMetrics), MediaType::Protobuf]
        {
            assert_eq!(encoded(&families, media_type), body(&families, media_type), "{media_type:?}");
        }
    }
}
