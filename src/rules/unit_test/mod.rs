//! promtool's unit tests of rules: series over time, and what alerts and queries must say about them.
//!
//! All groups are evaluated at each `evaluation_interval`, whatever interval they name, as promtool does it; the
//! semantics are those of Prometheus 3.

mod alerts;
mod memory;
mod read;
mod run;
mod samples;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::labels::Labels;
use crate::promql::Query;
use crate::promql::notation::StepValue;
pub use alerts::AlertsDiffer;
#[cfg(test)]
pub(in crate::rules) use memory::Memory;
pub use samples::SamplesDiffer;

use super::value::show_duration;

/// A file of unit tests.
#[derive(Debug, Clone)]
pub struct TestFile {
    /// As it was given.
    pub path: String,
    /// Patterns of paths, relative to the folder of the file.
    pub rule_files: Vec<String>,
    evaluation_interval: Duration,
    group_eval_order: Vec<String>,
    /// Values of samples may differ by one unit in the last place.
    fuzzy_compare: bool,
    tests: Vec<Test>,
}

/// Series, and what is asked about them.
#[derive(Debug, Clone)]
struct Test {
    name: Option<String>,
    line: u32,
    /// Between two values of a series.
    interval: Duration,
    /// When it begins; times of questions count from it.
    start_ms: i64,
    series: BTreeMap<Labels, Vec<StepValue>>,
    alerts: Vec<AlertCase>,
    queries: Vec<QueryCase>,
    external_labels: Labels,
    external_url: String,
}

#[derive(Debug, Clone)]
struct AlertCase {
    line: u32,
    at: Duration,
    name: String,
    expected: Vec<Firing>,
}

#[derive(Debug, Clone)]
struct QueryCase {
    line: u32,
    at: Duration,
    query: Query,
    expected: Vec<(Labels, f64)>,
}

/// An alert that fires, as a test sees it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Firing {
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
}

/// What a test did not find as it should be.
#[derive(Debug, Clone)]
pub struct TestFailure {
    /// Of the question in its file; of the test, for what is asked nowhere.
    pub line: u32,
    /// Its name, or its number in the file.
    pub test: String,
    /// Since the test began.
    pub at: Duration,
    pub kind: FailureKind,
}

#[derive(Debug, Clone)]
pub enum FailureKind {
    /// A rule could not be evaluated: the test ends there.
    Rule {
        name: String,
        message: String,
    },
    Alerts(AlertsDiffer),
    Samples(SamplesDiffer),
    /// A query could not be evaluated.
    Query {
        expr: String,
        message: String,
    },
}

impl TestFile {
    /// How many tests are in it.
    pub fn len(&self) -> usize {
        self.tests.len()
    }

    pub fn is_empty(&self) -> bool {
        self.tests.is_empty()
    }
}

impl fmt::Display for TestFailure {
    /// Lines indented by two, the last one ended.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (line, at) = (self.line, show_duration(self.at));
        write!(f, "  line {line}, test {}: ", self.test)?;
        match &self.kind {
            FailureKind::Rule { name, message } => {
                writeln!(f, "the rule `{name}` failed at {at}")?;
                writeln!(f, "      {message}")
            }
            FailureKind::Query { expr, message } => {
                writeln!(f, "the query `{}` failed at {at}", expr.trim())?;
                writeln!(f, "      {message}")
            }
            FailureKind::Alerts(differ) => {
                writeln!(f, "alert `{}` at {at}", differ.alertname)?;
                differ.fmt(f)
            }
            FailureKind::Samples(differ) => {
                writeln!(f, "query `{}` at {at}", differ.expr.trim())?;
                differ.fmt(f)
            }
        }
    }
}

fn show_labels<'a>(labels: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let shown: Vec<String> = labels.map(|(name, value)| format!("{name}={value:?}")).collect();
    format!("{{{}}}", shown.join(", "))
}
