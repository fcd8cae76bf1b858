//! What runs found out: summary, log, and two of them beside each other.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::super::problem::Problem;
use super::dto::Error;
use super::request::{Id, Parameters};
use super::{Runs, Shared, json};

/// The JSON summary, as `loadgate run --summary-export` writes it; of an interrupted run what it had
#[utoipa::path(
    get, path = "/api/v1/runs/{id}/summary", tag = "results", security(("token" = ["query"])),
    params(("id" = String, Path)),
    responses(
        (status = 200, body = serde_json::Value), (status = 401, body = Error), (status = 403, body = Error),
        (status = 404, body = Error), (status = 409, body = Error, description = "There is none yet"),
        (status = 503, body = Error),
    )
)]
pub(super) async fn summary<R: Runs>(
    State(shared): State<Shared<R>>,
    Id(id): Id,
) -> Result<Response, Problem> {
    match shared.runs.run(&id).await?.summary {
        Some(summary) => Ok(json(StatusCode::OK, &summary)),
        None => {
            Err(Problem::conflict(format!("the run {id} has no summary yet: it comes when the run ends")))
        }
    }
}

/// What the run logged
#[utoipa::path(
    get, path = "/api/v1/runs/{id}/log", tag = "results", security(("token" = ["query"])),
    params(("id" = String, Path)),
    responses(
        (status = 200, body = String, content_type = "text/plain"), (status = 401, body = Error),
        (status = 403, body = Error), (status = 404, body = Error), (status = 503, body = Error),
    )
)]
pub(super) async fn log<R: Runs>(State(shared): State<Shared<R>>, Id(id): Id) -> Result<Response, Problem> {
    let log = shared.runs.log(&id).await?;
    // A log may hold what a target said: no browser is to take it for a page.
    let headers =
        [(header::CONTENT_TYPE, "text/plain; charset=utf-8"), (header::X_CONTENT_TYPE_OPTIONS, "nosniff")];
    Ok((headers, log).into_response())
}

/// Every metric and every gate of two runs that have ended, with sentences on what got worse
#[utoipa::path(
    get, path = "/api/v1/runs/compare", tag = "results", security(("token" = ["query"])),
    params(
        ("a" = String, Query, pattern = "^[A-Za-z0-9._-]{1,128}$", description = "The run to compare with"),
        ("b" = String, Query, pattern = "^[A-Za-z0-9._-]{1,128}$", description = "The run in question"),
    ),
    responses(
        (status = 200, body = serde_json::Value), (status = 400, body = Error), (status = 401, body = Error),
        (status = 403, body = Error), (status = 404, body = Error),
        (status = 409, body = Error, description = "One has no results"), (status = 503, body = Error),
    )
)]
pub(super) async fn compare<R: Runs>(
    State(shared): State<Shared<R>>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let parameters = parameters.only(&["a", "b"])?;
    let (Some(a), Some(b)) = (parameters.run("a")?, parameters.run("b")?) else {
        return Err(Problem::bad_data("expected the ids of two runs: ?a=…&b=…"));
    };
    Ok(json(StatusCode::OK, &shared.runs.compare(&a, &b).await?))
}
