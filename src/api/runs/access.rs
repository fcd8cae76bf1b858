//! `GET /api/v1/access`: what the sender of a request may do, so that the page offers nothing that would be refused.

use axum::Extension;
use axum::http::StatusCode;
use axum::response::Response;

use super::super::access::Granted;
use super::dto::{AccessView, Error};
use super::json;

/// What the token of this request allows
#[utoipa::path(
    get, path = "/api/v1/access", tag = "daemon", security(("token" = ["query"])),
    responses((status = 200, body = AccessView), (status = 401, body = Error), (status = 403, body = Error))
)]
pub(super) async fn access(Extension(Granted(scope)): Extension<Granted>) -> Response {
    json(StatusCode::OK, &AccessView { scope: scope.name().to_owned() })
}
