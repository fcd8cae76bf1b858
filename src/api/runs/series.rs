//! Prometheus' query API over the series of one run, so that `…/api/v1/runs/ID` is a data source: old runs are asked as
//! the one that is going on.

use std::sync::Arc;

use axum::Router;
use axum::extract::{RawPathParams, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;

use super::super::Sources;
use super::super::problem::Problem;
use super::super::v1;
use super::request::Id;
use super::{Runs, Shared};

/// What is needed to ask a run's series.
#[derive(Debug, Clone)]
pub(super) struct Asking<R> {
    pub(super) shared: Shared<R>,
    pub(super) sources: Arc<Sources>,
}

/// Below `/api/v1`. Who evaluates waits for the same places as everybody who asks.
pub(super) fn routes<R: Runs>(asking: Asking<R>) -> Router {
    let series = v1::series_routes()
        .with_state(Arc::clone(&asking.sources))
        .route_layer(from_fn_with_state(asking, bring::<R>));
    Router::new().nest("/runs/{id}/api/v1", series)
}

async fn bring<R: Runs>(
    State(asking): State<Asking<R>>,
    parameters: RawPathParams,
    mut request: Request,
    next: Next,
) -> Result<Response, Problem> {
    let Some(Id(id)) = parameters.iter().find(|(name, _)| *name == "id").and_then(|(_, id)| Id::read(id))
    else {
        return Err(Problem::not_found("there is no such run"));
    };
    let series = asking.shared.runs.series(&id).await?;
    request.extensions_mut().insert(Arc::new(asking.sources.over(series.store)));
    Ok(next.run(request).await)
}
