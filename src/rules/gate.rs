//! A gate: one thing that must hold, whether it did, and what that means for the verdict.

use std::collections::BTreeMap;
use std::time::Duration;

use super::RecoveryGate;
use super::verification::VerificationGate;
use crate::labels::Labels;
use crate::metric::Unit;

#[derive(Debug, Clone, PartialEq)]
pub enum Gate {
    Threshold(ThresholdGate),
    Alert(AlertGate),
    Verification(VerificationGate),
    Recovery(RecoveryGate),
}

/// A threshold, or one level of an objective.
#[derive(Debug, Clone, PartialEq)]
pub struct ThresholdGate {
    /// The metric with its tags, or the probe: `http_req_duration{scenario:chat}`.
    pub subject: String,
    /// `p(95)<500`
    pub threshold: String,
    /// Of which objective it is which level; `None` for a threshold.
    pub objective: Option<Objective>,
    /// In display units (milliseconds for times); `None` without data.
    pub value: Option<f64>,
    /// In display units.
    pub limit: f64,
    pub unit: Unit,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Held,
    Crossed,
    /// Nothing to judge: not a pass.
    NoData(NoData),
}

/// What was looked for, and what is there instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NoData {
    /// In PromQL.
    pub selector: String,
    /// At most three names or values that exist, the most similar first.
    pub nearest: Vec<String>,
    /// For people, in the words of who demanded it.
    pub why: String,
}

/// A line of `slo`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objective {
    pub name: String,
    pub level: Level,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Missed, the objective is degraded, and the run passes all the same.
    Target,
    /// Missed, it has failed, and so has the run.
    Critical,
}

/// An alerting rule.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertGate {
    pub alert: String,
    pub group: String,
    /// The path of its rule file.
    pub file: String,
    pub gravity: Gravity,
    pub evaluator: Evaluator,
    pub outcome: AlertOutcome,
}

/// Who found what an alert came to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Evaluator {
    /// This process.
    #[default]
    Embedded,
    /// A real Prometheus, by its URL.
    Prometheus(String),
}

/// What a gate does to the verdict when it is crossed: the label `gate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gravity {
    /// It is shown, and decides nothing.
    None,
    Inconclusive,
    Fail,
}

#[derive(Debug, Clone, PartialEq)]
pub enum AlertOutcome {
    Held,
    /// The first time it fired in the judged window, and for how many label sets beside that.
    Fired {
        first: Box<Firing>,
        others: usize,
    },
    /// At the final tick: it might have fired had the run been longer.
    Pending {
        held: Duration,
        hold: Duration,
        labels: Labels,
    },
    NoData(NoData),
    /// It could not be evaluated at the final tick.
    Error(String),
    /// It fired before the judged window opened and never stopped: not this run's doing.
    FiringAlready {
        since_ms: i64,
        labels: Labels,
    },
    /// It cannot say anything about this run, and why.
    NotApplicable(String),
}

/// An alert when it fired.
#[derive(Debug, Clone, PartialEq)]
pub struct Firing {
    /// Milliseconds since the Unix epoch.
    pub at_ms: i64,
    pub value: f64,
    pub labels: Labels,
    pub annotations: BTreeMap<String, String>,
}

/// What becomes of the verdict by one gate; the later wins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Effect {
    Nothing,
    /// An objective is degraded; the verdict does not know it.
    Degrades,
    Inconclusive,
    Fails,
}

impl Gate {
    pub fn effect(&self) -> Effect {
        match self {
            Gate::Threshold(gate) => gate.effect(),
            Gate::Alert(gate) => gate.effect(),
            Gate::Verification(gate) => gate.effect(),
            Gate::Recovery(gate) => gate.effect(),
        }
    }

    pub fn held(&self) -> bool {
        match self {
            Gate::Threshold(gate) => gate.held(),
            Gate::Alert(gate) => gate.outcome == AlertOutcome::Held,
            Gate::Verification(gate) => gate.held(),
            Gate::Recovery(gate) => gate.held(),
        }
    }

