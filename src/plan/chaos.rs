//! `chaos`, compiled.

use std::sync::Arc;
use std::time::Duration;

use super::Action;
use super::action::Owner;
use super::procedure::Procedures;
use super::text;
use crate::config::suggest::expected_one_of;
use crate::config::{ActionConfig, At, FaultConfig, PlanConfig, Problem, RecoveryConfig};
use crate::promql::Query;
use crate::rules::{RuleFile, RuleKind};
use crate::template::Names;

/// Something that is broken while the load is sent.
#[derive(Debug)]
pub struct Fault {
    /// The label `fault`.
    pub name: Arc<str>,
    /// Since load began.
    pub at: Duration,
    /// `None`: only the time until `recovery.when` holds is measured.
    pub act: Option<Action>,
    pub undo: Option<Action>,
    /// `None`: to the end of the load where it is undone, else until it is done.
    pub lasts: Option<Duration>,
    pub recovery: Option<Recovery>,
    /// Alerts that may fire until the target has recovered.
    pub tolerate: Vec<String>,
}

/// When the target has recovered.
#[derive(Debug)]
pub struct Recovery {
    /// `None`: no gate of the plan's rules is active.
    pub when: Option<Query>,
    pub stable_for: Duration,
    pub within: Duration,
}

pub(super) fn compile(plan: &PlanConfig, names: &Names, procedures: &mut Procedures<'_>) -> Vec<Fault> {
    let mut names = names.clone();
    names.add(text::TESTID);
    let mut faults = Vec::new();
    for (at, fault) in plan.chaos.iter().enumerate() {
        let mut action = |deed: &str, action: &Option<At<ActionConfig>>| {
            let key = format!("{at}-{deed}");
            let owner = Owner { name: "fault", key: &key, names: &names };
            action.as_ref().map(|action| procedures.action(action, &owner))
        };
        let (act, undo) = (action("do", &fault.act), action("undo", &fault.undo));
        let recovery = fault.recovery.as_ref();
        faults.push(Fault {
            name: Arc::from(fault.name_at(at)),
            at: fault.at.value,
            act,
            undo,
            lasts: fault.lasts.as_ref().map(|lasts| lasts.value),
            recovery: recovery.and_then(|recovery| compile_recovery(&recovery.value, procedures.problems)),
            tolerate: fault.tolerate.iter().map(|alert| alert.value.clone()).collect(),
        });
    }
    faults
}

fn compile_recovery(recovery: &RecoveryConfig, problems: &mut Vec<Problem>) -> Option<Recovery> {
    let mut when = None;
    if let Some(text) = &recovery.when {
        match Query::parse(&text.value) {
            Ok(query) if matches!(query.type_name(), "scalar" | "instant vector") => when = Some(query),
            Ok(query) => {
                let message =
                    format!("a condition is asked at one moment, and this is a {}", query.type_name());
                let help = "expected a comparison such as `sum(up{job=\"backend\"}) >= 2`";
                problems.push(Problem::new(text.place, message).help(help));
                return None;
            }
            Err(error) => {
                let help = "expected PromQL such as `sum(up{job=\"backend\"}) >= 2`";
                problems.push(Problem::new(text.place, format!("not PromQL: {error}")).help(help));
                return None;
            }
        }
    }
    Some(Recovery { when, stable_for: recovery.stable_for, within: recovery.within })
}

/// What needs the rest of the plan. `planned` is how long load is sent.
pub(super) fn check(plan: &PlanConfig, rules: &[RuleFile], planned: Duration, problems: &mut Vec<Problem>) {
    let alerts: Vec<&str> = rules
        .iter()
        .flat_map(|file| &file.groups)
        .flat_map(|group| &group.rules)
        .filter(|rule| matches!(rule.kind, RuleKind::Alert { .. }))
        .map(|rule| rule.name.as_str())
        .collect();
    for fault in &plan.chaos {
        check_time(fault, planned, problems);
        let recovery = fault.recovery.as_ref();
        if let Some(recovery) = recovery.filter(|recovery| recovery.value.when.is_none() && alerts.is_empty())
        {
            let help = "name a rule file in `rules`, or write what must hold: `when: sum(rate(…[10s])) < 1`";
            let message = "nothing says when the target has recovered: the plan has no alert";
            problems.push(Problem::new(recovery.place, message).help(help));
        }
        for alert in fault.tolerate.iter().filter(|alert| !alerts.contains(&alert.value.as_str())) {
            let help = if alerts.is_empty() {
                "expected the name of an alert of a file in `rules`".to_owned()
            } else {
                expected_one_of(&alert.value, &alerts, &[])
            };
            let message = format!("no rule file of the plan has an alert `{}`", alert.value);
            problems.push(Problem::new(alert.place, message).help(help));
        }
    }
}

fn check_time(fault: &FaultConfig, planned: Duration, problems: &mut Vec<Problem>) {
    let begins = fault.at.value;
    let sent = || format!("load is sent for {planned:?}");
    if begins >= planned {
        let message = "the load is over before this fault begins";
        problems.push(Problem::new(fault.at.place, message).help(sent()));
        return;
    }
    let ends = begins + fault.lasts.as_ref().map_or(Duration::ZERO, |lasts| lasts.value);
    if let Some(recovery) = &fault.recovery {
        let known = ends + recovery.value.stable_for;
        if known >= planned {
            let message = format!("whether it recovers is known after {known:?} at the earliest");
            problems.push(Problem::new(recovery.place, message).help(sent()));
        }
    }
}
