//! `█ OBJECTIVES`: each line of `slo` with its status and both levels.

use super::super::Finished;
use super::super::clean::clean;
use super::super::paint::Paint;
use super::{finding, mark};

pub(super) fn blocks(finished: &Finished, paint: Paint) -> Vec<String> {
    let mut lines = Vec::new();
    for objective in finished.objectives() {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        lines.push(clean(&format!("{}: {}", objective.name, objective.status.as_str())));
        lines.extend(objective.gates.iter().map(|(gate, level)| {
            let demand = gate.threshold().map(|gate| format!("{} {}", gate.subject, gate.threshold));
            let demand = clean(&demand.unwrap_or_default());
            format!("{} {} '{demand}' {}", mark(gate, paint), level.as_str(), finding(gate, finished))
        }));
    }
    lines
}
