//! `chaos`: what is broken while the load is sent, and how fast the target has to recover from it.

use std::collections::HashMap;
use std::time::Duration;

use super::fields::{Element, Fields};
use super::value::{AtLeast, Constant, Text};
use super::{ActionConfig, At, Place};

#[derive(Debug, Clone)]
pub struct FaultConfig {
    /// The label `fault`; default: `fault-1`, by its position.
    pub name: Option<At<String>>,
    /// Since load began.
    pub at: At<Duration>,
    /// `None`: nothing is done, only the time until `recovery.when` holds is measured.
    pub act: Option<At<ActionConfig>>,
    pub undo: Option<At<ActionConfig>>,
    /// How long it lasts; default: to the end of the load with `undo`, else until it is done.
    pub lasts: Option<At<Duration>>,
    pub recovery: Option<At<RecoveryConfig>>,
    /// Alerts that may fire between the fault and the recovery.
    pub tolerate: Vec<At<String>>,
}

#[derive(Debug, Clone)]
pub struct RecoveryConfig {
    /// PromQL that must hold; default: no gate of the plan's rules is active.
    pub when: Option<At<String>>,
    /// For how long, without a break.
    pub stable_for: Duration,
    /// From the end of the fault to the moment from which it held.
    pub within: Duration,
}

impl Element for FaultConfig {
    const NAME: &'static str = "fault";
    const HELP: &'static str = "Something that is broken while the load is sent, and mended again";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let name = f.optional::<At<Constant>>("name", "The label `fault` (default: `fault-1`, by position)");
        let at = f.required("at", "When, since load began");
        let act = f.optional::<At<ActionConfig>>(
            "do",
            "What breaks it; without it the time until `recovery.when` holds is measured from `at`",
        );
        let undo = f.optional("undo", "What mends it; done whatever becomes of the run, also after a crash");
        let lasts = f.optional::<At<AtLeast<1>>>(
            "for",
            "How long it lasts (default: to the end of the load with `undo`, else until `do` is done)",
        );
        let recovery = f.optional::<At<RecoveryConfig>>("recovery", RecoveryConfig::HELP);
        let tolerate = f.or_empty::<Vec<At<Constant>>>(
            "tolerate",
            "Alerts of the plan's rules that may fire between the fault and the recovery",
        );
        let when = recovery
            .as_ref()
            .is_some_and(|recovery| recovery.as_ref().is_some_and(|recovery| recovery.value.when.is_some()));
        if !f.has("do") && recovery.is_some() && !when {
            f.missing("do", "an action; only with `recovery.when` may a fault do nothing");
        }
        if f.has("undo") && !f.has("do") {
            f.problem("undo", "`undo` without `do`", "there is nothing to undo".to_owned());
        }
        if f.has("recovery") && f.has("undo") && !f.has("for") {
            f.missing("for", "a duration: undone at the end of the load, nobody would see it recover");
        }
        Some(FaultConfig {
            name: name?.map(|name| name.map(|name| name.0)),
            at: at?,
            act: act?,
            undo: undo?,
            lasts: lasts?.map(|lasts| lasts.map(|lasts| lasts.0)),
            recovery: recovery?,
            tolerate: tolerate?.into_iter().map(|alert| alert.map(|alert| alert.0)).collect(),
        })
    }
}

impl Element for RecoveryConfig {
    const NAME: &'static str = "recovery";
    const HELP: &'static str = "How fast the target has to recover, from the end of the fault: a gate";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let when = f.optional::<At<Text>>(
            "when",
            "PromQL that must give something (default: no gate of the plan's rules is pending or firing)",
        );
        let stable_for = f.or::<Duration>("stable_for", "For how long it must hold without a break", "30s");
        let within = f.or::<AtLeast<1>>("within", "Above it the run has failed", "5m");
        Some(RecoveryConfig {
            when: when?.map(|when| when.map(|when| when.0)),
            stable_for: stable_for?,
            within: within?.0,
        })
    }
}

impl FaultConfig {
    /// Its own name, or by its position from 0.
    pub fn name_at(&self, at: usize) -> String {
        self.name.as_ref().map_or_else(|| format!("fault-{}", at + 1), |name| name.value.clone())
    }
}

/// Names become labels, and must tell faults apart.
pub(super) fn check_names(f: &mut Fields<'_>, faults: &[FaultConfig]) {
    let mut places: HashMap<String, Place> = HashMap::new();
    for (at, fault) in faults.iter().enumerate() {
        let place = fault.name.as_ref().map_or(fault.at.place, |name| name.place);
        let name = fault.name_at(at);
        if let Some(first) = places.get(&name) {
            let help = format!("the first is at {}:{}", first.line, first.column);
            f.problem_at(place, format!("a second fault has the name `{name}`"), help);
        } else {
            places.insert(name, place);
        }
    }
}
