//! Steps and the ledger of events: what one that publishes gives its message, and what one that receives makes of it.

use std::rc::Rc;
use std::sync::{Arc, MutexGuard};
use std::time::{Duration, UNIX_EPOCH};

use super::held::Keep;
use super::{Ended, Vu, Worker};
use crate::ids::{SeriesId, StepId};
use crate::ledger::{FIELD, Group, Ledger, Ledgers, Producer, Receipt, Token};
use crate::template::Value;
use crate::time::Elapsed;

/// Of a step that publishes.
#[derive(Debug, Clone, Copy)]
pub struct PublishedEvents {
    /// Its position in the plan's list.
    pub ledger: usize,
    pub published: SeriesId,
}

/// Of a step that receives.
#[derive(Debug, Clone, Copy)]
pub struct ReceivedEvents {
    /// Its position in the plan's list.
    pub ledger: usize,
    /// Shares the events with other receivers; else it is owed all.
    pub shared: bool,
    /// How long it goes on for what is still owed.
    pub wait: Duration,
    pub received: SeriesId,
    pub duplicated: SeriesId,
    pub reordered: SeriesId,
    pub latency: SeriesId,
}

/// An event that is on its way. Dropped before it is accepted it was not published, as far as we know.
#[derive(Debug)]
pub(super) struct Stamped {
    pub(super) token: Token,
    producer: Producer,
    events: PublishedEvents,
    ledgers: Arc<Ledgers>,
    /// A receiver may leave before it is known whether it was accepted.
    watched: bool,
    accepted: bool,
}

/// A VU's own sequence of a ledger.
struct Sequence {
    producer: Producer,
    ledgers: Arc<Ledgers>,
    at: usize,
}

impl Keep for Sequence {}

impl Drop for Sequence {
    fn drop(&mut self) {
        if let Some(mut ledger) = self.ledgers.get(self.at) {
            ledger.release(self.producer);
        }
    }
}

/// A receiver, for as long as it receives.
#[derive(Debug)]
pub(super) struct Receiver {
    ledgers: Arc<Ledgers>,
    events: ReceivedEvents,
    group: Group,
}

/// For whoever looks at a run's figures.
const NO_ROOM: &str =
    "a ledger has no room for so many that receive and that publish: let fewer users publish";

impl PublishedEvents {
    /// Nothing outside of the load, where there is no ledger.
    pub(super) fn stamp(self, vu: &mut Vu, due: Elapsed) -> Option<Stamped> {
        let ledgers = Arc::clone(vu.worker.ledgers());
        let mut ledger = ledgers.get(self.ledger)?;
        let kept_as = StepId(self.ledger as u32);
        let producer = match vu.held.find::<Sequence>(kept_as) {
            Some(sequence) => sequence.producer,
            None => {
                let producer = ledger.new_producer();
                let sequence = Sequence { producer, ledgers: Arc::clone(&ledgers), at: self.ledger };
                vu.held.put(kept_as, Rc::new(sequence));
                producer
            }
        };
        let token = ledger.send(producer, unix_nanos(&vu.worker, due));
        let watched = ledger.has_own();
        drop(ledger);
        Some(Stamped { token, producer, events: self, ledgers, watched, accepted: false })
    }

    /// As [`stamp`](Self::stamp), for a message whose templates say where the token stands: from now on the VU's
    /// expressions see it, too.
    pub(super) fn announce(self, vu: &mut Vu) -> Option<Stamped> {
        let due = vu.due().unwrap_or_else(|| vu.now());
        let stamped = self.stamp(vu, due)?;
        vu.locals.set(&Arc::from(FIELD), Value::from(stamped.token.to_string()));
        Some(stamped)
    }
}

impl Stamped {
    /// Whoever should store or deliver it has taken it.
    pub(super) fn accepted(mut self, worker: &Worker) {
        self.accepted = true;
        if self.watched
            && let Some(mut ledger) = self.ledgers.get(self.events.ledger)
        {
            ledger.accept(self.producer, self.token.number);
        }
        worker.shard.borrow_mut().count(self.events.published, 1);
    }
}

impl Drop for Stamped {
    fn drop(&mut self) {
        if self.accepted {
            return;
        }
        if let Some(mut ledger) = self.ledgers.get(self.events.ledger) {
            ledger.excuse(self.producer, self.token.number);
        }
    }
}

impl ReceivedEvents {
    /// `from_the_start`: what was published before is delivered, too.
    ///
    /// # Errors
    /// When there is no room for one more.
    pub(super) fn receiver(self, worker: &Worker, from_the_start: bool) -> Result<Receiver, Ended> {
        let ledgers = Arc::clone(worker.ledgers());
        let group = match ledgers.get(self.ledger) {
            Some(mut ledger) if !self.shared => ledger.join(from_the_start),
            _ => Some(Group::SHARED),
        };
        let group = group.ok_or_else(|| Ended::Error(NO_ROOM.to_owned()))?;
        Ok(Receiver { ledgers, events: self, group })
    }
}

impl Receiver {
    /// Of a message whose token is in a header, or the first in its body. No time where there is none.
    pub(super) fn hear(&self, worker: &Worker, header: Option<&str>, body: &[u8], at: Elapsed) -> Duration {
        let token = header.map_or_else(|| Token::all_in(body).next(), Token::parse);
        token.map_or(Duration::ZERO, |token| self.receive(worker, &token, at))
    }

    /// By its position in the plan's list.
    pub(super) fn ledger(&self) -> usize {
        self.events.ledger
    }

    /// Counts what is an event of this run; how long after it was due it came.
    pub(super) fn receive(&self, worker: &Worker, token: &Token, at: Elapsed) -> Duration {
        let receipt = self.locked().and_then(|(mut ledger, group)| ledger.receive(group, token));
        let latency = unix_nanos(worker, at).saturating_sub(token.due_nanos);
        let latency = Duration::from_nanos(latency);
        let Some(receipt) = receipt else { return latency };
        let mut shard = worker.shard.borrow_mut();
        if receipt == Receipt::Again {
            shard.count(self.events.duplicated, 1);
            return latency;
        }
        shard.count(self.events.received, 1);
        if receipt == Receipt::Reordered {
            shard.count(self.events.reordered, 1);
        }
        shard.time(self.events.latency, latency);
        latency
    }

    /// By producer: what has been published so far.
    pub(super) fn published(&self) -> Vec<u64> {
        self.locked().map_or_else(Vec::new, |(ledger, _)| ledger.sent())
    }

    /// From now on what had been [published](Self::published) then is owed.
    pub(super) fn owe(&self, published: Vec<u64>) {
        if let Some((mut ledger, group)) = self.locked() {
            ledger.owe(group, published);
        }
    }

    /// From now on what has been published so far is owed.
    pub(super) fn mark(&self) {
        if let Some((mut ledger, group)) = self.locked() {
            ledger.mark(group);
        }
    }

    pub(super) fn is_owed(&self) -> bool {
        self.locked().is_some_and(|(ledger, group)| ledger.owed(group) > 0)
    }

    fn locked(&self) -> Option<(MutexGuard<'_, Ledger>, Group)> {
        Some((self.ledgers.get(self.events.ledger)?, self.group))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        if let Some((mut ledger, group)) = self.locked() {
            ledger.leave(group);
        }
    }
}

fn unix_nanos(worker: &Worker, at: Elapsed) -> u64 {
    let since = worker.clock.wall(at).duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
