//! `/openapi.json`: the API as OpenAPI 3.1, derived from its routes and types.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::{Modify, OpenApi};

use super::{access, act, events, list, plans, reload, report, results, submit};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "loadgate",
        description = "The runs of a loadgate daemon. Beside these paths it answers Prometheus' query API \
            (/api/v1/query, /api/v1/query_range, /api/v1/series, …), as Prometheus describes it; below \
            /api/v1/runs/{id} the same over the series of that run (/api/v1/runs/{id}/api/v1/query, …)."
    ),
    paths(
        submit::submit,
        list::list,
        results::compare,
        list::show,
        act::delete,
        act::stop,
        act::pause,
        act::resume,
        act::scale,
        submit::rerun,
        events::events,
        results::summary,
        results::log,
        report::report,
        plans::plans,
        plans::schedules,
        access::access,
        reload::reload,
        super::super::healthy,
        super::super::ready,
        super::super::metrics::metrics,
        document,
    ),
    modifiers(&Tokens),
    tags(
        (name = "runs", description = "Start, see and change runs"),
        (name = "results", description = "What runs found out"),
        (name = "daemon", description = "The daemon itself"),
    )
)]
struct Document;

struct Tokens;

impl Modify for Tokens {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let scheme = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .description(Some(
                "A token of the daemon's token file, of the scope that is named or a higher one: query < run < admin. \
                 Without a token file a daemon listens on loopback only, and asks for none.",
            ))
            .build();
        let components = document.components.get_or_insert_default();
        components.add_security_scheme("token", SecurityScheme::Http(scheme));
    }
}

/// This document
#[utoipa::path(get, path = "/openapi.json", tag = "daemon", responses((status = 200, body = serde_json::Value)))]
pub(super) async fn document() -> Response {
    match Document::openapi().to_pretty_json() {
        Ok(text) => ([(header::CONTENT_TYPE, "application/json")], text + "\n").into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
