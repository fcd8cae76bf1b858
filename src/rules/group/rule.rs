//! A rule's state: its health, its alerts and the series that it wrote last.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::{ActiveAlert, AlertState};
use crate::labels::Labels;

#[derive(Debug, Default)]
pub struct Rule {
    health: Health,
    last_error: Option<String>,
    last_evaluation_ms: Option<i64>,
    evaluation_time: Duration,
    /// Whether the last evaluation said anything about the alerts.
    pub(super) judged: bool,
    pub(super) alerts: BTreeMap<Labels, ActiveAlert>,
    pub(super) series: BTreeSet<Labels>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Health {
    /// Not evaluated yet.
    #[default]
    Unknown,
    Ok,
    /// The last evaluation failed: alerts are what they were before it.
    Err,
}

impl Health {
    pub fn as_str(self) -> &'static str {
        match self {
            Health::Unknown => "unknown",
            Health::Ok => "ok",
            Health::Err => "err",
        }
    }
}

impl Rule {
    pub fn health(&self) -> Health {
        self.health
    }

    /// Of the last evaluation.
    pub fn last_error(&self) -> Option<&str> {
        self.last_error.as_deref()
    }

    /// In milliseconds since the Unix epoch.
    pub fn last_evaluation_ms(&self) -> Option<i64> {
        self.last_evaluation_ms
    }

    pub fn evaluation_time(&self) -> Duration {
        self.evaluation_time
    }

    /// The highest state of its alerts; `None` before the first evaluation, which Prometheus calls `unknown`.
    pub fn state(&self) -> Option<AlertState> {
        self.last_evaluation_ms?;
        Some(self.alerts.values().map(|alert| alert.state).max().unwrap_or(AlertState::Inactive))
    }

    /// All alerts, by labels: also those that were resolved in the last 15 minutes.
    pub fn alerts(&self) -> impl Iterator<Item = &ActiveAlert> {
        self.alerts.values()
    }

    /// Pending and firing alerts, by labels.
    pub fn active_alerts(&self) -> impl Iterator<Item = &ActiveAlert> {
        self.alerts().filter(|alert| alert.is_active())
    }

    pub(super) fn alerts_mut(&mut self) -> impl Iterator<Item = &mut ActiveAlert> {
        self.alerts.values_mut()
    }

    pub(super) fn evaluated(&mut self, at_ms: i64, took: Duration, outcome: Result<(), String>) {
        self.last_evaluation_ms = Some(at_ms);
        self.evaluation_time = took;
        self.last_error = outcome.err();
        self.health = if self.last_error.is_some() { Health::Err } else { Health::Ok };
    }
}
