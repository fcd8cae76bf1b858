//! `POST /-/reload`: the configuration anew, whole or not at all.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::json;

use super::super::problem::Problem;
use super::dto::Error;
use super::{Runs, Shared};
use crate::daemon::Refusal;

/// Reads the configuration again
#[utoipa::path(
    post, path = "/-/reload", tag = "daemon", security(("token" = ["admin"])),
    responses(
        (status = 200, body = serde_json::Value),
        (status = 400, body = Error, description = "What is wrong with it; the old one stays"),
        (status = 401, body = Error), (status = 403, body = Error), (status = 503, body = Error),
    )
)]
pub(super) async fn reload<R: Runs>(State(shared): State<Shared<R>>) -> Result<Response, Problem> {
    shared.runs.reload().await.map_err(|refusal| match refusal {
        Refusal::Invalid(why) => Problem::bad_data(why),
        refusal => refusal.into(),
    })?;
    Ok(super::json(StatusCode::OK, &json!({"status": "success"})))
}
