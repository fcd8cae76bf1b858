//! `/api/v1/series`, `/api/v1/labels` and `/api/v1/label/{name}/values`: what there is to ask about.

use std::collections::BTreeSet;
use std::time::Instant;

use axum::extract::Path;

use super::answer::{Refusal, Success};
use super::evaluate::evaluate;
use super::form::Form;
use super::json;
use super::over::Over;
use super::query::truncated;
use super::time::{MAX_MS, MIN_MS};
use crate::api::Sources;
use crate::promql::TimeRange;
use crate::tsdb::Store;

pub(super) async fn series(Over(sources): Over, form: Form) -> Result<Success, Refusal> {
    if form.values("match[]").next().is_none() {
        return Err(Refusal::bad_data("no match[] parameter provided"));
    }
    let limit = form.limit()?;
    let range = range(&form)?;
    let sets = form.matchers().map_err(|why| Refusal::parameter("match[]", why))?;
    listed(&sources, limit, json::write_labels, move |store| store.series_of(&sets, range)).await
}

pub(super) async fn label_names(Over(sources): Over, form: Form) -> Result<Success, Refusal> {
    let (limit, range) = (form.limit()?, range(&form)?);
    let sets = form.matchers().map_err(Refusal::bad_data)?;
    let name = |out: &mut Vec<u8>, name: &String| json::write(out, name);
    listed(&sources, limit, name, move |store| store.label_names(&sets, range)).await
}

pub(super) async fn label_values(
    Over(sources): Over,
    Path(Named { name }): Path<Named>,
    form: Form,
) -> Result<Success, Refusal> {
    let name = unescape(&name).unwrap_or(name);
    if name.is_empty() {
        return Err(Refusal::bad_data(format!("invalid label name: {name:?}")));
    }
    let (limit, range) = (form.limit()?, range(&form)?);
    let sets = form.matchers().map_err(Refusal::bad_data)?;
    let value = |out: &mut Vec<u8>, value: &String| json::write(out, value);
    listed(&sources, limit, value, move |store| store.label_values(&name, &sets, range)).await
}

/// Of the path, whatever else there may be in it.
#[derive(serde::Deserialize)]
pub(super) struct Named {
    name: String,
}

/// A sorted list, cut off at the limit.
async fn listed<T: Send + 'static>(
    sources: &Sources,
    limit: Option<usize>,
    each: impl Fn(&mut Vec<u8>, &T) + Send + 'static,
    list: impl FnOnce(&Store) -> BTreeSet<T> + Send + 'static,
) -> Result<Success, Refusal> {
    evaluate(sources, Instant::now() + sources.limits.timeout, move |store, _| {
        let list = list(store);
        let limit = limit.unwrap_or(usize::MAX);
        let said = if list.len() > limit { vec![truncated()] } else { Vec::new() };
        Ok(Success::new(&said, |out| json::list(out, list.iter().take(limit), each)))
    })
    .await
}

/// All time where none is named.
fn range(form: &Form) -> Result<TimeRange, Refusal> {
    Ok(TimeRange { from_ms: form.time_or("start", MIN_MS)?, to_ms: form.time_or("end", MAX_MS)? })
}

/// A name that was escaped for the path of a URL: `U__` before it, `__` for an underscore, `_1F600_` for a character
/// by its code point (Prometheus' `ValueEncodingEscaping`). `None` for what is no such name.
fn unescape(name: &str) -> Option<String> {
    let mut rest = name.strip_prefix("U__")?;
    let mut unescaped = String::new();
    while let Some(at) = rest.find('_') {
        let (before, after) = rest.split_at(at);
        unescaped.push_str(before);
        let (code, after) = after.strip_prefix('_')?.split_once('_')?;
        let is_code = code.len() <= 6 && code.bytes().all(|byte| byte.is_ascii_hexdigit());
        unescaped.push(match code {
            "" => '_',
            code if is_code => char::from_u32(u32::from_str_radix(code, 16).ok()?)?,
            _ => return None,
        });
        rest = after;
    }
    unescaped.push_str(rest);
    Some(unescaped)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaped_names_of_labels_are_unescaped() {
        for (name, expected) in [
            ("job", None),
            ("U__job", Some("job")),
            ("U__http_2e_status_3a_code", Some("http.status:code")),
            ("U__a__b", Some("a_b")),
            ("U___1F600_", Some("😀")),
            ("U__", Some("")),
            ("U__a_", None),
            ("U__a_2e", None),
            ("U__a_xy_", None),
            ("U__a_D800_", None),
            ("U__a_0000000_", None),
        ] {
            assert_eq!(unescape(name).as_deref(), expected, "{name}");
        }
    }
}
