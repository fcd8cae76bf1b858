//! What an answer is, and how the common ones are made.

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::{Response, StatusCode};

pub(super) type Answer = Response<Full<Bytes>>;

/// The longest body we read.
const MAX_BODY_BYTES: usize = 64 * 1024;

pub(super) fn error(status: StatusCode, message: &str) -> Answer {
    json(status, serde_json::json!({ "error": message }).to_string())
}

pub(super) fn json(status: StatusCode, body: impl Into<Bytes>) -> Answer {
    with_type(status, "application/json", body)
}

pub(super) fn with_type(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut answer = Response::new(Full::new(body.into()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    answer
}

/// The whole body of a request.
///
/// # Errors
/// The answer to one that is too long (413) or breaks off (400).
pub(super) async fn read(body: Incoming) -> Result<Bytes, Answer> {
    match Limited::new(body, MAX_BODY_BYTES).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(cause) if cause.is::<LengthLimitError>() => {
            let message = format!("the body is longer than {MAX_BODY_BYTES} bytes");
            Err(error(StatusCode::PAYLOAD_TOO_LARGE, &message))
        }
        Err(cause) => Err(error(StatusCode::BAD_REQUEST, &cause.to_string())),
    }
}
