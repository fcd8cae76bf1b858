//! Groups of rules while they are evaluated: the states of alerts, and the series that rules write.
//!
//! Semantics are those of Prometheus 3 (`rules/group.go`, `alerting.go`, `recording.go`). Nothing here waits or asks
//! for the time: whoever calls says when it is.

mod alert;
mod alerting;
mod recording;
mod rule;
mod schedule;
mod storage;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use super::file::{GroupSpec, RuleKind};
use crate::labels::Labels;
use crate::promql::{Options, Point, STALE};
pub use alert::{ActiveAlert, AlertState, Notice};
pub use rule::{Health, Rule};
use schedule::Schedule;
pub use storage::{AppendError, Storage};

/// What Prometheus takes for a group that names no interval.
pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);

/// A group and what became of its rules so far.
#[derive(Debug)]
pub struct Group {
    spec: Arc<GroupSpec>,
    interval: Duration,
    rules: Vec<Rule>,
    schedule: Schedule,
    last_evaluation_ms: Option<i64>,
    evaluation_time: Duration,
}

/// What an evaluation needs beside the store and the moment.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Of the queries: of the rules themselves and of those that templates ask.
    pub options: &'a Options,
    /// For templates.
    pub external_labels: &'a Labels,
    pub external_url: &'a str,
    /// Time since any fixed moment, for [`Group::evaluation_time`]; nothing is decided by it.
    pub stopwatch: &'a dyn Fn() -> Duration,
}

/// What one evaluation of a group came to.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Evaluation {
    /// Samples that the rules gave, staleness markers not counted.
    pub samples: usize,
    /// Rules that could not be evaluated, or whose samples could not be stored.
    pub failures: Vec<Failure>,
}

/// A rule that is in error after an evaluation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Its index in the group.
    pub rule: usize,
    pub message: String,
}

impl Group {
    /// A group that was not evaluated yet. `default_interval` is for one that names none.
    pub fn new(spec: impl Into<Arc<GroupSpec>>, default_interval: Duration) -> Self {
        let spec = spec.into();
        let interval = spec.interval.unwrap_or(default_interval);
        let rules = spec.rules.iter().map(|_| Rule::default()).collect();
        Group {
            spec,
            interval,
            rules,
            schedule: Schedule::new(interval),
            last_evaluation_ms: None,
            evaluation_time: Duration::ZERO,
        }
    }

    pub fn spec(&self) -> &GroupSpec {
        &self.spec
    }

    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// The states of the rules, in the order of [`GroupSpec::rules`].
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// When it was evaluated last, in milliseconds since the Unix epoch.
    pub fn last_evaluation_ms(&self) -> Option<i64> {
        self.last_evaluation_ms
    }

    /// How long that took.
    pub fn evaluation_time(&self) -> Duration {
        self.evaluation_time
    }

    /// Evaluations that were skipped because the ticks came too late.
    pub fn missed(&self) -> u64 {
        self.schedule.missed()
    }

    /// Whether the group is to be evaluated at this tick. To be asked once for each tick, with ascending times; the
    /// first is always due, and skipped ones are counted in [`missed`](Self::missed).
    pub fn due(&mut self, now_ms: i64) -> bool {
        self.schedule.due(now_ms)
    }

    /// Evaluates all rules, in their order; each sees what those before it wrote at the same moment.
    pub fn evaluate(&mut self, store: &dyn Storage, at_ms: i64, context: &Context<'_>) -> Evaluation {
        let spec = Arc::clone(&self.spec);
        let offset_ms = spec.query_offset.map_or(0, whole_ms);
        let scope = Scope { store, at_ms, offset_ms, limit: spec.limit, context };
        let started = (context.stopwatch)();
        let mut evaluation = Evaluation::default();
        for (index, (spec, rule)) in spec.rules.iter().zip(&mut self.rules).enumerate() {
            let started = (context.stopwatch)();
            let samples = match &spec.kind {
                RuleKind::Alert { hold, keep_firing_for, annotations } => {
                    let hold = alerting::Hold { hold: *hold, keep_firing_for: *keep_firing_for };
                    alerting::evaluate(spec, annotations, hold, rule, &scope)
                }
                RuleKind::Record => recording::evaluate(spec, &scope),
            };
            rule.judged = samples.is_ok();
            let outcome = samples.and_then(|samples| {
                evaluation.samples += samples.len();
                write(samples, rule, &scope)
            });
            rule.evaluated(at_ms, (context.stopwatch)().saturating_sub(started), outcome.clone());
            if let Err(message) = outcome {
                evaluation.failures.push(Failure { rule: index, message });
            }
        }
        self.last_evaluation_ms = Some(at_ms);
        self.evaluation_time = (context.stopwatch)().saturating_sub(started);
        evaluation
    }

    /// What an Alertmanager is to be told now: alerts that fire or were resolved since they were last told, and all
    /// others again after `resend_delay`. They count as told from here on. To be asked after each evaluation; rules in
    /// error tell nothing, so that a lasting error lets their alerts expire there, as with Prometheus.
    pub fn notices(&mut self, at_ms: i64, resend_delay: Duration) -> Vec<Notice> {
        let valid_for_ms = 4 * whole_ms(self.interval.max(resend_delay));
        let healthy = self.spec.rules.iter().zip(&mut self.rules).filter(|(_, rule)| rule.judged);
        let mut notices = Vec::new();
        for (spec, rule) in healthy {
            for alert in rule.alerts_mut().filter(|alert| alert.needs_sending(at_ms, resend_delay)) {
                alert.last_sent_at_ms = Some(at_ms);
                let ends_at_ms = alert.resolved_at_ms.unwrap_or(at_ms + valid_for_ms);
                notices.push(Notice { alert: alert.clone(), ends_at_ms, expr: spec.query.text().to_owned() });
            }
        }
        notices
    }

    /// Ends all series that the rules wrote: for a group that will not be evaluated again.
    pub fn end(&mut self, store: &dyn Storage, at_ms: i64) {
        for rule in &mut self.rules {
            for labels in std::mem::take(&mut rule.series) {
                // Another rule may have written the same series at this moment: then it has not ended.
                let _ = store.append(&labels, Point { at_ms, value: STALE });
            }
        }
    }
}

/// What all rules of one evaluation share.
struct Scope<'a> {
    store: &'a dyn Storage,
    at_ms: i64,
    offset_ms: i64,
    limit: usize,
    context: &'a Context<'a>,
}

/// Stores what a rule gave, and a staleness marker for each series that it gave before and no more.
fn write(samples: Vec<(Labels, f64)>, rule: &mut Rule, scope: &Scope<'_>) -> Result<(), String> {
    let at_ms = scope.at_ms - scope.offset_ms;
    let mut written = BTreeSet::new();
    let mut outcome = Ok(());
    for (labels, value) in samples {
        match scope.store.append(&labels, Point { at_ms, value }) {
            Ok(()) => drop(written.insert(labels)),
            Err(error) => outcome = Err(error.to_string()),
        }
    }
    for labels in rule.series.difference(&written) {
        // Refused where another rule wrote the same series at this moment: then it has not ended.
        let _ = scope.store.append(labels, Point { at_ms, value: STALE });
    }
    rule.series = written;
    outcome
}

fn whole_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 8)
}
