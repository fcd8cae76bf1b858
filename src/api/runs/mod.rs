//! The daemon's runs over HTTP:
//!
//! | path | method | scope | answer |
//! | --- | --- | --- | --- |
//! | `/api/v1/runs` | POST | run | 201 and the run; 200 and the same run where the `Idempotency-Key` is known |
//! | `/api/v1/runs` | GET | query | runs, the newest first, by `state`, `test`, `before`, `limit` |
//! | `/api/v1/runs/compare` | GET | query | what got better and worse from run `a` to run `b` |
//! | `/api/v1/runs/{id}` | GET | query | the run |
//! | `/api/v1/runs/{id}` | DELETE | admin | 204; 409 while it is active |
//! | `/api/v1/runs/{id}/stop`, `…/pause`, `…/resume`, `…/scale` | POST | run | the run |
//! | `/api/v1/runs/{id}/rerun` | POST | run | 201 and the new run |
//! | `/api/v1/runs/{id}/events` | GET | query | server-sent events, from after `Last-Event-ID` |
//! | `/api/v1/runs/{id}/summary` | GET | query | the JSON summary; 409 before there is one |
//! | `/api/v1/runs/{id}/log` | GET | query | lines of text |
//! | `/api/v1/runs/{id}/report` | GET | query | the page of the run in one HTML file; 409 before it has ended |
//! | `/api/v1/runs/{id}/api/v1/…` | GET, POST | query | Prometheus' query API over the run's series: see [`series`] |
//! | `/api/v1/plans`, `/api/v1/schedules` | GET | query | the daemon's own |
//! | `/api/v1/access` | GET | query | the scope of who asks |
//! | `/-/reload` | POST | admin | 200; 400 with what is wrong |
//! | `/openapi.json` | GET | open | this table, for programs |
//!
//! Refusals are [`Problem`]s.

mod access;
mod act;
mod body;
pub mod dto;
mod events;
mod list;
mod openapi;
mod plans;
mod reload;
mod request;
mod report;
mod results;
mod series;
mod service;
mod submit;

use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use serde::Serialize;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use service::Runs;

use super::Sources;
use super::access::{Scope, allow};
use super::problem::Problem;
use crate::daemon::Refusal;

/// At a time: of the connections that are served at all, some have to be left for everything else.
const MAX_FOLLOWERS: usize = 64;

/// What the handlers share.
#[derive(Debug, Clone)]
pub(super) struct Shared<R> {
    runs: R,
    held: body::Held,
    followers: Arc<Semaphore>,
    /// Cancelled when the server ends: streams end then, too.
    closing: CancellationToken,
}

impl<R: Runs> Shared<R> {
    pub(super) fn new(runs: R, closing: CancellationToken) -> Self {
        let followers = Arc::new(Semaphore::new(MAX_FOLLOWERS));
        Shared { runs, held: body::Held::default(), followers, closing }
    }
}

/// Below `/api/v1`.
pub(super) fn routes<R: Runs>(shared: Shared<R>, sources: Arc<Sources>) -> Router {
    let query = |routes| allow(Scope::Query, routes);
    let run = |routes| allow(Scope::Run, routes);
    Router::new()
        .route("/runs", query(get(list::list::<R>)).merge(run(post(submit::submit::<R>))))
        .route("/runs/compare", query(get(results::compare::<R>)))
        .route("/runs/{id}", query(get(list::show::<R>)).merge(allow(Scope::Admin, delete(act::delete::<R>))))
        .route("/runs/{id}/stop", run(post(act::stop::<R>)))
        .route("/runs/{id}/pause", run(post(act::pause::<R>)))
        .route("/runs/{id}/resume", run(post(act::resume::<R>)))
        .route("/runs/{id}/scale", run(post(act::scale::<R>)))
        .route("/runs/{id}/rerun", run(post(submit::rerun::<R>)))
        .route("/runs/{id}/events", query(get(events::events::<R>)))
        .route("/runs/{id}/summary", query(get(results::summary::<R>)))
        .route("/runs/{id}/log", query(get(results::log::<R>)))
        .route("/plans", query(get(plans::plans::<R>)))
        .route("/schedules", query(get(plans::schedules::<R>)))
        .route("/access", query(get(access::access)))
        .with_state(shared.clone())
        .merge(report::routes(series::Asking { shared: shared.clone(), sources: Arc::clone(&sources) }))
        .merge(series::routes(series::Asking { shared, sources }))
}

/// Beside `/api/v1`.
pub(super) fn outer_routes<R: Runs>(shared: Shared<R>) -> Router {
    Router::new()
        .route("/-/reload", allow(Scope::Admin, post(reload::reload::<R>)))
        .route("/openapi.json", get(openapi::document))
        .with_state(shared)
}

fn json(status: StatusCode, value: &impl Serialize) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => (status, [(header::CONTENT_TYPE, "application/json")], body).into_response(),
        Err(error) => {
            let message = format!("failed to write the answer: {error}");
            Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message).into_response()
        }
    }
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Problem {
        let message = refusal.to_string();
        match refusal {
            Refusal::NoSuchRun(_) => Problem::not_found(message),
            Refusal::Invalid(_) => Problem::unprocessable(message),
            Refusal::Conflict(_) => Problem::conflict(message),
            Refusal::Forbidden(_) => Problem::forbidden(message),
            Refusal::Unavailable(_) => Problem::unavailable(message),
        }
    }
}
