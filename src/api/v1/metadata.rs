//! `/api/v1/metadata`: kind and help of metrics.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::State;
use serde::Serialize;

use super::answer::{Refusal, Success};
use super::evaluate::evaluate;
use super::form::{Form, integer};
use crate::api::Sources;

#[derive(Serialize)]
struct Metadata {
    #[serde(rename = "type")]
    kind: &'static str,
    help: String,
    /// Families do not name it.
    unit: &'static str,
}

pub(super) async fn metadata(State(sources): State<Arc<Sources>>, form: Form) -> Result<Success, Refusal> {
    let limit = number(&form, "limit")?;
    let limit_per_metric = number(&form, "limit_per_metric")?;
    let metric = form.value("metric").map(str::to_owned);
    evaluate(&sources, Instant::now() + sources.limits.timeout, move |store, _| {
        Ok(Success::of(&BTreeMap::<String, Vec<Metadata>>::new()))
    })
    .await
}

/// Unlike elsewhere a negative limit is none, and 0 is a limit.
fn number(form: &Form, name: &str) -> Result<Option<usize>, Refusal> {
    let Some(text) = form.value(name) else { return Ok(None) };
    let number = integer(text).map_err(|_| Refusal::bad_data(format!("{name} must be a number")))?;
    Ok(usize::try_from(number).ok())
}
