//! JSON bodies: bounded each, and bounded together, so that whoever sends much or slowly takes no memory from the load.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, header};
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::super::problem::Problem;

/// Of a plan with its files.
pub(super) const MAX_BUNDLE_BYTES: usize = 64 << 20;
/// Of anything else.
pub(super) const MAX_SMALL_BYTES: usize = 64 << 10;
/// Between two pieces of a body.
const PIECE_TIMEOUT: Duration = Duration::from_secs(30);
/// What is counted by.
const UNIT_BYTES: usize = 64 << 10;
/// Of bodies that are held at a time: two of the largest.
const HELD_UNITS: usize = 2 * MAX_BUNDLE_BYTES / UNIT_BYTES;

/// Memory for all bodies that are read at a time.
#[derive(Debug, Clone)]
pub(super) struct Held(Arc<Semaphore>);

impl Default for Held {
    fn default() -> Self {
        Held(Arc::new(Semaphore::new(HELD_UNITS)))
    }
}

/// What a body says; its memory is counted until this is dropped.
pub(super) struct Said<T> {
    pub(super) value: T,
    _held: Option<OwnedSemaphorePermit>,
}

impl Held {
    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        headers: &HeaderMap,
        body: Body,
        limit: usize,
    ) -> Result<Said<T>, Problem> {
        let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        if !content_type.is_some_and(is_json) {
            return Err(Problem::unsupported_media_type(
                "send JSON, and say so: Content-Type: application/json",
            ));
        }
        let (bytes, held) = self.whole(headers, body, limit).await?;
        // Where a struct is expected a list of its fields would do for serde.
        if bytes.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
            return Err(Problem::bad_data("the body is not what is expected here: expected a JSON object"));
        }
        match serde_json::from_slice(&bytes) {
            Ok(value) => Ok(Said { value, _held: held }),
            Err(error) => Err(Problem::bad_data(format!("the body is not what is expected here: {error}"))),
        }
    }

    async fn whole(
        &self,
        headers: &HeaderMap,
        mut body: Body,
        limit: usize,
    ) -> Result<(Vec<u8>, Option<OwnedSemaphorePermit>), Problem> {
        let too_large = || Problem::too_large(format!("a body here has at most {limit} bytes"));
        let announced =
            headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        if announced.is_some_and(|bytes: u64| bytes > limit as u64) {
            return Err(too_large());
        }
        let mut held: Option<OwnedSemaphorePermit> = None;
        let mut bytes = Vec::new();
        loop {
            let frame = match tokio::time::timeout(PIECE_TIMEOUT, body.frame()).await {
                Ok(Some(Ok(frame))) => frame,
                Ok(None) => return Ok((bytes, held)),
                Ok(Some(Err(error))) => {
                    return Err(Problem::bad_data(format!("the body did not come whole: {error}")));
                }
                Err(_) => return Err(Problem::bad_data("the body stopped coming")),
            };
            let Ok(data) = frame.into_data() else { continue }; // trailers
            if bytes.len() + data.len() > limit {
                return Err(too_large());
            }
            bytes.extend_from_slice(&data);
            let has = held.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
            let missing = bytes.len().div_ceil(UNIT_BYTES).saturating_sub(has);
            if missing > 0 {
                let full = || Problem::unavailable("too many plans are being submitted at this moment");
                let missing = u32::try_from(missing).map_err(|_| too_large())?;
                let more = Arc::clone(&self.0).try_acquire_many_owned(missing).map_err(|_| full())?;
                match &mut held {
                    Some(held) => held.merge(more),
                    None => held = Some(more),
                }
            }
        }
    }
}

fn is_json(content_type: &str) -> bool {
    let media_type = content_type.split(';').next().unwrap_or_default().trim();
    media_type.eq_ignore_ascii_case("application/json")
}
