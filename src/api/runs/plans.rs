//! `/api/v1/plans` and `/api/v1/schedules`: what the daemon can start by itself.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;

use super::dto::{Error, Plan, PlanList, Schedule, ScheduleList};
use super::{Runs, Shared, json};

/// The daemon's plans
#[utoipa::path(
    get, path = "/api/v1/plans", tag = "daemon", security(("token" = ["query"])),
    responses((status = 200, body = PlanList), (status = 401, body = Error), (status = 403, body = Error))
)]
pub(super) async fn plans<R: Runs>(State(shared): State<Shared<R>>) -> Response {
    let plans = shared.runs.plans().await.into_iter().map(Plan::from).collect();
    json(StatusCode::OK, &PlanList { plans })
}

/// When the daemon starts runs by itself
#[utoipa::path(
    get, path = "/api/v1/schedules", tag = "daemon", security(("token" = ["query"])),
    responses((status = 200, body = ScheduleList), (status = 401, body = Error), (status = 403, body = Error))
)]
pub(super) async fn schedules<R: Runs>(State(shared): State<Shared<R>>) -> Response {
    let schedules = shared.runs.schedules().await.into_iter().map(Schedule::from).collect();
    json(StatusCode::OK, &ScheduleList { schedules })
}
