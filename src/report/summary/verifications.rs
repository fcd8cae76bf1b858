//! `█ VERIFICATIONS`: what was asked when the load was over.

use super::super::Finished;
use super::super::clean::clean;
use super::super::paint::Paint;
use super::finding::nothing;
use super::{finding, mark};
use crate::rules::Gate;
use crate::rules::{VerificationGate, VerificationOutcome};
use crate::time::span;

pub(super) fn blocks(finished: &Finished, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for gate in &finished.gates {
        if let Gate::Verification(verification) = gate {
            lines.push(format!(
                "{} {}: {}",
                mark(gate, paint),
                clean(&verification.name),
                finding(gate, finished)
            ));
        }
    }
    lines
}

/// `found 101, wanted equals 100`
pub(super) fn found(gate: &VerificationGate) -> String {
    match &gate.outcome {
        VerificationOutcome::Held { found } => format!("found {}", clean(found)),
        VerificationOutcome::Failed { found, wanted, at } => {
            let at = at.map_or_else(String::new, |at| format!(" at {}", span(at)));
            format!("found {}{at}, wanted {}", clean(found), clean(wanted))
        }
        VerificationOutcome::Unknown { why } => format!("could not be judged: {}", clean(why)),
        VerificationOutcome::NoData(no_data) => nothing(no_data),
    }
}
