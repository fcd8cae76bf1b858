//! An alerting rule as a gate, before the run.

use std::time::Duration;

use super::window;
use crate::promql::{Options, Selectors};
use crate::rules::{Gravity, GroupSpec, RuleKind, RuleSpec};

/// Who named the rule file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A plan, under `rules`: what it names is about the run.
    Plan,
    /// The daemon's configuration: rules that stand there whatever runs.
    Daemon,
}

#[derive(Debug, Clone)]
pub struct AlertRule {
    pub alert: String,
    pub group: String,
    pub file: String,
    /// In the file, from 1.
    pub line: u32,
    pub origin: Origin,
    /// As far as the rule itself says it; the labels of an alert that fires have the last word.
    pub gravity: Gravity,
    /// `for`
    pub hold: Duration,
    /// How far back the expression looks, through the recording rules that it reads.
    pub window: Duration,
    pub(super) selectors: Selectors,
}

/// The alerting rules of several groups, in their order.
#[derive(Debug, Clone, Default)]
pub struct AlertRules(pub(super) Vec<AlertRule>);

impl AlertRules {
    pub fn new<'a>(groups: impl IntoIterator<Item = (&'a GroupSpec, Origin)>) -> Self {
        let groups: Vec<(&GroupSpec, Origin)> = groups.into_iter().collect();
        let recorded = window::Recorded::of(groups.iter().map(|(group, _)| *group));
        let mut rules = Vec::new();
        for (group, origin) in groups {
            for rule in &group.rules {
                let RuleKind::Alert { hold, .. } = &rule.kind else { continue };
                rules.push(AlertRule {
                    alert: rule.name.clone(),
                    group: group.name.clone(),
                    file: group.file.clone(),
                    line: rule.line,
                    origin,
                    gravity: written_gravity(rule, origin),
                    hold: *hold,
                    window: recorded.window(&rule.query),
                    selectors: rule.query.selectors(&Options::default()),
                });
            }
        }
        AlertRules(rules)
    }

    pub fn iter(&self) -> std::slice::Iter<'_, AlertRule> {
        self.0.iter()
    }
}

impl AlertRule {
    /// Whether it can fire within a judged window of this length.
    pub fn fits(&self, judged: Duration) -> bool {
        self.needs() <= judged
    }

    /// The shortest judged window in which it can fire on whole data.
    pub fn needs(&self) -> Duration {
        self.window + self.hold
    }
}

/// What firing means by these labels, when `origin` named the rule. An unknown value of `gate` may have meant anything: nobody can say passed.
pub fn gravity<'a>(label: impl Fn(&str) -> Option<&'a str>, origin: Origin) -> Gravity {
    match label("gate").filter(|gate| !gate.is_empty()) {
        Some("none") => Gravity::None,
        Some("fail") => Gravity::Fail,
        Some(_) => Gravity::Inconclusive,
        None => match (origin, label("severity")) {
            (Origin::Plan, Some("critical" | "page")) => Gravity::Fail,
            // A template: what it gives is known when it fires.
            (Origin::Plan, Some(severity)) if severity.contains("{{") => Gravity::Inconclusive,
            _ => Gravity::None,
        },
    }
}

fn written_gravity(rule: &RuleSpec, origin: Origin) -> Gravity {
    gravity(|name| rule.label(name), origin)
}
