//! Prometheus' HTTP API (<https://prometheus.io/docs/prometheus/latest/querying/api/>) over the embedded store, so
//! that Grafana takes loadgate for a Prometheus and promtool can ask it:
//!
//! | path | method | answer |
//! | --- | --- | --- |
//! | `/query`, `/query_range` | GET, POST | an expression's value at a moment, or over time |
//! | `/series`, `/labels` | GET, POST | label sets, and names of labels |
//! | `/label/{name}/values` | GET | values of a label |
//! | `/metadata` | GET | kind and help of metrics |
//! | `/rules`, `/alerts` | GET | rule groups and active alerts |
//! | `/targets` | GET | what is scraped |
//! | `/format_query` | GET, POST | the expression, laid out |
//! | `/query_exemplars` | GET, POST | none: they are not kept |
//! | `/status/buildinfo` | GET | the version that clients go by |
//!
//! Parameters, messages and status codes are upstream's (`web/api/v1/api.go`).

pub(super) mod answer;
pub(super) mod evaluate;
mod form;
mod json;
mod metadata;
mod over;
mod query;
mod rules;
mod series;
mod status;
mod targets;
mod time;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;

use super::Sources;
use answer::{Kind, Refusal};
pub use rules::RuleGroup;
pub use targets::Target;

pub(super) fn routes() -> Router<Arc<Sources>> {
    Router::new()
        .merge(series_routes())
        .route("/query_exemplars", get(query::exemplars).post(query::exemplars))
        .route("/format_query", get(query::format).post(query::format))
        .route("/rules", get(rules::rules))
        .route("/alerts", get(rules::alerts))
        .route("/targets", get(targets::targets))
        .fallback(not_found)
}

/// Those that only the series answer.
pub(super) fn series_routes() -> Router<Arc<Sources>> {
    Router::new()
        .route("/query", get(query::instant).post(query::instant))
        .route("/query_range", get(query::range).post(query::range))
        .route("/series", get(series::series).post(series::series))
        .route("/labels", get(series::label_names).post(series::label_names))
        .route("/label/{name}/values", get(series::label_values))
        .route("/metadata", get(metadata::metadata))
        .route("/status/buildinfo", get(status::build_info))
}

async fn not_found() -> Refusal {
    Refusal::new(Kind::NotFound, "there is no such endpoint: the reference lists those of the query API")
}
