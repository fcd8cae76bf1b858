//! A verification as a gate: what was asked when the load was over, and what was answered.

use std::time::Duration;

use super::gate::{Effect, NoData};

#[derive(Debug, Clone, PartialEq)]
pub struct VerificationGate {
    /// From the plan, or its kind and a number; never an address or a statement.
    pub name: String,
    /// `postgres`, `redis`, `http` or `metrics`
    pub kind: &'static str,
    pub outcome: VerificationOutcome,
}

#[derive(Debug, Clone, PartialEq)]
pub enum VerificationOutcome {
    Held {
        found: String,
    },
    Failed {
        found: String,
        /// Those of its demands that do not hold: `equals 100`.
        wanted: String,
        /// Since load began, of a moment of the load; `None` once it was over.
        at: Option<Duration>,
    },
    /// It could not be asked, or its answer is none: not a pass.
    Unknown {
        why: String,
    },
    /// No series to judge it by.
    NoData(NoData),
}

impl VerificationGate {
    pub fn held(&self) -> bool {
        matches!(self.outcome, VerificationOutcome::Held { .. })
    }

    pub fn effect(&self) -> Effect {
        match self.outcome {
            VerificationOutcome::Held { .. } => Effect::Nothing,
            VerificationOutcome::Failed { .. } => Effect::Fails,
            VerificationOutcome::Unknown { .. } | VerificationOutcome::NoData(_) => Effect::Inconclusive,
        }
    }
}

impl VerificationOutcome {
    /// The word in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            VerificationOutcome::Held { .. } => "held",
            VerificationOutcome::Failed { .. } => "failed",
            VerificationOutcome::Unknown { .. } => "unknown",
            VerificationOutcome::NoData(_) => "no_data",
        }
    }
}
