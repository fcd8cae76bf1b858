//! Thresholds in k6's grammar: `metric{tag:value}` and a list of `aggregation operator value`.

use std::time::Duration;

use super::At;

#[derive(Debug, Clone)]
pub struct ThresholdConfig {
    pub metric: At<MetricSelector>,
    /// As it was written, without spaces around: `p(95)<500`.
    pub source: At<String>,
    pub aggregation: Aggregation,
    pub comparison: Comparison,
    pub limit: f64,
    /// The unit the limit was written with, in seconds (`10s` has limit 10 and unit 1); `None` for a bare number.
    pub unit_secs: Option<f64>,
    pub abort_on_fail: bool,
    pub delay_abort_eval: Duration,
}

#[derive(Debug, Clone, PartialEq)]
pub struct MetricSelector {
    pub name: String,
    /// All must be equal.
    pub tags: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aggregation {
    Count,
    Rate,
    Value,
    Avg,
    Min,
    Max,
    Med,
    /// 0 to 100.
    Percentile(f64),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Equal,
    NotEqual,
}
