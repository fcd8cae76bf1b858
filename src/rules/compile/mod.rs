//! Thresholds to PromQL: what they ask in process, and the rule file that says the same to Prometheus.

mod alert_name;
mod expression;
mod rule_file;
mod selector;

use std::collections::HashSet;
use std::time::Duration;

pub use expression::Scope;

use super::{Subject, Threshold};
use crate::metric::{Kind, Unit};
use crate::promql::{Options, ParseError, Query};
use expression::{Expression, asked_of_loadgate, expression};

/// What the run says of itself, and rules ask for.
pub const RUN_INFO: &str = "loadgate_run_info";
pub const RUN_FINAL: &str = "loadgate_run_final";
pub const ELAPSED: &str = "loadgate_run_elapsed_seconds";
/// By `metric` and `threshold`.
pub const THRESHOLD_VALUE: &str = "loadgate_threshold_value";
pub const THRESHOLD_OK: &str = "loadgate_threshold_ok";
/// By `probe`; followed by `_avg`, `_min`, `_max` or `_value`.
pub const PROBE: &str = "loadgate_probe";

/// A threshold and the rules that it means.
#[derive(Debug, Clone)]
pub struct ThresholdRule {
    pub threshold: Threshold,
    /// The series without which there is nothing to judge, in PromQL.
    pub(super) selector: String,
    /// The value that is compared; of a percentile the share of samples at most its limit. Empty without data.
    pub(super) value: Query,
    /// Has a value while the threshold is crossed, at any moment.
    pub(super) crossed: Query,
    /// Has a value if it is crossed on the run's final values.
    pub(super) last: Query,
    /// Has a value when it ends the run; `None` for one that never does.
    pub(super) abort: Option<Query>,
    /// The same for Prometheus, where they differ: see [`Told`].
    told: Option<Told>,
    alert: String,
    /// Of the value and the limit.
    unit: Unit,
    is_share: bool,
}

/// Why Prometheus has to ask loadgate what it found, and cannot find it itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    /// Exported counters hold the warmup too: they never go back.
    Warmup,
    /// Of several series of a gauge the one that was set last counts.
    Newest,
}

/// What a plan's thresholds and objectives mean.
#[derive(Debug, Clone)]
pub struct ThresholdRules {
    pub(super) test: String,
    pub(super) probes: Vec<String>,
    warmup: Duration,
    pub(super) rules: Vec<ThresholdRule>,
    /// The names in all expressions.
    asked: HashSet<String>,
}

impl ThresholdRules {
    /// # Errors
    /// Never for thresholds that a plan can have; it says which of our own texts is no PromQL.
    pub fn compile(thresholds: &[Threshold], scope: Scope<'_>) -> Result<Self, ParseError> {
        let rules = thresholds.iter().map(|threshold| ThresholdRule::compile(threshold, scope));
        let rules: Vec<ThresholdRule> = rules.collect::<Result<_, _>>()?;
        let queries = rules.iter().flat_map(|rule| [&rule.value, &rule.last].into_iter().chain(&rule.abort));
        let asked = queries.flat_map(names).collect();
        Ok(ThresholdRules {
            test: scope.test.to_owned(),
            probes: scope.probes.to_vec(),
            warmup: scope.warmup,
            rules,
            asked,
        })
    }

    /// In the order of the plan: thresholds, then objectives.
    pub fn rules(&self) -> &[ThresholdRule] {
        &self.rules
    }

    /// Whether an expression asks for a series of this family.
    pub(super) fn asks_for(&self, family: &str) -> bool {
        let asked = |name: &str| self.asked.contains(name);
        asked(family) || ["_bucket", "_sum", "_count"].iter().any(|part| asked(&format!("{family}{part}")))
    }

    /// A rule file that says the same to Prometheus; `promtool check rules` accepts it.
    pub fn rule_file(&self) -> String {
        rule_file::write(self)
    }
}

impl ThresholdRule {
    fn compile(threshold: &Threshold, scope: Scope<'_>) -> Result<Self, ParseError> {
        let expression = expression(threshold, scope);
        let condition = expression.condition();
        let Expression { value, selector, .. } = expression;
        let abort = threshold.abort_after.map(|delay| live(&condition, scope.warmup + delay));
        let definition = match &threshold.subject {
            Subject::Metric(metric) => Some(scope.catalog.definition(metric.metric)),
            Subject::Probe(_) => None,
        };
        let is_newest = definition.is_some_and(|known| known.custom && known.kind == Kind::Gauge);
        Ok(ThresholdRule {
            threshold: threshold.clone(),
            selector,
            value: parse(&value)?,
            crossed: parse(&condition)?,
            last: parse(&last(&condition))?,
            abort: abort.map(|abort| parse(&abort)).transpose()?,
            told: match scope.warmup {
                Duration::ZERO => is_newest.then_some(Told::Newest),
                _ => Some(Told::Warmup),
            },
            alert: alert_name::alert_name(threshold),
            unit: threshold.unit(scope.catalog),
            is_share: definition.is_some_and(|known| known.kind == Kind::Rate),
        })
    }

    /// The condition as Prometheus can ask for it.
    fn condition_for_prometheus(&self, test: &str) -> String {
        match self.told {
            Some(Told::Warmup) => asked_of_loadgate(&self.threshold, test),
            Some(Told::Newest) | None => self.crossed.text().to_owned(),
        }
    }
}

/// The metrics that an expression names.
fn names(query: &Query) -> Vec<String> {
    let selectors = query.selectors(&Options::default());
    let matchers = selectors.iter().flat_map(|selector| selector.matchers.iter());
    matchers.filter(|matcher| matcher.label == "__name__").map(|matcher| matcher.value.clone()).collect()
}

fn parse(text: &str) -> Result<Query, ParseError> {
    Query::parse(text).map_err(|error| ParseError { message: format!("{}: `{text}`", error.message) })
}

/// Judged once, when no machine that sends a part of the load has anything to add.
fn last(condition: &str) -> String {
    format!("{condition}\nunless on (testid) {RUN_FINAL} == 0\nand on (testid) {RUN_FINAL} == 1")
}

fn live(condition: &str, after: Duration) -> String {
    format!("{condition}\nand on (testid) {ELAPSED} > {}", after.as_secs_f64())
}

#[cfg(test)]
mod tests;
