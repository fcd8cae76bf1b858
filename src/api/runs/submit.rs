//! `POST /api/v1/runs` and `…/{id}/rerun`: a run is wanted; when it is answered, it is on disk.

use std::collections::BTreeMap;

use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::super::problem::Problem;
use super::body::MAX_BUNDLE_BYTES;
use super::dto::{Error, NewRun, Run, Source};
use super::request::{Id, idempotency_key};
use super::{Runs, Shared, json};
use crate::config::check_tag_name;
use crate::daemon::{PlanSource, Refusal, Submit, Submitted};
use crate::store::Bundle;

/// Of a plan.
const MAX_FILES: usize = 10_000;

/// Starts a run: it waits in the queue until it is its turn
#[utoipa::path(
    post, path = "/api/v1/runs", tag = "runs", security(("token" = ["run"])),
    params(("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255,
        description = "A second request with the same key is the same run")),
    request_body = NewRun,
    responses(
        (status = 201, body = Run, headers(("Location" = String, description = "Where the run is"))),
        (status = 200, body = Run, description = "The key was known: the run of then",
            headers(("Location" = String, description = "Where the run is"))),
        (status = 400, body = Error), (status = 401, body = Error), (status = 403, body = Error),
        (status = 413, body = Error), (status = 415, body = Error),
        (status = 422, body = Error, description = "No such plan, a plan or values that cannot be, or the key of another request"),
        (status = 503, body = Error, description = "No room: later, perhaps"),
    )
)]
pub(super) async fn submit<R: Runs>(
    State(shared): State<Shared<R>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let idempotency_key = idempotency_key(&headers)?;
    let said = shared.held.json::<NewRun>(&headers, body, MAX_BUNDLE_BYTES).await?;
    let NewRun { plan, source, profile, env, tags } = said.value;
    let plan = match (plan, source) {
        (Some(name), None) => PlanSource::Named(name),
        (None, Some(source)) => PlanSource::Given(bundle(source)?),
        _ => {
            return Err(Problem::bad_data(
                "expected either \"plan\", the name of a plan of this daemon's, or \"source\", a plan with its files",
            ));
        }
    };
    if let Some(why) = tags.keys().find_map(|name| check_tag_name(name).err()) {
        return Err(Problem::unprocessable(format!("tags: {why}")));
    }
    let request = Submit {
        plan,
        profile,
        env: env.into_iter().collect(),
        tags: tags.into_iter().collect(),
        idempotency_key,
    };
    submitted(shared.runs.submit(request).await)
}

/// Repeats a run: the same plan and files, with the same values
#[utoipa::path(
    post, path = "/api/v1/runs/{id}/rerun", tag = "runs", security(("token" = ["run"])),
    params(
        ("id" = String, Path),
        ("Idempotency-Key" = Option<String>, Header, min_length = 1, max_length = 255,
            description = "A second request with the same key is the same run"),
    ),
    responses(
        (status = 201, body = Run, headers(("Location" = String, description = "Where the run is"))),
        (status = 200, body = Run, description = "The key was known: the run of then",
            headers(("Location" = String, description = "Where the run is"))),
        (status = 400, body = Error), (status = 401, body = Error), (status = 403, body = Error),
        (status = 404, body = Error), (status = 422, body = Error), (status = 503, body = Error),
    )
)]
pub(super) async fn rerun<R: Runs>(
    State(shared): State<Shared<R>>,
    Id(id): Id,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    submitted(shared.runs.rerun(&id, idempotency_key(&headers)?).await)
}

fn submitted(answer: Result<Submitted, Refusal>) -> Result<Response, Problem> {
    let Submitted { run, created } = answer.map_err(|refusal| match refusal {
        // The key is known, and what came with it then was something else.
        Refusal::Conflict(why) => Problem::unprocessable(why),
        refusal => refusal.into(),
    })?;
    let location = HeaderValue::try_from(format!("/api/v1/runs/{}", run.id));
    let status = if created { StatusCode::CREATED } else { StatusCode::OK };
    let mut response = json(status, &Run::from(run));
    if let Ok(location) = location {
        response.headers_mut().insert(header::LOCATION, location);
    }
    Ok(response)
}

/// # Errors
/// Paths that lead out of the bundle, or elsewhere on another system.
fn bundle(source: Source) -> Result<Bundle, Problem> {
    let Source { plan, files } = source;
    if files.len() > MAX_FILES {
        return Err(Problem::unprocessable(format!("source.files: at most {MAX_FILES} files make a plan")));
    }
    if !files.contains_key(&plan) {
        return Err(Problem::unprocessable(format!(
            "source.plan: {plan:?} is not among source.files: send its text there"
        )));
    }
    let mut contents = BTreeMap::new();
    for (path, content) in files {
        if !is_inside(&path) {
            return Err(Problem::unprocessable(format!(
                "source.files: {path:?}: expected a relative path with / between its parts, without . and .."
            )));
        }
        let content = content.bytes().map_err(|why| {
            Problem::unprocessable(format!("source.files: {path:?}: this is not base64: {why}"))
        })?;
        contents.insert(path, content);
    }
    Ok(Bundle { plan, files: contents })
}

fn is_inside(path: &str) -> bool {
    let is_name = |part: &str| !matches!(part, "" | "." | "..");
    !path.contains(['\\', '\0']) && path.len() <= 4096 && path.split('/').all(is_name)
}
