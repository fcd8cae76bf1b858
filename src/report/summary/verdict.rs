//! The verdict in one unmistakable line, and below it everything that speaks against the run.

use super::super::clean::clean;
use super::super::paint::Paint;
use super::super::{Finished, number};
use super::{finding, mark};
use crate::rules::{AlertOutcome, Effect, Gate, Outcome, VerificationOutcome};
use crate::verdict::Verdict;

/// The verdict's line, then one for each gate that did not hold and for each doubt.
pub fn lines(finished: &Finished) -> Vec<String> {
    painted(finished, Paint { colour: false })
}

pub(super) fn painted(finished: &Finished, paint: Paint) -> Vec<String> {
    let mut lines = vec![headline(finished, paint)];
    let told = matches!(finished.verdict, Verdict::PreflightFailed | Verdict::Stopped);
    if let (Some(by), false) = (&finished.ended_by, told) {
        lines.push(format!("  {} ended early: {}", paint.doubtful('!'), clean(by)));
    }
    for gate in finished.gates.iter().filter(|gate| !gate.held()) {
        let found = finding(gate, finished);
        lines.push(format!("  {} {}: {found}", mark(gate, paint), clean(&gate.name())));
    }
    lines.extend(
        finished
            .doubts
            .iter()
            .map(|doubt| format!("  {} {}", paint.doubtful('!'), clean(&doubt.to_string()))),
    );
    lines.extend(finished.disagreements.iter().map(|told| format!("  - {}", clean(told))));
    lines
}

fn headline(finished: &Finished, paint: Paint) -> String {
    let code = format!("(exit {})", finished.exit_code());
    let ended_by = finished.ended_by.as_deref().map(clean);
    match finished.verdict {
        Verdict::Passed if finished.gates.is_empty() => {
            format!("verdict: {}: nothing was demanded, the plan has no gate", paint.good("PASSED"))
        }
        Verdict::Passed => match names(finished, Effect::Degrades) {
            degraded if degraded.is_empty() => format!("verdict: {}", paint.good("PASSED")),
            degraded => format!("verdict: {}, degraded: {}", paint.good("PASSED"), degraded.join(", ")),
        },
        Verdict::Failed => {
            let crossed = names(finished, Effect::Fails);
            let why = if crossed.is_empty() { ended_by.unwrap_or_default() } else { crossed.join(", ") };
            format!("verdict: {}: {why}", paint.bad(format!("FAILED {code}")))
        }
        Verdict::Inconclusive => {
            format!(
                "verdict: {}: {}",
                paint.doubtful(format!("INCONCLUSIVE {code}")),
                why_inconclusive(finished)
            )
        }
        Verdict::PreflightFailed => {
            let why = ended_by.unwrap_or_else(|| "a check before the load did not hold".to_owned());
            let what = if why.starts_with("setup ") { "SETUP FAILED" } else { "PREFLIGHT FAILED" };
            format!("verdict: {}: no load was sent: {why}", paint.bad(format!("{what} {code}")))
        }
        Verdict::Stopped => {
            let why = ended_by.unwrap_or_else(|| "before its end".to_owned());
            format!("verdict: {}: {why}", paint.doubtful(format!("STOPPED {code}")))
        }
    }
}

fn why_inconclusive(finished: &Finished) -> String {
    let mut reasons = Vec::new();
    for (what, is) in REASONS {
        let open = finished.gates.iter().filter(|gate| gate.effect() == Effect::Inconclusive && is(gate));
        let open: Vec<&Gate> = open.collect();
        for kind in ["threshold", "alert", "verification", "fault"] {
            let count = open.iter().filter(|gate| kind_of(gate) == kind).count();
            if count > 0 {
                reasons.push(format!("{what} {}", number::counted(count as u64, kind)));
            }
        }
    }
    if !finished.doubts.is_empty() {
        let doubts = number::counted(finished.doubts.len() as u64, "reason");
        reasons.push(format!("{doubts} not to trust the numbers"));
    }
    reasons.join("; ")
}

