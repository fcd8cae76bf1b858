//! `/api/v1/metadata`: kind and help of metrics.

use std::collections::BTreeMap;
use std::time::Instant;

use serde::Serialize;

use super::answer::{Refusal, Success};
use super::evaluate::evaluate;
use super::form::{Form, integer};
use super::over::Over;
use crate::family::FamilyKind;
use crate::tsdb::Metadata;

pub(super) async fn metadata(Over(sources): Over, form: Form) -> Result<Success, Refusal> {
    let limit = number(&form, "limit")?;
    number(&form, "limit_per_metric")?; // there is one of each
    let metric = form.value("metric").map(str::to_owned);
    evaluate(&sources, Instant::now() + sources.limits.timeout, move |store, _| {
        Ok(Success::of(&page(&store.metadata(), metric.as_deref(), limit)))
    })
    .await
}

/// Unlike elsewhere a negative limit is none, and 0 is one.
fn number(form: &Form, name: &str) -> Result<Option<usize>, Refusal> {
    let Some(text) = form.value(name) else { return Ok(None) };
    let number = integer(text).map_err(|_| Refusal::bad_data(format!("{name} must be a number")))?;
    Ok(usize::try_from(number).ok())
}

#[derive(Serialize)]
struct Body<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    help: &'a str,
    /// Families do not name it.
    unit: &'static str,
}

fn page<'a>(
    all: &'a BTreeMap<String, Metadata>,
    metric: Option<&str>,
    limit: Option<usize>,
) -> BTreeMap<&'a str, [Body<'a>; 1]> {
    let wanted = all.iter().filter(|(name, _)| metric.is_none_or(|metric| metric == *name));
    let body = |(name, metadata): (&'a String, &'a Metadata)| {
        (name.as_str(), [Body { kind: kind(metadata.kind), help: &metadata.help, unit: "" }])
    };
    wanted.take(limit.unwrap_or(usize::MAX)).map(body).collect()
}

fn kind(kind: FamilyKind) -> &'static str {
    match kind {
        FamilyKind::Counter => "counter",
        FamilyKind::Gauge => "gauge",
        FamilyKind::Histogram => "histogram",
        FamilyKind::Summary => "summary",
        FamilyKind::Unknown => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::v1::form::tests::form;
    use crate::api::v1::json;

    #[test]
    fn metrics_have_kind_and_help() {
        let metadata = |kind, help: &str| Metadata { kind, help: help.to_owned() };
        let all = BTreeMap::from([
            ("a_total".to_owned(), metadata(FamilyKind::Counter, "Of \"a\".")),
            ("b".to_owned(), metadata(FamilyKind::Unknown, "")),
        ]);
        let a = r#""a_total":[{"type":"counter","help":"Of \"a\".","unit":""}]"#;
        let b = r#""b":[{"type":"unknown","help":"","unit":""}]"#;
        for (metric, limit, expected) in [
            (None, None, format!("{{{a},{b}}}")),
            (None, Some(1), format!("{{{a}}}")),
            (None, Some(0), "{}".to_owned()),
            (Some("b"), None, format!("{{{b}}}")),
            (Some("c"), None, "{}".to_owned()),
        ] {
            let mut out = Vec::new();
            json::write(&mut out, &page(&all, metric, limit));
            assert_eq!(String::from_utf8(out).unwrap(), expected);
        }
    }

    #[test]
    fn limits_are_numbers_of_any_sign() {
        assert_eq!(number(&form("limit=0"), "limit"), Ok(Some(0)));
        assert_eq!(number(&form("limit=-1"), "limit"), Ok(None));
        assert_eq!(number(&form("limit=x"), "limit").unwrap_err().message, "limit must be a number");
    }
}
