//! What Prometheus has loaded, beside what the plan wants. Pure.

use std::time::Duration;

use super::Doubt;
use super::answer::{self, Rule, RuleGroup};
use super::wanted::{Wanted, WantedRules, agree};
use crate::labels::Labels;

/// A rule there, and which of the plan's it is.
#[derive(Debug)]
pub(super) struct Loaded<'a> {
    pub(super) group: &'a RuleGroup,
    pub(super) rule: &'a Rule,
    /// Of one name and one expression; several may differ in their labels.
    pub(super) wanted: Vec<&'a Wanted>,
}

pub(super) fn loaded<'a>(wanted: &'a WantedRules, groups: &'a [RuleGroup]) -> Vec<Loaded<'a>> {
    let rules = groups.iter().flat_map(|group| group.rules().iter().map(move |rule| (group, rule)));
    let of = |rule: &Rule| wanted.0.iter().filter(|wanted| wanted.is(&rule.name, &rule.query)).collect();
    rules.map(|(group, rule)| Loaded { group, rule, wanted: of(rule) }).collect()
}

impl Loaded<'_> {
    /// Whether an alert with these labels may be of this rule.
    pub(super) fn may_have_made(&self, labels: &Labels) -> bool {
        let written = self.rule.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        labels.value("alertname") == Some(&self.rule.name) && agree(written, labels)
    }
}

/// Of the plan's rules: what is not there, and what cannot be evaluated there.
pub(super) fn doubts(server: &str, wanted: &WantedRules, loaded: &[Loaded<'_>]) -> Vec<Doubt> {
    let mut doubts = Vec::new();
    for rule in wanted.0.iter().filter(|rule| rule.must_be_loaded) {
        let is_it = |loaded: &&Loaded<'_>| loaded.wanted.iter().any(|wanted| std::ptr::eq(*wanted, rule));
        let (server, alert) = (server.to_owned(), rule.alert.clone());
        let doubt = match loaded.iter().filter(is_it).collect::<Vec<_>>().as_slice() {
            [] => {
                let differs = loaded.iter().any(|loaded| loaded.rule.name == rule.alert);
                Some(Doubt::NotLoaded { server, alert, file: rule.file.clone(), differs })
            }
            found => found.iter().find(|loaded| loaded.rule.health == "err").map(|loaded| {
                let error = loaded.rule.last_error.clone().unwrap_or_default();
                Doubt::Failing { server, alert, error }
            }),
        };
        doubts.extend(doubt.filter(|doubt| !doubts.contains(doubt)));
    }
    doubts
}

/// The longest interval of the groups that have rules of the plan.
pub(super) fn evaluation_interval(loaded: &[Loaded<'_>]) -> Option<Duration> {
    let ours = loaded.iter().filter(|loaded| !loaded.wanted.is_empty());
    ours.map(|loaded| Duration::try_from_secs_f64(loaded.group.interval).unwrap_or_default()).max()
}

/// A group with rules of the plan that was not evaluated since a moment of the server's clock.
pub(super) fn unevaluated<'a>(loaded: &'a [Loaded<'_>], since_ms: i64) -> Option<&'a str> {
    let mut ours = loaded.iter().filter(|loaded| !loaded.wanted.is_empty());
    let late = ours.find(|loaded| {
        let group = loaded.group;
        let offset = loaded.wanted.iter().map(|wanted| wanted.offset).max().unwrap_or_default();
        // An evaluation that began late, as the one before took too long, is of the moment when it was due.
        let lag = if group.evaluation_time < group.interval { 0.0 } else { group.interval };
        let due_ms = since_ms + answer::millis(offset.as_secs_f64() + lag);
        group.evaluated_at_ms().is_none_or(|at_ms| at_ms <= due_ms)
    });
    late.map(|loaded| loaded.group.name.as_str())
}
