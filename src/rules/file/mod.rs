//! Rule files: what Prometheus loads under `rule_files`, with its meaning, as checked types.

mod lint;
mod read;
mod templated;
mod testid;
#[cfg(test)]
mod tests;

use std::time::Duration;

use crate::promql::Query;
pub use read::Checked;
pub use templated::Templated;

/// A rule file that was read.
#[derive(Debug, Clone)]
pub struct RuleFile {
    /// As it was given.
    pub path: String,
    /// In the order of the file; no two have one name.
    pub groups: Vec<GroupSpec>,
}

/// Rules that are evaluated together, in their order, at one moment.
#[derive(Debug, Clone)]
pub struct GroupSpec {
    /// The rule file's path, or what made the group.
    pub file: String,
    pub name: String,
    /// `None` takes what whoever evaluates it has as a default.
    pub interval: Option<Duration>,
    /// The most alerts or series that a rule may have; 0 is no limit.
    pub limit: usize,
    /// How far back in time the rules look; `None` is 0.
    pub query_offset: Option<Duration>,
    /// As they are written; each rule's labels hold them already.
    pub labels: Vec<(String, String)>,
    pub rules: Vec<RuleSpec>,
}

/// An alerting or a recording rule.
#[derive(Debug, Clone)]
pub struct RuleSpec {
    /// The alert's name, or the metric that is recorded.
    pub name: String,
    pub kind: RuleKind,
    pub query: Query,
    /// The group's and its own, which win; sorted by name. An empty value takes the label away. Those of a recording
    /// rule are no templates: they stand as they are.
    pub labels: Vec<(String, Templated)>,
    /// Where the rule begins in its file, counted from 1; 0 for a rule that stands in none.
    pub line: u32,
}

#[derive(Debug, Clone)]
pub enum RuleKind {
    Alert {
        /// `for`: how long the expression must hold before the alert fires.
        hold: Duration,
        keep_firing_for: Duration,
        /// Sorted by name.
        annotations: Vec<(String, Templated)>,
    },
    Record,
}

impl RuleSpec {
    pub fn is_alert(&self) -> bool {
        matches!(self.kind, RuleKind::Alert { .. })
    }

    /// The text of one of its labels, before it is expanded.
    pub fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(known, _)| known == name).map(|(_, value)| value.text())
    }
}
