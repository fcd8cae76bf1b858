//! `█ RULES`: each alert that is a gate, by rule file.

use super::super::Finished;
use super::super::clean::clean;
use super::super::paint::Paint;
use super::{finding, mark};
use crate::rules::{Evaluator, Gate, Gravity};

pub(super) fn blocks(finished: &Finished, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    let mut file = None;
    for gate in &finished.gates {
        let Gate::Alert(alert) = gate else { continue };
        if file != Some(&alert.file) {
            if file.is_some() {
                lines.push(String::new());
            }
            lines.push(clean(&alert.file));
            file = Some(&alert.file);
        }
        let gravity = match alert.gravity {
            Gravity::Fail => String::new(),
            other => format!(" (gate: {})", other.as_str()),
        };
        let found = finding(gate, finished);
        let by = match &alert.evaluator {
            Evaluator::Embedded => String::new(),
            Evaluator::Prometheus(url) => format!(" in Prometheus ({})", clean(url)),
        };
        lines.push(format!("{} {}{by}{gravity} {found}", mark(gate, paint), clean(&alert.alert)));
    }
    lines
}
