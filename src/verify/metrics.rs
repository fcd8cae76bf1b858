//! PromQL over the run's series, its own and those that were scraped; those of other runs are left out.

use super::{Answer, Found, Surroundings, Unanswered, print};
use crate::promql::{
    self, MatchKind, Matcher, Options, Query, SelectorUse, Series, Source, SourceError, TimeRange,
};
use crate::rules::{NoData, nearest_metrics};
use crate::template::Value;
use crate::tsdb::Store;

pub(super) fn ask(query: &Query, around: &Surroundings, at_ms: i64) -> Result<Answer, Unanswered> {
    let source = OfRun { store: &around.store, testid: &around.testid };
    let options = Options::default();
    let answer = query.instant(&source, at_ms, &options).map_err(|error| error.to_string())?;
    let samples = match answer.value {
        promql::Value::Scalar(point) => {
            let found = Found::Float(point.value);
            return Ok(Answer { print: print(found.shown()), found, rows: Value::UNDEFINED, exchange: None });
        }
        promql::Value::Vector(samples) => samples,
        promql::Value::String { .. } | promql::Value::Matrix(_) => Vec::new(),
    };
    let found = match samples.as_slice() {
        [] => return Err(nothing(query, &source, &options, at_ms)),
        [one] => Found::Float(one.point.value),
        several => Found::Many(several.len(), "series"),
    };
    let rows = samples.iter().map(|sample| {
        let labels = sample.labels.iter().map(|(name, value)| (name, Value::from(value)));
        Value::from_pairs([("labels", Value::from_pairs(labels)), ("value", Value::from(sample.point.value))])
    });
    let rows = Value::from(rows.collect::<Vec<_>>());
    Ok(Answer { print: print(rows.to_string()), found, rows, exchange: None })
}

/// No data is not an answer: what was looked for, and what is there instead.
fn nothing(query: &Query, source: &OfRun<'_>, options: &Options, at_ms: i64) -> Unanswered {
    let selectors = query.selectors(options);
    let has_matched = |selector: &SelectorUse| {
        let found = source.select(&selector.matchers, TimeRange { from_ms: 0, to_ms: at_ms });
        found.is_ok_and(|series| series.iter().any(|series| !series.points.is_empty()))
    };
    let missing = selectors.missing(has_matched);
    let Some(first) = missing.first() else {
        let why = "the query gives nothing at this moment: a comparison leaves nothing where it does not hold; `bool` behind it gives 0 or 1";
        return Unanswered::Why(why.to_owned());
    };
    let texts: Vec<&str> = missing.iter().map(|selector| selector.text.as_str()).collect();
    let named =
        first.matchers.iter().find(|matcher| matcher.label == "__name__" && matcher.kind == MatchKind::Equal);
    let names = source.store.names();
    let nearest = named.map(|name| nearest_metrics(&name.value, names.iter().map(String::as_str)));
    Unanswered::NoData(NoData {
        selector: texts.join(" and "),
        nearest: nearest.unwrap_or_default().into_iter().map(str::to_owned).collect(),
        why: "nothing to judge it by ever came".to_owned(),
    })
}

/// A daemon's store holds the series of several runs.
struct OfRun<'a> {
    store: &'a Store,
    testid: &'a str,
}

impl Source for OfRun<'_> {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Series>, SourceError> {
        let mut series = self.store.select(matchers, range)?;
        series.retain(|series| series.labels.value("testid").is_none_or(|of| of == self.testid));
        Ok(series)
    }
}
