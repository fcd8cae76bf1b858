//! Objectives of two levels: what their gates come to.

use super::Finished;
use crate::rules::{Effect, Gate, Level};

/// A line of `slo`.
pub(super) struct ObjectiveStatus<'a> {
    pub(super) name: &'a str,
    pub(super) status: Status,
    /// The target, then what is critical.
    pub(super) gates: Vec<(&'a Gate, Level)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Status {
    Ok,
    /// The target was missed: the run may pass all the same.
    Degraded,
    NoData,
    Failed,
}

impl Status {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Degraded => "degraded",
            Status::NoData => "no data",
            Status::Failed => "failed",
        }
    }
}

impl Finished {
    /// In the order of the plan.
    pub(super) fn objectives(&self) -> Vec<ObjectiveStatus<'_>> {
        let mut all: Vec<ObjectiveStatus<'_>> = Vec::new();
        for gate in &self.gates {
            let Some(objective) = gate.threshold().and_then(|gate| gate.objective.as_ref()) else { continue };
            match all.iter_mut().find(|known| known.name == objective.name) {
                Some(known) => known.gates.push((gate, objective.level)),
                None => all.push(ObjectiveStatus {
                    name: &objective.name,
                    status: Status::Ok,
                    gates: vec![(gate, objective.level)],
                }),
            }
        }
        for objective in &mut all {
            let worst = objective.gates.iter().map(|(gate, _)| gate.effect()).max();
            objective.status = match worst.unwrap_or(Effect::Nothing) {
                Effect::Nothing => Status::Ok,
                Effect::Degrades => Status::Degraded,
                Effect::Inconclusive => Status::NoData,
                Effect::Fails => Status::Failed,
            };
        }
        all
    }
}