    pub fn threshold(&self) -> Option<&ThresholdGate> {
        match self {
            Gate::Threshold(gate) => Some(gate),
            Gate::Alert(_) | Gate::Verification(_) | Gate::Recovery(_) => None,
        }
    }

    pub fn alert(&self) -> Option<&AlertGate> {
        match self {
            Gate::Alert(gate) => Some(gate),
            Gate::Threshold(_) | Gate::Verification(_) | Gate::Recovery(_) => None,
        }
    }

    pub fn verification(&self) -> Option<&VerificationGate> {
        match self {
            Gate::Threshold(_) | Gate::Alert(_) | Gate::Recovery(_) => None,
            Gate::Verification(gate) => Some(gate),
        }
    }

    /// For lists: `http_req_duration{scenario:chat} p(95)<500`, `slo publish: http_req_duration p(95)<3s`,
    /// `alert ErrorRateHigh`, `verify postgres 1`.
    pub fn name(&self) -> String {
        match self {
            Gate::Threshold(gate) => gate.name(),
            Gate::Alert(gate) => match gate.evaluator {
                Evaluator::Embedded => format!("alert {}", gate.alert),
                Evaluator::Prometheus(_) => format!("alert {} in Prometheus", gate.alert),
            },
            Gate::Verification(gate) => format!("verify {}", gate.name),
            Gate::Recovery(gate) => gate.name(),
        }
    }
}

impl ThresholdGate {
    pub fn held(&self) -> bool {
        self.outcome == Outcome::Held
    }

    pub fn name(&self) -> String {
        let demand = format!("{} {}", self.subject, self.threshold);
        match &self.objective {
            Some(Objective { name, level }) => format!("slo {name} ({}): {demand}", level.as_str()),
            None => demand,
        }
    }

    pub fn effect(&self) -> Effect {
        let target = self.objective.as_ref().is_some_and(|objective| objective.level == Level::Target);
        match self.outcome {
            Outcome::Held => Effect::Nothing,
            Outcome::Crossed if target => Effect::Degrades,
            Outcome::Crossed => Effect::Fails,
            Outcome::NoData(_) => Effect::Inconclusive,
        }
    }
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Target => "target",
            Level::Critical => "critical",
        }
    }
}

impl AlertGate {
    /// Whether it is listed only: nothing that it could find would be this run's doing.
    pub fn says_nothing(&self) -> bool {
        matches!(self.outcome, AlertOutcome::FiringAlready { .. } | AlertOutcome::NotApplicable(_))
    }

    pub fn effect(&self) -> Effect {
        if self.gravity == Gravity::None {
            return Effect::Nothing;
        }
        match self.outcome {
            AlertOutcome::Held | AlertOutcome::FiringAlready { .. } | AlertOutcome::NotApplicable(_) => {
                Effect::Nothing
            }
            AlertOutcome::Fired { .. } if self.gravity == Gravity::Fail => Effect::Fails,
            AlertOutcome::Fired { .. }
            | AlertOutcome::Pending { .. }
            | AlertOutcome::NoData(_)
            | AlertOutcome::Error(_) => Effect::Inconclusive,
        }
    }
}

impl AlertOutcome {
    /// The word in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            AlertOutcome::Held => "held",
            AlertOutcome::Fired { .. } => "fired",
            AlertOutcome::Pending { .. } => "pending",
            AlertOutcome::NoData(_) => "no_data",
            AlertOutcome::Error(_) => "error",
            AlertOutcome::FiringAlready { .. } => "firing_already",
            AlertOutcome::NotApplicable(_) => "not_applicable",
        }
    }
}

impl Gravity {
    /// The value of the label `gate`.
    pub fn as_str(self) -> &'static str {
        match self {
            Gravity::None => "none",
            Gravity::Inconclusive => "inconclusive",
            Gravity::Fail => "fail",
        }
    }
}
