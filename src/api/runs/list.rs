//! `GET /api/v1/runs` and `…/{id}`: what is known of runs.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::problem::Problem;
use super::dto::{Error, Run, RunList, STATES, State as RunState, run_state};
use super::request::{Id, Parameters};
use super::{Runs, Shared, json};
use crate::daemon::RunFilter;
use crate::store::RunRecord;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 500;

/// Runs, the newest first
#[utoipa::path(
    get, path = "/api/v1/runs", tag = "runs", security(("token" = ["query"])),
    params(
        ("state" = Option<Vec<RunState>>, Query, explode = true, description = "Only runs in one of these"),
        ("test" = Option<String>, Query, description = "Only runs of the plan of this name"),
        ("before" = Option<String>, Query, pattern = "^[A-Za-z0-9._-]{1,128}$",
            description = "Only runs before this one: `next` of the page before"),
        ("limit" = Option<usize>, Query, minimum = 1, maximum = 500, description = "At most; 50 if not given"),
    ),
    responses(
        (status = 200, body = RunList), (status = 400, body = Error), (status = 401, body = Error),
        (status = 403, body = Error), (status = 503, body = Error),
    )
)]
pub(super) async fn list<R: Runs>(
    State(shared): State<Shared<R>>,
    parameters: Parameters,
) -> Result<Response, Problem> {
    let parameters = parameters.only(&["state", "test", "before", "limit"])?;
    let mut states = Vec::new();
    for name in parameters.all("state") {
        states.push(run_state(name).ok_or_else(|| {
            let known: Vec<&str> = STATES.into_iter().map(|state| RunState::from(state).name()).collect();
            Problem::bad_data(format!("parameter \"state\": expected one of {}", known.join(", ")))
        })?);
    }
    let limit = match parameters.one("limit")? {
        None => DEFAULT_LIMIT,
        Some(text) => text.parse().ok().filter(|limit| (1..=MAX_LIMIT).contains(limit)).ok_or_else(|| {
            Problem::bad_data(format!("parameter \"limit\": expected a number from 1 to {MAX_LIMIT}"))
        })?,
    };
    let test = parameters.one("test")?.map(str::to_owned);
    let filter = RunFilter { states, test, before: parameters.run("before")?, limit };
    let mut runs = shared.runs.runs(filter).await?;
    runs.truncate(limit);
    // A full page may have been the last one: the next is then empty.
    let next = runs.last().filter(|_| runs.len() == limit).map(|run| run.id.0.clone());
    Ok(json(
        StatusCode::OK,
        &RunList { runs: runs.into_iter().map(|run| shown(&shared, run)).collect(), next },
    ))
}

/// A run, as far as it has come
#[utoipa::path(
    get, path = "/api/v1/runs/{id}", tag = "runs", security(("token" = ["query"])),
    params(("id" = String, Path)),
    responses(
        (status = 200, body = Run), (status = 401, body = Error), (status = 403, body = Error),
        (status = 404, body = Error), (status = 503, body = Error),
    )
)]
pub(super) async fn show<R: Runs>(State(shared): State<Shared<R>>, Id(id): Id) -> Result<Response, Problem> {
    let run = shared.runs.run(&id).await?;
    let has_summary = Some(run.summary.as_ref().is_some_and(|summary| !summary.is_null()));
    Ok(json(StatusCode::OK, &Run { has_summary, ..shown(&shared, run) }))
}

fn shown<R: Runs>(shared: &Shared<R>, run: RunRecord) -> Run {
    let progress = (!run.state.has_ended()).then(|| shared.runs.progress(&run.id)).flatten();
    Run { progress, ..Run::from(run) }
}
