//! `GET /api/v1/runs/{id}/events`: what happens to a run, as server-sent events
//! (<https://html.spec.whatwg.org/multipage/server-sent-events.html>).
//!
//! Events are read from the store a page at a time, and the next page only when the last one has gone out: a slow
//! reader costs a page, whatever the run does.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Instant, sleep_until};

use super::super::problem::Problem;
use super::dto::{Error, SentEvent};
use super::request::{Id, last_event_id};
use super::{Runs, Shared};
use crate::daemon::Event;
use crate::store::RunId;

/// Of a stream on which nothing happens, so that both sides notice when the other has gone.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// What happens to a run from its beginning, or from after `Last-Event-ID`, until it has ended
///
/// Each event has its number as `id`, `state`, `progress`, `log` or `finished` as `event`, and JSON as `data`.
#[utoipa::path(
    get, path = "/api/v1/runs/{id}/events", tag = "results", security(("token" = ["query"])),
    params(
        ("id" = String, Path),
        ("Last-Event-ID" = Option<i64>, Header, minimum = 0, description = "The number of the last event that was seen"),
    ),
    responses(
        (status = 200, body = SentEvent, content_type = "text/event-stream"), (status = 400, body = Error),
        (status = 401, body = Error), (status = 403, body = Error), (status = 404, body = Error),
        (status = 503, body = Error, description = "Too many follow at this moment"),
    )
)]
pub(super) async fn events<R: Runs>(
    State(shared): State<Shared<R>>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let after = last_event_id(&headers)?;
    let place = shared.followers.clone().try_acquire_owned();
    let place = place.map_err(|_| Problem::unavailable("too many follow runs at this moment"))?;
    // Before the stream begins there can still be another answer.
    shared.runs.run(&id).await?;
    let feed =
        Feed { shared, id, after, changes_seen: 0, last_sent: Instant::now(), over: false, _place: place };
    let body = Body::from_stream(stream::unfold(feed, async |feed| {
        let (text, feed) = feed.next().await?;
        Some((Ok::<_, Infallible>(text), feed))
    }));
    // Proxies that gather answers would hold events back.
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    Ok((headers, body).into_response())
}

/// One follower.
struct Feed<R> {
    shared: Shared<R>,
    id: RunId,
    after: Option<u64>,
    changes_seen: u64,
    last_sent: Instant,
    over: bool,
    _place: OwnedSemaphorePermit,
}

impl<R: Runs> Feed<R> {
    /// What is to be sent next, as soon as there is something.
    async fn next(mut self) -> Option<(Bytes, Feed<R>)> {
        while !self.over {
            // A run that is deleted meanwhile ends its stream.
            let (page, ended) = self.shared.runs.events(&self.id, self.after).await.ok()?;
            if let Some(last) = page.last() {
                self.after = Some(last.seq);
                self.over = page.iter().any(|event| event.kind == "finished");
                self.last_sent = Instant::now();
                return Some((written(&page), self));
            }
            if ended {
                return None;
            }
            tokio::select! {
                seen = self.shared.runs.changed(self.changes_seen) => self.changes_seen = seen,
                () = sleep_until(self.last_sent + HEARTBEAT) => {
                    self.last_sent = Instant::now();
                    return Some((Bytes::from_static(b": nothing new\n\n"), self));
                }
                () = self.shared.closing.cancelled() => return None,
            }
        }
        None
    }
}

/// JSON has no line ends of its own, so each event's data is one line.
fn written(events: &[Event]) -> Bytes {
    let mut out = String::new();
    for Event { seq, kind, data, .. } in events {
        // Writing to memory does not fail.
        let _ = write!(out, "id: {seq}\nevent: {kind}\ndata: {data}\n\n");
    }
    out.into()
}
