//! A threshold as PromQL: an expression that has a value where the threshold is crossed.
//!
//! All are made of series that add up, over label sets and over machines, and none averages a percentile. They keep
//! `testid`, so that runs are told apart.

use std::collections::BTreeMap;
use std::time::Duration;

use super::selector::selector;
use super::{ELAPSED, PROBE, RUN_INFO, THRESHOLD_OK, THRESHOLD_VALUE};
use crate::aggregate::{self, gauge_name, histogram_name, statistic_name, total_name};
use crate::config::Comparison;
use crate::family::Float;
use crate::metric::{Catalog, Definition, Kind, Unit};
use crate::rules::{Aggregation, Subject, Threshold};

/// What a threshold's expression is about.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    /// The plan's name: other plans have thresholds of their own.
    pub test: &'a str,
    pub catalog: &'a Catalog,
    pub probes: &'a [String],
    pub warmup: Duration,
}

/// The parts of an expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Expression {
    /// What is compared: of a percentile the share of samples at most its limit. Empty without data.
    pub(super) value: String,
    /// How it compares when the threshold is crossed: `< 0.95`.
    pub(super) crossed: String,
    /// The series that are looked for first; without them there is no data.
    pub(super) selector: String,
}

impl Expression {
    pub(super) fn condition(&self) -> String {
        format!("{} {}", self.value, self.crossed)
    }
}

pub(super) fn expression(threshold: &Threshold, scope: Scope<'_>) -> Expression {
    match &threshold.subject {
        Subject::Metric(metric) => of_metric(threshold, metric, scope),
        Subject::Probe(at) => {
            let statistic = match threshold.aggregation {
                Aggregation::Avg => "avg",
                Aggregation::Min => "min",
                Aggregation::Max => "max",
                _ => "value",
            };
            let probe = scope.probes.get(*at).map_or("", String::as_str);
            let series =
                selector(&format!("{PROBE}_{statistic}"), scope.test, &BTreeMap::new(), &[("probe", probe)]);
            plain(series.clone(), series, threshold, threshold.limit)
        }
    }
}

/// What Prometheus can ask for where it cannot know the judged values: what loadgate found.
pub(super) fn asked_of_loadgate(threshold: &Threshold, test: &str) -> String {
    let [value, ok] = [THRESHOLD_VALUE, THRESHOLD_OK].map(|name| by_threshold(name, threshold, test));
    format!("{value}\nand {ok} == 0")
}

fn by_threshold(name: &str, threshold: &Threshold, test: &str) -> String {
    let labels = [("metric", threshold.name.as_str()), ("threshold", threshold.source.as_str())];
    selector(name, test, &BTreeMap::new(), &labels)
}

fn of_metric(threshold: &Threshold, metric: &aggregate::Selector, scope: Scope<'_>) -> Expression {
    let definition = scope.catalog.definition(metric.metric);
    let series = |name: &str, more: &[(&str, &str)]| selector(name, scope.test, &metric.tags, more);
    match definition.kind {
        Kind::Counter => counter(threshold, series(&total_name(definition), &[]), scope),
        Kind::Gauge if definition.custom => newest(threshold, scope),
        Kind::Gauge => {
            let series = series(&gauge_name(definition), &[]);
            plain(sum(&series), series, threshold, threshold.limit)
        }
        Kind::Rate => {
            let name = total_name(definition);
            let (nonzero, all) = (series(&name, &[("condition", "nonzero")]), series(&name, &[]));
            let value = format!("{} / ({} > 0)", sum(&nonzero), sum(&all));
            plain(value, all, threshold, threshold.limit)
        }
        Kind::Trend => trend(threshold, definition, &series),
    }
}