fn kind_of(gate: &Gate) -> &'static str {
    match gate {
        Gate::Threshold(_) => "threshold",
        Gate::Alert(_) => "alert",
        Gate::Verification(_) => "verification",
        Gate::Recovery(_) => "fault",
    }
}

type Is = fn(&Gate) -> bool;

/// Why gates leave a run open.
const REASONS: [(&str, Is); 6] = [
    ("no recovery is known from", |gate| matches!(gate, Gate::Recovery(_))),
    ("no data for", |gate| match gate {
        Gate::Threshold(gate) => matches!(gate.outcome, Outcome::NoData(_)),
        Gate::Alert(gate) => matches!(gate.outcome, AlertOutcome::NoData(_)),
        Gate::Verification(gate) => matches!(gate.outcome, VerificationOutcome::NoData(_)),
        Gate::Recovery(_) => false,
    }),
    ("the end came too early for", |gate| {
        gate.alert().is_some_and(|gate| matches!(gate.outcome, AlertOutcome::Pending { .. }))
    }),
    ("failed to evaluate", |gate| {
        gate.alert().is_some_and(|gate| matches!(gate.outcome, AlertOutcome::Error(_)))
    }),
    ("no answer to", |gate| {
        gate.verification().is_some_and(|gate| matches!(gate.outcome, VerificationOutcome::Unknown { .. }))
    }),
    ("doubts by", |gate| gate.alert().is_some_and(|gate| matches!(gate.outcome, AlertOutcome::Fired { .. }))),
];

fn names(finished: &Finished, effect: Effect) -> Vec<String> {
    let with = finished.gates.iter().filter(|gate| gate.effect() == effect);
    with.map(|gate| clean(&gate.name())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::verdict::Doubt;

    #[test]
    fn each_verdict_is_one_line_that_cannot_be_mistaken() {
        let passed = fixture::passed();
        assert_eq!(lines(&passed), ["verdict: PASSED"]);
        let unjudged = Finished { gates: Vec::new(), ..fixture::passed() };
        assert_eq!(lines(&unjudged), ["verdict: PASSED: nothing was demanded, the plan has no gate"]);
        let refused = Finished {
            verdict: Verdict::PreflightFailed,
            ended_by: Some("GET http://localhost:4000/health: connection refused".to_owned()),
            gates: Vec::new(),
            ..fixture::passed()
        };
        let expected = "verdict: PREFLIGHT FAILED (exit 97): no load was sent: GET http://localhost:4000/health: connection refused";
        assert_eq!(lines(&refused), [expected]);
    }

    #[test]
    fn a_run_that_a_threshold_ended_says_so() {
        let aborted = Finished {
            ended_by: Some("http_req_duration p(99)<5 was crossed".to_owned()),
            ..fixture::failed()
        };
        let found = lines(&aborted);
        assert_eq!(found[0], "verdict: FAILED (exit 99): http_req_duration p(99)<5, checks rate>0.99");
        assert_eq!(found[1], "  ! ended early: http_req_duration p(99)<5 was crossed");
    }

    #[test]
    fn what_was_crossed_is_listed_also_when_the_run_was_stopped() {
        let stopped = Finished {
            verdict: Verdict::Stopped,
            ended_by: Some("SIGINT".to_owned()),
            doubts: vec![Doubt::NoIterations],
            ..fixture::failed()
        };
        let expected = [
            "verdict: STOPPED (exit 105): SIGINT",
            "  ✗ http_req_duration p(99)<5: p(99)=29.5ms",
            "  ✗ checks rate>0.99: rate=98.78%",
            "  ? ws_first_message p(95)<500: no data: `ws_first_message` has no sample: nothing recorded it; looked for k6_ws_first_message_seconds_count{test=\"steady\"}; nearest: k6_message_response_time_seconds, k6_http_req_response_time_seconds, k6_http_req_waiting_seconds",
            "  ! no iteration was completed",
        ];
        assert_eq!(lines(&stopped), expected);
    }
}
