//! Messages in, until there are enough or the time is over.

use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, timeout, timeout_at};

use super::Bus;
use crate::flow::ledger::Receiver;
use crate::flow::{Ended, ReceivedEvents, Vu};
use crate::sample::ErrorCode;

/// After an error that may come again at once.
const PAUSE: Duration = Duration::from_millis(100);

/// How many messages are taken, and for how long.
#[derive(Debug)]
pub struct Take {
    /// Takes all that come within it; that none comes is no failure.
    pub lasting: Option<Duration>,
    /// So many end it.
    pub count: Option<u64>,
    /// For `count` of them, where nothing says how long it lasts.
    pub timeout: Duration,
    pub events: Option<ReceivedEvents>,
}

/// Where messages come from.
pub(in crate::flow) trait Intake {
    type Message;
    /// What it is when fewer come than are wanted.
    const TOO_FEW: ErrorCode;
    /// Done when messages can come.
    async fn open(&self, vu: &mut Vu) -> Result<(), Refused>;
    /// Whoever receives the ledger's events, once it is open.
    fn receiver(&self, vu: &Vu) -> Option<Rc<Receiver>>;
    /// Opens it where it is not. `wanted`: so many more, if there is such a number. Nothing where it ended, which has been
    /// counted. Dropping it loses no message.
    async fn next(&self, vu: &mut Vu, wanted: Option<u64>) -> Result<Option<Self::Message>, Refused>;
    /// Counts a message, acknowledges it, and shows it to expressions.
    async fn took(&self, vu: &mut Vu, message: Self::Message) -> Result<(), Ended>;
}

/// Why there is no next message.
pub(in crate::flow) enum Refused {
    Error(ErrorCode),
    Ended(Ended),
}

impl From<ErrorCode> for Refused {
    fn from(error: ErrorCode) -> Self {
        Refused::Error(error)
    }
}

impl From<Ended> for Refused {
    fn from(ended: Ended) -> Self {
        Refused::Ended(ended)
    }
}

impl<S> Bus<S> {
    pub(in crate::flow) async fn take<I: Intake>(
        &self,
        vu: &mut Vu,
        take: &Take,
        intake: &I,
    ) -> Result<(), Ended> {
        let due = vu.take_due().unwrap_or_else(|| vu.now());
        // It lasts from when messages can come.
        let opened = timeout(take.timeout, intake.open(vu)).await;
        match opened.unwrap_or(Err(Refused::Error(ErrorCode::TIMEOUT))) {
            Ok(()) => {}
            Err(Refused::Error(error)) => return self.failed(vu, due, error),
            Err(Refused::Ended(ended)) => return Err(ended),
        }
        let began = vu.now();
        let end = vu.worker.clock.instant(began) + take.lasting.unwrap_or(take.timeout);
        let mut taken = self.take_until(vu, take, intake, 0, end, || true).await?;
        if !take.is_enough(taken)
            && let Some(events) = take.events
            && let Some(receiver) = intake.receiver(vu)
        {
            // What the ledger says is still to come.
            receiver.mark();
            let end = Instant::now() + events.wait;
            taken = self.take_until(vu, take, intake, taken, end, || receiver.is_owed()).await?;
        }
        if take.lasting.is_none() && !take.is_enough(taken) {
            return self.failed(vu, due, I::TOO_FEW);
        }
        vu.worker.shard.borrow_mut().rate(self.account.series.failed, false);
        Ok(())
    }

    /// Until there are enough, or the time is over, or no more are needed; how many there are, with the `taken` before.
    async fn take_until(
        &self,
        vu: &mut Vu,
        take: &Take,
        intake: &impl Intake,
        mut taken: u64,
        end: Instant,
        needed: impl Fn() -> bool,
    ) -> Result<u64, Ended> {
        while !take.is_enough(taken) && needed() {
            let wanted = take.count.map(|count| count - taken);
            let Ok(next) = timeout_at(end, intake.next(vu, wanted)).await else { break };
            match next {
                Ok(Some(message)) => {
                    taken += 1;
                    intake.took(vu, message).await?;
                }
                Ok(None) => {}
                // It may go on once the connection is back.
                Err(Refused::Error(error)) => {
                    self.account.count_error(&vu.worker, error);
                    tokio::time::sleep_until(end.min(Instant::now() + PAUSE)).await;
                }
                Err(Refused::Ended(ended)) => return Err(ended),
            }
        }
        Ok(taken)
    }
}

impl Take {
    fn is_enough(&self, taken: u64) -> bool {
        self.count.is_some_and(|count| taken >= count)
    }
}
