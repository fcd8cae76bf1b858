//! What Prometheus would say beside a result (its `util/annotations`), gathered over the steps of a query. Without the
//! place in the query that Prometheus adds, `(1:7)`: the parser keeps none.

use std::cell::RefCell;
use std::fmt;

use chrono::{DateTime, SecondsFormat};

use crate::labels::Labels;
use crate::promql::Annotation;

/// One thing to say.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::promql) enum Note {
    /// Of `quantile`, `quantile_over_time` and `histogram_quantile`.
    InvalidQuantile(f64),
    /// A series without a number in `le`; the metric is empty where names are dropped at once.
    BadBucketLabel { metric: String, le: String },
    /// The counts of a classic histogram did not grow with the bounds.
    ForcedMonotonicity(Forced),
    /// A `rate` of what is not named like a counter.
    PossibleNonCounter { metric: String },
    /// `sort` where results are ordered by labels.
    SortInRangeQuery,
}

/// Where counts had to be mended; notes on one metric become one.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::promql) struct Forced {
    pub(in crate::promql) metric: String,
    pub(in crate::promql) first_ms: i64,
    pub(in crate::promql) last_ms: i64,
    pub(in crate::promql) lowest_bound: f64,
    pub(in crate::promql) highest_bound: f64,
    /// By how much a count fell, at most.
    pub(in crate::promql) max_diff: f64,
    pub(in crate::promql) samples: usize,
}

/// The notes of one query, each once.
#[derive(Debug, Default)]
pub(in crate::promql) struct Notes {
    notes: RefCell<Vec<Note>>,
    names_stay: bool,
}

impl Notes {
    /// `names_stay`: `Options::delayed_name_removal`; only then Prometheus says which metric a note is about.
    pub(in crate::promql) fn new(names_stay: bool) -> Self {
        Notes { notes: RefCell::default(), names_stay }
    }

    pub(in crate::promql) fn add(&self, note: Note) {
        let mut notes = self.notes.borrow_mut();
        if !notes.iter_mut().any(|known| known.takes_in(&note)) {
            notes.push(note);
        }
    }

    pub(in crate::promql) fn annotations(&self) -> Vec<Annotation> {
        self.notes.borrow().iter().map(Note::annotation).collect()
    }

    /// The metric to be named in a note about a series.
    pub(super) fn metric(&self, labels: &Labels) -> String {
        let name = if self.names_stay { labels.value("__name__") } else { None };
        name.unwrap_or_default().to_owned()
    }
}

impl Note {
    /// Whether the other is said with this one, too.
    fn takes_in(&mut self, other: &Note) -> bool {
        match (self, other) {
            (Note::ForcedMonotonicity(known), Note::ForcedMonotonicity(new))
                if known.metric == new.metric =>
            {
                known.first_ms = known.first_ms.min(new.first_ms);
                known.last_ms = known.last_ms.max(new.last_ms);
                known.lowest_bound = known.lowest_bound.min(new.lowest_bound);
                known.highest_bound = known.highest_bound.max(new.highest_bound);
                known.max_diff = known.max_diff.max(new.max_diff);
                known.samples += new.samples;
                true
            }
            // NaN is said once, as any other.
            (Note::InvalidQuantile(known), Note::InvalidQuantile(new)) => known.total_cmp(new).is_eq(),
            (known, new) => *known == *new,
        }
    }

    fn annotation(&self) -> Annotation {
        let text = self.to_string();
        match self {
            Note::InvalidQuantile(_) | Note::BadBucketLabel { .. } | Note::SortInRangeQuery => {
                Annotation::Warning(text)
            }
            Note::ForcedMonotonicity(_) | Note::PossibleNonCounter { .. } => Annotation::Info(text),
        }
    }
}

/// Prometheus' words, its prefix included.
impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::InvalidQuantile(quantile) => {
                let got = go_general(*quantile, None);
                write!(f, "PromQL warning: quantile value should be between 0 and 1, got {got}")
            }
            Note::BadBucketLabel { metric, le } => {
                let said = "bucket label \"le\" is missing or has a malformed value of";
                write!(f, "PromQL warning: {said} {le:?}{}", OfMetric(metric))
            }
            Note::ForcedMonotonicity(forced) => forced.fmt(f),
            Note::PossibleNonCounter { metric } => {
                let said = "metric might not be a counter, name does not end in _total/_sum/_count/_bucket:";
                write!(f, "PromQL info: {said} {metric:?}")
            }
            Note::SortInRangeQuery => {
                let said = "sort is ineffective for range queries since results are always ordered by labels";
                write!(f, "PromQL warning: {said}")
            }
        }
    }
}

