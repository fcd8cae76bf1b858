//! The alerting rules that decide a plan's runs, as they are looked for in Prometheus.

use std::time::Duration;

use crate::labels::Labels;
use crate::promql::Query;
use crate::rules::{
    AlertGate, AlertOutcome, AlertRules, Gate, Gravity, GroupSpec, Origin, Outcome, RuleFile, RuleSpec,
    ThresholdRules,
};

/// What a plan has.
#[derive(Debug, Clone, Default)]
pub struct WantedRules(pub(super) Vec<Wanted>);

#[derive(Debug, Clone)]
pub(super) struct Wanted {
    pub(super) alert: String,
    /// The path of its rule file.
    pub(super) file: String,
    /// See [`normal`].
    expression: String,
    /// As they are written.
    labels: Vec<(String, String)>,
    pub(super) gravity: Gravity,
    /// How far back in time it looks.
    pub(super) offset: Duration,
    /// Whether a run is inconclusive if Prometheus does not have it.
    pub(super) must_be_loaded: bool,
}

impl WantedRules {
    /// The alerts of the files that the plan names must be there, unless they decide nothing. What `rules generate`
    /// prints for its thresholds may be there.
    pub fn new(named: &[RuleFile], thresholds: &ThresholdRules) -> Self {
        let mut wanted = of_groups(named.iter().flat_map(|file| &file.groups), true);
        let generated = RuleFile::read("loadgate rules generate", &thresholds.rule_file());
        if let Ok(generated) = generated {
            wanted.extend(of_groups(&generated.file.groups, false));
        }
        WantedRules(wanted)
    }
}

fn of_groups<'a>(groups: impl IntoIterator<Item = &'a GroupSpec>, must: bool) -> Vec<Wanted> {
    let groups: Vec<&GroupSpec> = groups.into_iter().collect();
    let gates = AlertRules::new(groups.iter().map(|group| (*group, Origin::Plan)));
    let alerts = groups
        .iter()
        .flat_map(|group| group.rules.iter().filter(|rule| rule.is_alert()).map(move |rule| (*group, rule)));
    let wanted = |(gate, (group, rule)): (&_, (&GroupSpec, &RuleSpec))| {
        let gate: &crate::rules::AlertRule = gate;
        Wanted {
            alert: rule.name.clone(),
            file: group.file.clone(),
            expression: normal(&rule.query),
            labels: rule.labels.iter().map(|(name, value)| (name.clone(), value.text().to_owned())).collect(),
            gravity: gate.gravity,
            offset: group.query_offset.unwrap_or_default(),
            must_be_loaded: must && gate.gravity != Gravity::None,
        }
    };
    gates.iter().zip(alerts).map(wanted).collect()
}

/// Expressions that differ in their text only are written alike: Prometheus tells an expression as its own printer
/// writes it.
pub(super) fn normal(query: &Query) -> String {
    query.expr().to_string()
}

impl Wanted {
    pub(super) fn is(&self, alert: &str, expression: &str) -> bool {
        self.alert == alert && Query::parse(expression).is_ok_and(|query| normal(&query) == self.expression)
    }

    /// Whether an alert with these labels may be of this rule.
    pub(super) fn labels_agree(&self, labels: &Labels) -> bool {
        let pairs = self.labels.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        agree(pairs, labels)
    }

    /// Whether it fired in this process.
    pub(super) fn fired_in(&self, gates: &[Gate]) -> bool {
        gates.iter().any(|gate| match gate {
            Gate::Alert(AlertGate { alert, file, gravity, outcome, .. }) => {
                let fired = matches!(outcome, AlertOutcome::Fired { .. });
                fired && *gravity != Gravity::None && *alert == self.alert && *file == self.file
            }
            Gate::Threshold(gate) => {
                self.gravity != Gravity::None
                    && gate.outcome == Outcome::Crossed
                    && self.label("metric") == Some(&gate.subject)
                    && self.label("threshold") == Some(&gate.threshold)
            }
            Gate::Verification(_) | Gate::Recovery(_) => false,
        })
    }

    fn label(&self, name: &str) -> Option<&str> {
        self.labels.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

/// Whether a rule with labels as these are written can have made an alert with those. A template gives what it gives.
pub(super) fn agree<'a>(written: impl IntoIterator<Item = (&'a str, &'a str)>, labels: &Labels) -> bool {
    let mut written = written.into_iter().filter(|(_, value)| !value.contains("{{"));
    written.all(|(name, value)| labels.value(name).unwrap_or_default() == value)
}
