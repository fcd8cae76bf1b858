//! One verification from its first question to its outcome: asked again until the answer holds still.

use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::judge::{Judged, judge};
use super::{Answer, Surroundings, Unanswered, ask, during};
use crate::plan::verify::{Demands, Question, Verification};
use crate::rules::VerificationOutcome;
use crate::template::Locals;
use crate::time::{Elapsed, span};

/// So many answers in a row that are the same hold still.
const STILL: usize = 3;
/// Between two questions: a tenth of `settle`, within these.
const POLL: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(1));

/// Asks once the load is over, and adds what was `seen` during it. `at_ms` is the run's final moment, at which series are
/// asked.
pub async fn verify(
    verification: &Verification,
    around: &Surroundings,
    at_ms: i64,
    seen: Option<&during::Seen>,
) -> VerificationOutcome {
    // Fails already, whatever is answered now.
    if let Some(failed) = seen.and_then(during::Seen::violation) {
        return failed;
    }
    let answer = match verification.settle {
        // Nothing is added to series any more.
        Some(settle) if !matches!(verification.question, Question::Metrics(_)) => {
            still(verification, around, at_ms, settle).await
        }
        _ => ask(verification, around, at_ms).await,
    };
    let outcome = match answer {
        Ok(answer) => outcome(verification, around, &answer, None),
        Err(Unanswered::Why(why)) => VerificationOutcome::Unknown { why },
        Err(Unanswered::NoData(no_data)) => VerificationOutcome::NoData(no_data),
    };
    match (outcome, seen.and_then(during::Seen::doubt)) {
        (VerificationOutcome::Held { .. }, Some(why)) => VerificationOutcome::Unknown { why },
        (outcome, _) => outcome,
    }
}

/// What was answered once it no longer moves.
async fn still(
    verification: &Verification,
    around: &Surroundings,
    at_ms: i64,
    settle: Duration,
) -> Result<Answer, Unanswered> {
    let every = (settle / 10).clamp(POLL.0, POLL.1);
    let began = Instant::now();
    let give_up = began + settle;
    let (mut last, mut alike) = (None, 0);
    loop {
        let asked = Instant::now();
        let answer = ask(verification, around, at_ms).await;
        let print = answer.as_ref().ok().map(|answer| answer.print);
        alike = if print.is_some() && print == last { alike + 1 } else { 1 };
        last = print;
        if alike >= STILL && answer.is_ok() {
            return answer;
        }
        let next = asked + every;
        if next > give_up {
            let answer = answer?;
            let found = verification.secrets.hide(&answer.found.shown());
            return Err(Unanswered::Why(format!(
                "the answer did not hold still within {} (settle), the last was {found}",
                span(settle)
            )));
        }
        sleep_until(next).await;
    }
}

/// Of an answer, `at` a moment of the load or after it.
pub(super) fn outcome(
    verification: &Verification,
    around: &Surroundings,
    answer: &Answer,
    at: Option<Elapsed>,
) -> VerificationOutcome {
    let hide = |text: String| verification.secrets.hide(&text);
    let judged = |demands: &Demands| judge(demands, answer, &around.plan.vars, Locals::above(&around.given));
    let during = verification.during.as_ref().map(|during| &during.demands);
    // What must hold at each moment must hold at the end.
    let own = (at.is_none()).then_some(&verification.demands);
    let found = hide(answer.found.shown());
    for demands in own.into_iter().chain(during) {
        match judged(demands) {
            Judged::Holds => {}
            Judged::Fails(wanted) => {
                return VerificationOutcome::Failed { found, wanted: hide(wanted), at: at.map(whole_millis) };
            }
            Judged::Unclear(why) => return VerificationOutcome::Unknown { why: hide(why) },
        }
    }
    VerificationOutcome::Held { found }
}

/// As people read it.
fn whole_millis(at: Elapsed) -> Duration {
    let millis = Duration::from(at).as_millis();
    Duration::from_millis(u64::try_from(millis).unwrap_or(u64::MAX))
}
