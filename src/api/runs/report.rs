//! The run as one HTML file.

use std::sync::Arc;
use std::time::Instant;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;

use super::super::access::{Scope, allow};
use super::super::problem::Problem;
use super::super::v1::answer::{Kind, Refusal};
use super::super::v1::evaluate::evaluate;
use super::Runs;
use super::dto::{Error, Run};
use super::request::Id;
use super::series::Asking;
use crate::daemon::RunSeries;
use crate::report::{Material, html};
use crate::store::RunRecord;

pub(super) fn routes<R: Runs>(asking: Asking<R>) -> Router {
    Router::new().route("/runs/{id}/report", allow(Scope::Query, get(report::<R>))).with_state(asking)
}

/// The page of a run that has ended, with its charts, in one HTML file
#[utoipa::path(
    get, path = "/api/v1/runs/{id}/report", tag = "results", security(("token" = ["query"])),
    params(("id" = String, Path)),
    responses(
        (status = 200, body = String, content_type = "text/html"), (status = 401, body = Error),
        (status = 403, body = Error), (status = 404, body = Error),
        (status = 409, body = Error, description = "It has not ended yet"), (status = 503, body = Error),
    )
)]
pub(super) async fn report<R: Runs>(
    State(asking): State<Asking<R>>,
    Id(id): Id,
) -> Result<Response, Problem> {
    let runs = &asking.shared.runs;
    let record = runs.run(&id).await?;
    if !record.state.has_ended() {
        return Err(Problem::conflict(format!("the run {id} has no report yet: it comes when the run ends")));
    }
    let series = runs.series(&id).await?;
    let made = Arc::clone(&series.report);
    let file = made.get_or_try_init(|| make(&asking, record, series)).await?.clone();
    let name = format!("attachment; filename=\"loadgate-{id}.html\"");
    let headers: [(HeaderName, &str); 3] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_DISPOSITION, &name),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    Ok((headers, file).into_response())
}

async fn make<R: Runs>(asking: &Asking<R>, record: RunRecord, series: RunSeries) -> Result<Bytes, Problem> {
    let log = asking.shared.runs.log(&record.id).await?;
    let summary = record.summary.clone().unwrap_or_default();
    let Ok(run) = serde_json::to_value(Run::from(record)) else {
        return Err(Refusal::new(Kind::Internal, "the run cannot be written as JSON").into());
    };
    let sources = asking.sources.over(series.store);
    let deadline = Instant::now() + sources.limits.timeout;
    let made = evaluate(&sources, deadline, move |store, limits| {
        let material = Material {
            run: &run,
            summary: &summary,
            log: &log,
            store,
            from_ms: series.from_ms,
            to_ms: series.to_ms,
            interval: series.interval,
            limits,
        };
        let took_long = |error| Refusal::new(Kind::Timeout, format!("the report took too long: {error}"));
        html(&material).map(Bytes::from).map_err(took_long)
    });
    made.await.map_err(Problem::from)
}
