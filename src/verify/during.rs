//! Verifications that are asked during the load too: what must hold at each moment of it.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use futures_util::stream::FuturesUnordered;

use super::settle::outcome;
use super::{Surroundings, Unanswered, ask};
use crate::rules::VerificationOutcome;
use crate::time::Elapsed;

/// All that are asked while it is polled; nothing of it outlives it.
#[derive(Default)]
pub struct Watching {
    questions: FuturesUnordered<LocalBoxFuture<'static, ()>>,
    /// By position in the plan.
    seen: Vec<Option<Rc<RefCell<Seen>>>>,
}

/// What came of the questions about one verification so far.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    asked: u64,
    unanswered: u64,
    /// Why, the last time.
    why: String,
    /// The first that did not hold.
    failed: Option<VerificationOutcome>,
}

/// Of the questions, those that may have no answer.
const MAX_UNANSWERED: f64 = 0.1;

impl Watching {
    /// To be called when load begins, the clock of `around`.
    pub fn new(around: &Surroundings) -> Self {
        let (around, questions) = (Rc::new(around.clone()), FuturesUnordered::new());
        let verifications = around.plan.verifications.iter().enumerate();
        let seen = verifications.map(|(at, verification)| {
            let every = verification.during.as_ref()?.every;
            let seen = Rc::<RefCell<Seen>>::default();
            let question = watch(Rc::clone(&around), at, every, Rc::clone(&seen));
            questions.push(Box::pin(question) as LocalBoxFuture<'static, ()>);
            Some(seen)
        });
        let seen = seen.collect();
        Watching { questions, seen }
    }

    /// Asks, for as long as somebody waits; never ends. Nothing is lost when it is dropped and called again.
    pub async fn ask(&mut self) {
        while self.questions.next().await.is_some() {}
        std::future::pending::<()>().await;
    }

    /// The load is over: what is under way is given up.
    pub fn end(self) -> Vec<Option<Seen>> {
        self.seen.into_iter().map(|seen| seen.map(|seen| seen.borrow().clone())).collect()
    }
}

impl Seen {
    pub fn violation(&self) -> Option<VerificationOutcome> {
        self.failed.clone()
    }

    /// Why a pass would not be believed.
    pub(super) fn doubt(&self) -> Option<String> {
        let Seen { asked, unanswered, why, .. } = self;
        if *asked == 0 {
            return Some("the load was over before it was answered during it".to_owned());
        }
        let few = *unanswered <= 1 && asked > unanswered;
        (!few && *unanswered as f64 > MAX_UNANSWERED * *asked as f64).then(|| {
            format!("{unanswered} of {asked} times during the load it could not be judged, the last: {why}")
        })
    }
}

/// From the load's beginning to its end, or to the first answer that is wrong.
async fn watch(around: Rc<Surroundings>, at: usize, every: Duration, seen: Rc<RefCell<Seen>>) {
    let Some(verification) = around.plan.verifications.get(at) else { return };
    let mut due = Elapsed::ZERO;
    loop {
        tokio::time::sleep_until(around.clock.instant(due)).await;
        let now = around.clock.now();
        let answer = ask(verification, &around, around.clock.unix_ms(now)).await;
        let outcome = answer.map(|answer| outcome(verification, &around, &answer, Some(now)));
        let unanswered = match outcome {
            Ok(VerificationOutcome::Held { .. }) => None,
            Ok(failed @ VerificationOutcome::Failed { .. }) => {
                let mut seen = seen.borrow_mut();
                seen.asked += 1;
                seen.failed = Some(failed);
                return;
            }
            Ok(VerificationOutcome::Unknown { why }) | Err(Unanswered::Why(why)) => Some(why),
            Ok(VerificationOutcome::NoData(no_data)) | Err(Unanswered::NoData(no_data)) => {
                Some(format!("{}: {}", no_data.selector, no_data.why))
            }
        };
        {
            let mut seen = seen.borrow_mut();
            seen.asked += 1;
            if let Some(why) = unanswered {
                seen.unanswered += 1;
                seen.why = why;
            }
        }
        // What was missed is not made up for by a burst.
        due = due + every;
        let now = around.clock.now();
        if due < now {
            let late = now.since(due).as_nanos() / every.as_nanos().max(1) + 1;
            due = due + every.saturating_mul(u32::try_from(late).unwrap_or(u32::MAX));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_questions_without_an_answer_are_no_doubt_and_many_are() {
        let seen = |asked, unanswered| Seen { asked, unanswered, why: "refused".to_owned(), failed: None };
        assert_eq!(seen(10, 0).doubt(), None);
        assert_eq!(seen(3, 1).doubt(), None);
        assert_eq!(seen(30, 3).doubt(), None);
        let told = "4 of 30 times during the load it could not be judged, the last: refused";
        assert_eq!(seen(30, 4).doubt().as_deref(), Some(told));
        assert!(seen(1, 1).doubt().is_some());
        assert!(seen(0, 0).doubt().is_some());
    }
}
