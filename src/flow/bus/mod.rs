//! What the steps of all event buses have in common: what is written down of an exchange, what expressions see of it, and
//! how messages are taken until there are enough. Names no protocol.

mod account;
mod books;
mod place;
mod take;

use std::time::Duration;

use bytes::Bytes;
use http::HeaderMap;
use tokio::sync::oneshot;

use super::ledger::Stamped;
use super::{Checks, Ended, Records, Set, Vu};
use crate::budget::Charge;
use crate::ids::StepId;
use crate::sample::ErrorCode;
use crate::template::ExchangeView;
use crate::time::Elapsed;
pub use account::{Account, BusSeries};
pub(super) use books::{Answered, Books, Outcome, Owed};
pub(super) use place::{Connects, Linked, Losses};
pub use take::Take;
pub(super) use take::{Intake, Refused};

/// How often what is not acknowledged is looked through: it is given up this much late at most.
pub(super) const LOOK_EVERY: Duration = Duration::from_millis(100);
/// How long a server may take to confirm, before a VU goes, that it has all that was sent.
pub(super) const FAREWELL: Duration = Duration::from_secs(5);

/// A step of an event bus, but for what it does there; `S`: what only its protocol counts.
#[derive(Debug)]
pub struct Bus<S> {
    /// The same for all steps whose connection is the same.
    pub connection: StepId,
    pub connect_timeout: Duration,
    pub account: Account<S>,
    /// Whether an expression looks at what comes back, so that the step waits for it.
    pub observed: bool,
    pub checks: Checks,
    pub capture: Set,
    pub record: Records,
}

/// What expressions see of an exchange.
pub(super) struct Seen {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) duration: Duration,
    pub(super) error: Option<ErrorCode>,
}

/// What expressions see of a message that came.
pub(super) struct Shown {
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
    /// For its body.
    pub(super) charge: Charge,
    pub(super) at: Elapsed,
    pub(super) latency: Duration,
}

impl Seen {
    /// Of an exchange of which nothing but its time and its outcome is known.
    pub(super) fn bare(duration: Duration, error: Option<ErrorCode>) -> Self {
        Seen { headers: HeaderMap::new(), body: Bytes::new(), duration, error }
    }
}

impl<S> Bus<S> {
    /// An exchange that came to nothing: what was to be sent was not, or nobody answered.
    pub(super) fn failed(&self, vu: &mut Vu, due: Elapsed, error: ErrorCode) -> Result<(), Ended> {
        let now = vu.now();
        self.account.count_error(&vu.worker, error);
        self.account.conclude(&vu.worker, due, now, true);
        self.observe(vu, Seen::bare(now.since(due), Some(error)))
    }

    /// A message that nobody acknowledges is on its way.
    pub(super) fn handed_over(&self, vu: &mut Vu, due: Elapsed, event: Option<Stamped>) -> Result<(), Ended> {
        let now = vu.now();
        if let Some(event) = event {
            event.accepted(&vu.worker);
        }
        self.account.conclude(&vu.worker, due, now, false);
        self.observe(vu, Seen::bare(now.since(due), None))
    }

    pub(super) fn observe(&self, vu: &mut Vu, seen: Seen) -> Result<(), Ended> {
        if !self.observed {
            return Ok(());
        }
        let Seen { headers, body, duration, error } = seen;
        vu.exchange = Some(ExchangeView::new(0, headers, body, duration, error.map(ErrorCode::number)));
        self.checks.run_on(vu);
        if error.is_some() {
            self.record.run_on_failure(vu, duration);
            return Ok(());
        }
        self.capture.run_on(vu)?;
        self.record.run_on(vu, duration)
    }

    pub(super) fn show(&self, vu: &mut Vu, shown: Shown) -> Result<(), Ended> {
        let Shown { headers, body, charge, at, latency } = shown;
        let wall = vu.worker.clock.wall(at);
        let view = ExchangeView::new(0, headers, body, latency, None);
        vu.exchange = Some(view.paid(charge, vu.worker.dialer.purse()).received_at(wall));
        self.checks.run_on(vu);
        self.record.run_on(vu, latency)?;
        self.capture.run_on(vu)
    }

    /// What an expression looks at has to be there.
    pub(super) fn watch<T>(&self) -> (Option<oneshot::Sender<T>>, Option<oneshot::Receiver<T>>) {
        if self.observed {
            let (sender, receiver) = oneshot::channel();
            (Some(sender), Some(receiver))
        } else {
            (None, None)
        }
    }
}