/// 0 where no series has the tags: a counter that never rose. The zero comes from the run's own series, so that it has
/// the run's `testid`.
fn counter(threshold: &Threshold, series: String, scope: Scope<'_>) -> Expression {
    let run = selector(RUN_INFO, scope.test, &BTreeMap::new(), &[]);
    let count = sum(&format!("{series} or on (testid) 0 * {run}"));
    if threshold.aggregation != Aggregation::Rate {
        return plain(count, run, threshold, threshold.limit);
    }
    let elapsed = selector(ELAPSED, scope.test, &BTreeMap::new(), &[]);
    let judged = match scope.warmup {
        Duration::ZERO => format!("max by (testid) ({elapsed})"),
        warmup => format!("max by (testid) ({elapsed} - {})", warmup.as_secs_f64()),
    };
    plain(format!("{count} / ({judged} > 0)"), elapsed, threshold, threshold.limit)
}

/// Of several series the one that was set last counts, as in k6.
fn newest(threshold: &Threshold, scope: Scope<'_>) -> Expression {
    let value = by_threshold(THRESHOLD_VALUE, threshold, scope.test);
    plain(value.clone(), value, threshold, threshold.limit)
}

/// A selector of the threshold's series, by the metric's name and further matchers.
type SeriesOf<'a> = dyn Fn(&str, &[(&str, &str)]) -> String + 'a;

fn trend(threshold: &Threshold, definition: &Definition, series: &SeriesOf<'_>) -> Expression {
    let histogram = histogram_name(definition);
    let count = series(&format!("{histogram}_count"), &[]);
    let limit = definition.unit.exported(threshold.limit);
    let extreme = |aggregation: &str| {
        let series = series(&statistic_name(definition, aggregation), &[]);
        plain(format!("{aggregation} by (testid) ({series})"), series, threshold, limit)
    };
    match threshold.aggregation {
        Aggregation::Quantile(quantile) => {
            let le = Float(limit).to_string();
            let good = series(&format!("{histogram}_bucket"), &[("le", &le)]);
            let value = format!("{} / {}", sum(&good), sum(&count));
            let crossed = quantile_crossed(threshold.comparison, quantile);
            Expression { value, crossed, selector: count }
        }
        Aggregation::Min => extreme("min"),
        Aggregation::Max => extreme("max"),
        Aggregation::Count => plain(sum(&count), count, threshold, threshold.limit),
        Aggregation::Avg | Aggregation::Rate | Aggregation::Value => {
            let total = sum(&series(&format!("{histogram}_sum"), &[]));
            let value = match definition.unit {
                // A sum of seconds is not exact; the whole nanoseconds that it was made of are.
                Unit::Time => format!("round({total} * 1e9) / {} / 1e9", sum(&count)),
                Unit::Plain | Unit::Bytes => format!("{total} / {}", sum(&count)),
            };
            plain(value, count, threshold, limit)
        }
    }
}

/// Nearest rank: the percentile is at most the limit when the share of samples at most the limit reaches it. Buckets
/// know `<=` and `>` only, so that `<` is read as `<=` and `>=` as `>`. The lowest rank is the first sample's.
fn quantile_crossed(comparison: Comparison, quantile: f64) -> String {
    let wants_less = matches!(comparison, Comparison::Less | Comparison::LessOrEqual);
    match (wants_less, quantile > 0.0) {
        (true, true) => format!("< {quantile}"),
        (true, false) => "<= 0".to_owned(),
        (false, true) => format!(">= {quantile}"),
        (false, false) => "> 0".to_owned(),
    }
}

fn plain(value: String, selector: String, threshold: &Threshold, limit: f64) -> Expression {
    let crossed = match threshold.comparison {
        Comparison::Less => ">=",
        Comparison::LessOrEqual => ">",
        Comparison::Greater => "<=",
        Comparison::GreaterOrEqual => "<",
        Comparison::Equal => "!=",
        Comparison::NotEqual => "==",
    };
    Expression { value, crossed: format!("{crossed} {limit}"), selector }
}

fn sum(series: &str) -> String {
    format!("sum by (testid) ({series})")
}
