//! A gate over how fast the target recovered from a fault.

use std::time::Duration;

use super::Effect;

#[derive(Debug, Clone, PartialEq)]
pub struct RecoveryGate {
    /// The label `fault`.
    pub fault: String,
    /// Above it the run has failed.
    pub within: Duration,
    pub stable_for: Duration,
    pub outcome: RecoveryOutcome,
}

/// Durations are since the end of the fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecoveryOutcome {
    Recovered(Duration),
    /// It recovered, but not in time.
    Late(Duration),
    /// It did not recover, though there was time.
    Never {
        since_cleared: Duration,
    },
    /// The run ended before it was known; it had held for so long then, or did not hold.
    Unknown {
        held: Option<Duration>,
        since_cleared: Duration,
    },
    /// There was no fault, or it never ended: nothing to recover from.
    NoFault,
}

impl RecoveryGate {
    pub fn held(&self) -> bool {
        matches!(self.outcome, RecoveryOutcome::Recovered(_))
    }

    pub fn effect(&self) -> Effect {
        match self.outcome {
            RecoveryOutcome::Recovered(_) => Effect::Nothing,
            RecoveryOutcome::Late(_) | RecoveryOutcome::Never { .. } => Effect::Fails,
            RecoveryOutcome::Unknown { .. } | RecoveryOutcome::NoFault => Effect::Inconclusive,
        }
    }

    pub fn name(&self) -> String {
        format!("recovery from {}", self.fault)
    }
}

impl RecoveryOutcome {
    /// The word in JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            RecoveryOutcome::Recovered(_) => "held",
            RecoveryOutcome::Late(_) => "late",
            RecoveryOutcome::Never { .. } => "never",
            RecoveryOutcome::Unknown { .. } => "unknown",
            RecoveryOutcome::NoFault => "no_fault",
        }
    }

    /// Once it recovered.
    pub fn took(&self) -> Option<Duration> {
        match self {
            RecoveryOutcome::Recovered(took) | RecoveryOutcome::Late(took) => Some(*took),
            _ => None,
        }
    }
}
