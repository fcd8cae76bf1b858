//! What can be done to a run: stop, pause, resume, scale, delete.

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};

use super::super::problem::Problem;
use super::body::MAX_SMALL_BYTES;
use super::dto::{Error, Run, ScaleRun};
use super::request::Id;
use super::{Runs, Shared, json};
use crate::daemon::{Refusal, Scale, ScaleTo};
use crate::store::RunRecord;

/// Why a run ended, in its summary.
const STOPPED: &str = "stopped by a request";

/// Ends a run: a queued one at once, a running one with its teardown and hooks
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/stop", tag = "runs", security(("token" = ["run"])),
    params(("id" = String, Path)),
    responses(
        (status = 200, body = Run), (status = 401, body = Error), (status = 403, body = Error),
        (status = 404, body = Error), (status = 409, body = Error, description = "It has ended"),
        (status = 503, body = Error),
    )
)]
pub(super) async fn stop<R: Runs>(State(shared): State<Shared<R>>, Id(id): Id) -> Result<Response, Problem> {
    changed(shared.runs.stop(&id, STOPPED.to_owned()).await)
}

/// Holds a running run's load back
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/pause", tag = "runs", security(("token" = ["run"])),
    params(("id" = String, Path)),
    responses(
        (status = 200, body = Run), (status = 401, body = Error), (status = 403, body = Error),
        (status = 404, body = Error), (status = 409, body = Error, description = "It is not running"),
        (status = 503, body = Error),
    )
)]
pub(super) async fn pause<R: Runs>(State(shared): State<Shared<R>>, Id(id): Id) -> Result<Response, Problem> {
    changed(shared.runs.pause(&id).await)
}

/// Lets a paused run's load go on
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/resume", tag = "runs", security(("token" = ["run"])),
    params(("id" = String, Path)),
    responses(
        (status = 200, body = Run), (status = 401, body = Error), (status = 403, body = Error),
        (status = 404, body = Error), (status = 409, body = Error, description = "It is not paused"),
        (status = 503, body = Error),
    )
)]
pub(super) async fn resume<R: Runs>(
    State(shared): State<Shared<R>>,
    Id(id): Id,
) -> Result<Response, Problem> {
    changed(shared.runs.resume(&id).await)
}

/// Changes the load of a scenario with a constant executor
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/scale", tag = "runs", security(("token" = ["run"])),
    params(("id" = String, Path)), request_body = ScaleRun,
    responses(
        (status = 200, body = Run), (status = 400, body = Error), (status = 401, body = Error),
        (status = 403, body = Error), (status = 404, body = Error),
        (status = 409, body = Error, description = "It is not running"), (status = 413, body = Error),
        (status = 415, body = Error),
        (status = 422, body = Error, description = "No such scenario, or not with this executor"),
        (status = 503, body = Error),
    )
)]
pub(super) async fn scale<R: Runs>(
    State(shared): State<Shared<R>>,
    Id(id): Id,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let said = shared.held.json::<ScaleRun>(&headers, body, MAX_SMALL_BYTES).await?;
    let ScaleRun { scenario, vus, rate } = said.value;
    let to = match (vus, rate) {
        (Some(vus), None) => ScaleTo::Vus(vus),
        (None, Some(rate)) if rate.is_finite() && rate >= 0.0 => ScaleTo::Rate(rate),
        (None, Some(_)) => return Err(Problem::bad_data("rate: expected a number that is not negative")),
        _ => return Err(Problem::bad_data("expected either \"vus\" or \"rate\"")),
    };
    changed(shared.runs.scale(&id, Scale { scenario, to }).await)
}

/// Forgets a run that has ended, with all that it left
#[utoipa::path(
    delete, path = "/api/v1/runs/{id}", tag = "runs", security(("token" = ["admin"])),
    params(("id" = String, Path)),
    responses(
        (status = 204), (status = 401, body = Error), (status = 403, body = Error),
        (status = 404, body = Error), (status = 409, body = Error, description = "It is active: stop it first"),
        (status = 503, body = Error),
    )
)]
pub(super) async fn delete<R: Runs>(
    State(shared): State<Shared<R>>,
    Id(id): Id,
) -> Result<Response, Problem> {
    shared.runs.delete(&id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn changed(answer: Result<RunRecord, Refusal>) -> Result<Response, Problem> {
    Ok(json(StatusCode::OK, &Run::from(answer?)))
}
