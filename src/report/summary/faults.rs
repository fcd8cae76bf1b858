//! `█ FAULTS`: what was broken, when, and how fast the target recovered.

use std::time::Duration;

use super::super::clean::clean;
use super::super::paint::Paint;
use super::super::{FaultReport, Finished};
use super::{finding, mark};
use crate::rules::Gate;
use crate::time::span;

pub(super) fn blocks(finished: &Finished, paint: Paint) -> Vec<String> {
    finished.faults.iter().map(|fault| line(fault, finished, paint)).collect()
}

fn line(fault: &FaultReport, finished: &Finished, paint: Paint) -> String {
    let recovery = finished
        .gates
        .iter()
        .find(|gate| matches!(gate, Gate::Recovery(recovery) if recovery.fault == fault.name));
    let mark = match recovery {
        Some(gate) => mark(gate, paint),
        None if fault.injected.is_some() && fault.cleared.is_some() => paint.good('✓'),
        None => paint.doubtful('?'),
    };
    let shown = |at: Duration| span(Duration::from_millis(u64::try_from(at.as_millis()).unwrap_or(u64::MAX)));
    let when = match (fault.injected, fault.cleared) {
        (Some(from), Some(to)) if to > from => format!("from {} to {}", shown(from), shown(to)),
        (Some(at), Some(_)) => format!("at {}", shown(at)),
        (Some(from), None) => format!("from {}, not undone", shown(from)),
        (None, _) => "was not there".to_owned(),
    };
    let recovered =
        recovery.map_or_else(String::new, |gate| format!("; recovery: {}", finding(gate, finished)));
    format!("{mark} {} {when}{recovered}", clean(&fault.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::rules::{RecoveryGate, RecoveryOutcome};

    #[test]
    fn each_fault_says_when_it_was_there_and_what_the_recovery_came_to() {
        let secs = Duration::from_secs;
        let fault = |name: &str, injected, cleared| FaultReport {
            name: name.to_owned(),
            act: None,
            injected,
            cleared,
            recovered_after: None,
            done: None,
            undone: None,
        };
        let gate = |fault: &str, outcome| {
            let (within, stable_for) = (secs(300), secs(30));
            Gate::Recovery(RecoveryGate { fault: fault.to_owned(), within, stable_for, outcome })
        };
        let open = |held| RecoveryOutcome::Unknown { held, since_cleared: secs(40) };
        let gates = vec![
            gate("a", RecoveryOutcome::Recovered(secs(12))),
            gate("b", RecoveryOutcome::Late(secs(301))),
            gate("c", RecoveryOutcome::Never { since_cleared: secs(400) }),
            gate("d", open(Some(secs(10)))),
            gate("e", open(None)),
            gate("f", RecoveryOutcome::NoFault),
        ];
        let mut faults: Vec<FaultReport> =
            ["a", "b", "c", "d", "e"].map(|name| fault(name, Some(secs(60)), Some(secs(90)))).into();
        faults.extend([
            fault("f", None, None),
            fault("g", Some(secs(5)), Some(secs(5))),
            fault("h", Some(secs(5)), None),
        ]);
        let finished = Finished { gates, faults, ..fixture::passed() };
        let expected = [
            "✓ a from 1m to 1m30s; recovery: after 12s, within 5m",
            "✗ b from 1m to 1m30s; recovery: after 5m1s, later than 5m",
            "✗ c from 1m to 1m30s; recovery: not recovered 6m40s after the fault, later than 5m",
            "? d from 1m to 1m30s; recovery: the end came too early, 40s after the fault: it had held for 10s of the 30s that it must",
            "? e from 1m to 1m30s; recovery: the end came too early: not recovered 40s after the fault, and 5m were allowed",
            "? f was not there; recovery: there was no fault that it could have recovered from",
            "✓ g at 5s",
            "? h from 5s, not undone",
        ];
        assert_eq!(blocks(&finished, Paint { colour: false }), expected);
    }
}
