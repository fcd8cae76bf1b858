//! Which alerts fired in Prometheus, by the series that it writes of them. Pure.
//!
//! `ALERTS` tells at which evaluations an alert fired, also of one that came and went; `ALERTS_FOR_STATE` since when
//! its expression has held, by which one that fires anew is told from one that still does.

use std::collections::{BTreeMap, BTreeSet};

use super::answer::{self, FoundSeries};
use super::loaded::Loaded;
use crate::labels::Labels;
use crate::rules::{AlertGate, AlertOutcome, Evaluator, Firing, Gravity, Origin, gravity};

pub(super) const ALERTS: &str = "ALERTS";
pub(super) const ALERTS_FOR_STATE: &str = "ALERTS_FOR_STATE";

/// Times are in milliseconds since the Unix epoch, by the clock of Prometheus.
#[derive(Debug, Default)]
pub(super) struct AlertSeries(BTreeMap<Labels, Seen>);

#[derive(Debug, Default)]
struct Seen {
    firing: BTreeSet<i64>,
    /// Since when the expression had held, in whole seconds.
    active: BTreeMap<i64, i64>,
}

impl Seen {
    /// When it first fired in the window, unless it has fired since before and never stopped.
    fn first_fired(&self, opened_at_ms: i64, closed_at_ms: i64) -> Option<i64> {
        let before = self.firing.range(..opened_at_ms).next_back().and_then(|at_ms| self.active.get(at_ms));
        let is_new = |at_ms: &&i64| before.is_none() || self.active.get(at_ms) != before;
        self.firing.range(opened_at_ms..=closed_at_ms.max(opened_at_ms)).find(is_new).copied()
    }
}

impl AlertSeries {
    pub(super) fn add(&mut self, found: &FoundSeries) {
        let labels = found.labels();
        let key = labels.without("__name__").without("alertstate");
        match labels.value("__name__") {
            Some(ALERTS) if labels.value("alertstate") == Some("firing") => {
                self.0.entry(key).or_default().firing.extend(found.samples().map(|sample| sample.at_ms));
            }
            Some(ALERTS_FOR_STATE) => {
                let active = found.samples().map(|sample| (sample.at_ms, sample.value as i64));
                self.0.entry(key).or_default().active.extend(active);
            }
            _ => {}
        }
    }
}

/// The judged window, and how far the clock of Prometheus is ahead of ours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window<'a> {
    pub(super) server: &'a str,
    pub(super) testid: &'a str,
    /// By the clock of Prometheus, as the next.
    pub(super) opened_at_ms: i64,
    /// When the final values were there to be evaluated.
    pub(super) final_at_ms: i64,
    pub(super) ahead_ms: i64,
}

/// An alert that fired there.
struct Fired<'a> {
    labels: &'a Labels,
    at_ms: i64,
    gravity: Gravity,
    file: &'a str,
    loaded: Option<&'a Loaded<'a>>,
}

/// The gates that fired in the window, each with the first alert of those that weigh most.
pub(super) fn gates(series: &AlertSeries, loaded: &[Loaded<'_>], window: Window<'_>) -> Vec<AlertGate> {
    let of_run = |labels: &Labels| labels.value("testid").is_none_or(|of| of == window.testid);
    let mut all: Vec<Fired<'_>> = series
        .0
        .iter()
        .filter(|(labels, _)| of_run(labels))
        .filter_map(|(labels, seen)| {
            let of = loaded.iter().find(|rule| !rule.wanted.is_empty() && rule.may_have_made(labels));
            let of = of.or_else(|| loaded.iter().find(|rule| rule.may_have_made(labels)));
            let at_ms = seen.first_fired(window.opened_at_ms, closed_at_ms(window, of))?;
            fired(labels, at_ms, of)
        })
        .filter(|fired| fired.gravity != Gravity::None)
        .collect();
    all.sort_by_key(|fired| (std::cmp::Reverse(fired.gravity), fired.at_ms));
    let mut gates: Vec<AlertGate> = Vec::new();
    for fired in all {
        let (alert, group) = (fired.alert(), fired.loaded.map_or("", |loaded| &loaded.group.name));
        let same =
            |gate: &&mut AlertGate| gate.alert == alert && gate.group == group && gate.file == fired.file;
        match gates.iter_mut().find(same) {
            Some(AlertGate { outcome: AlertOutcome::Fired { others, .. }, .. }) => *others += 1,
            _ => gates.push(AlertGate {
                alert: alert.to_owned(),
                group: group.to_owned(),
                file: fired.file.to_owned(),
                gravity: fired.gravity,
                evaluator: Evaluator::Prometheus(window.server.to_owned()),
                outcome: AlertOutcome::Fired { first: Box::new(fired.firing(window)), others: 0 },
            }),
        }
    }
    gates
}

/// The end of the window: the evaluation that was first to see the final values. What fires later may do so because
/// there is no load any more.
fn closed_at_ms(window: Window<'_>, of: Option<&Loaded<'_>>) -> i64 {
    let first = of.map_or(0.0, |rule| rule.group.interval + rule.group.evaluation_time);
    window.final_at_ms + answer::millis(first)
}

/// An alert of a rule of the plan, or one that is about this run and says itself what it means.
fn fired<'a>(labels: &'a Labels, at_ms: i64, of: Option<&'a Loaded<'a>>) -> Option<Fired<'a>> {
    let label = |name: &str| labels.value(name);
    let (gravity, file) = match of {
        Some(rule) if !rule.wanted.is_empty() => {
            let told = gravity(label, Origin::Plan);
            match rule.wanted.iter().find(|wanted| wanted.labels_agree(labels)) {
                Some(wanted) => (told, &*wanted.file),
                // Loaded there with other labels: what the plan says counts.
                None => {
                    let worst = rule.wanted.iter().max_by_key(|wanted| wanted.gravity)?;
                    (worst.gravity.max(told), &*worst.file)
                }
            }
        }
        _ => {
            label("testid")?;
            (gravity(label, Origin::Daemon), of.map_or("", |rule| &*rule.group.file))
        }
    };
    Some(Fired { labels, at_ms, gravity, file, loaded: of })
}

impl Fired<'_> {
    fn alert(&self) -> &str {
        self.labels.value("alertname").unwrap_or_default()
    }

    /// Value and annotations are known of an alert that still fires.
    fn firing(&self, window: Window<'_>) -> Firing {
        let alerts = self.loaded.and_then(|loaded| loaded.rule.alerts.as_deref()).unwrap_or_default();
        let now = alerts.iter().find(|alert| answer::labels(&alert.labels) == *self.labels);
        Firing {
            at_ms: self.at_ms - window.ahead_ms,
            value: now.and_then(|alert| alert.value.parse().ok()).unwrap_or(f64::NAN),
            labels: self.labels.clone(),
            annotations: now.map(|alert| alert.annotations.clone()).unwrap_or_default(),
        }
    }
}