impl fmt::Display for Forced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const PAGE: &str =
            "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile";
        write!(
            f,
            "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see {PAGE}){}, \
             from buckets {} to {}, with a max diff of {}, over {} samples from {} to {}",
            OfMetric(&self.metric),
            go_general(self.lowest_bound, None),
            go_general(self.highest_bound, None),
            go_general(self.max_diff, Some(2)),
            self.samples,
            rfc3339(self.first_ms),
            rfc3339(self.last_ms),
        )
    }
}

struct OfMetric<'a>(&'a str);

impl fmt::Display for OfMetric<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            "" => Ok(()),
            metric => write!(f, " for metric name {metric:?}"),
        }
    }
}

fn rfc3339(at_ms: i64) -> String {
    DateTime::from_timestamp(at_ms / 1000, 0)
        .map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true))
        .unwrap_or_default()
}

/// Go's `%g`, and its `%.2g` with two digits: the shortest digits that name the number, else so many of them; with an
/// exponent below 1e-4, and from 1e6 or from as many digits as are asked for.
pub(in crate::promql) fn go_general(value: f64, digits: Option<usize>) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = match digits {
        Some(digits) => format!("{value:.*e}", digits - 1),
        None => format!("{value:e}"),
    };
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let mantissa =
        if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    let most = digits.and_then(|digits| i32::try_from(digits).ok()).unwrap_or(6);
    if exponent < -4 || exponent >= most {
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{mantissa}e{sign}{:02}", exponent.abs());
    }
    format!("{mantissa}e{exponent}").parse::<f64>().unwrap_or(value).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        for (value, digits, expected) in [
            (1.0, None, "1"),
            (-0.5, None, "-0.5"),
            (0.0001, None, "0.0001"),
            (0.000_012, None, "1.2e-05"),
            (123_456.0, None, "123456"),
            (123_456_789.0, None, "1.23456789e+08"),
            (100.0, Some(2), "1e+02"),
            (99.0, Some(2), "99"),
            (0.123_4, Some(2), "0.12"),
            (5.0, Some(2), "5"),
            (f64::INFINITY, None, "+Inf"),
            (f64::NAN, None, "NaN"),
        ] {
            assert_eq!(go_general(value, digits), expected, "{value}");
        }
    }

    #[test]
    fn what_is_said_twice_is_said_once() {
        let notes = Notes::default();
        for note in [
            Note::InvalidQuantile(f64::NAN),
            Note::InvalidQuantile(f64::NAN),
            Note::InvalidQuantile(2.0),
            Note::SortInRangeQuery,
            Note::SortInRangeQuery,
        ] {
            notes.add(note);
        }
        let said = [
            "PromQL warning: quantile value should be between 0 and 1, got NaN",
            "PromQL warning: quantile value should be between 0 and 1, got 2",
            "PromQL warning: sort is ineffective for range queries since results are always ordered by labels",
        ];
        assert_eq!(notes.annotations(), said.map(|text| Annotation::Warning(text.to_owned())));
    }

    #[test]
    fn mended_histograms_of_one_metric_are_one_note() {
        let notes = Notes::default();
        let at = |at_ms: i64, bound: f64, max_diff: f64| {
            Note::ForcedMonotonicity(Forced {
                metric: "x".to_owned(),
                first_ms: at_ms,
                last_ms: at_ms,
                lowest_bound: bound,
                highest_bound: bound,
                max_diff,
                samples: 1,
            })
        };
        for note in [at(60_000, 0.5, 1.0), at(0, 0.1, 12.5), at(30_000, 5.0, 2.0)] {
            notes.add(note);
        }
        let expected = "PromQL info: input to histogram_quantile needed to be fixed for monotonicity \
            (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile) \
            for metric name \"x\", from buckets 0.1 to 5, with a max diff of 12, over 3 samples \
            from 1970-01-01T00:00:00Z to 1970-01-01T00:01:00Z";
        assert_eq!(notes.annotations(), [Annotation::Info(expected.to_owned())]);
    }
}
