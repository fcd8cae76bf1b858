//! Why a request is not answered as it was meant: one shape everywhere, Prometheus'
//! (`{"status":"error","errorType":"…","error":"…"}`).

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

/// Before a request that found no room is made again, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("5");

/// A refusal, whatever refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) status: StatusCode,
    kind: &'static str,
    pub(super) message: String,
    header: Option<(HeaderName, HeaderValue)>,
}

impl Problem {
    pub(super) fn new(status: StatusCode, kind: &'static str, message: impl Into<String>) -> Self {
        Problem { status, kind, message: message.into(), header: None }
    }

    /// 400: what was sent is not what is expected here.
    pub(super) fn bad_data(message: impl Into<String>) -> Self {
        Problem::new(StatusCode::BAD_REQUEST, "bad_data", message)
    }

    /// 401, with what to send (RFC 6750).
    pub(super) fn unauthorized(challenge: &'static str, message: impl Into<String>) -> Self {
        Problem::new(StatusCode::UNAUTHORIZED, "unauthorized", message)
            .with(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge))
    }

    pub(super) fn forbidden(message: impl Into<String>) -> Self {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Problem::new(StatusCode::NOT_FOUND, "not_found", message)
    }

    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Problem::new(StatusCode::CONFLICT, "conflict", message)
    }

    pub(super) fn too_large(message: impl Into<String>) -> Self {
        Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "bad_data", message)
    }

    pub(super) fn unsupported_media_type(message: impl Into<String>) -> Self {
        Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "bad_data", message)
    }

    /// 422: well formed, and cannot be.
    pub(super) fn unprocessable(message: impl Into<String>) -> Self {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "bad_data", message)
    }

    /// 503: no room now; the same request may succeed later.
    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", message)
            .with(header::RETRY_AFTER, RETRY_AFTER)
    }

    fn with(self, name: HeaderName, value: HeaderValue) -> Self {
        Problem { header: Some((name, value)), ..self }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        #[derive(Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            status: &'a str,
            error_type: &'a str,
            error: &'a str,
        }
        let body = Body { status: "error", error_type: self.kind, error: &self.message };
        // A struct of texts is always JSON.
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = (self.status, [(header::CONTENT_TYPE, "application/json")], body).into_response();
        if let Some((name, value)) = self.header {
            response.headers_mut().insert(name, value);
        }
        response
    }
}

/// For a layer outside of the routes: what the router refuses by itself gets the shape of everything else.
pub(super) async fn in_one_shape(response: Response) -> Response {
    if response.status() != StatusCode::METHOD_NOT_ALLOWED
        || response.headers().contains_key(header::CONTENT_TYPE)
    {
        return response;
    }
    let allow = response.headers().get(header::ALLOW).cloned();
    let methods = allow.as_ref().and_then(|allow| allow.to_str().ok()).unwrap_or("no method");
    let problem = Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        format!("this path takes {}", methods.replace(',', ", ")),
    );
    match allow {
        Some(allow) => problem.with(header::ALLOW, allow).into_response(),
        None => problem.into_response(),
    }
}
