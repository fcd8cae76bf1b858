//! Which events were published and which of them came: lost, duplicated, reordered. It knows no protocol; a step that
//! publishes asks for a [`Token`] and puts it into its message, a step that consumes shows the ledger what it found.
//!
//! Memory does not grow with the number of events: of each producer's sequence there is a bitmap from the oldest event
//! that is missing to the newest that came, of bounded length.
//!
//! Producers and receivers live on several threads, so a ledger is behind a lock, held for some 50 ns an event.

mod doubts;
mod receivers;
mod token;
mod window;

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use token::{FIELD, HEADER, Token};
pub use window::Receipt;

use self::doubts::Doubts;
use self::receivers::Receivers;
use crate::ids::SeriesId;

/// Of all bitmaps of a ledger: 64 MiB.
const MOST_WORDS: usize = (64 << 20) / 8;
/// Of one bitmap: 131,072 events from the oldest that is missing to the newest.
const MOST_WORDS_EACH: usize = 2_048;
/// Bitmaps of a ledger, however short: one for each receiver of its own and each sequence.
const MOST_WINDOWS: usize = 1 << 20;

/// A ledger of a plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerPlan {
    pub name: String,
    /// Where the number of lost events goes.
    pub lost: SeriesId,
    /// Some receivers share the events among them; else each gets all.
    pub shared: bool,
}

/// All ledgers of a run, for all of its workers.
#[derive(Debug, Default)]
pub struct Ledgers {
    ledgers: Vec<(SeriesId, Mutex<Ledger>)>,
    workers_left: AtomicUsize,
}

/// Who publishes: an own sequence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Producer(u32);

/// Who receives: of several in one group each event is owed once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group(usize);

impl Group {
    /// Of all that share the events.
    pub const SHARED: Group = Group(0);
}

#[derive(Debug)]
pub struct Ledger {
    run: u64,
    shared: bool,
    /// The highest number of each producer.
    sent: Vec<u64>,
    /// Sequences that nobody goes on with now.
    free: Vec<Producer>,
    /// Sequences that several go on with, for want of room: theirs come in any order.
    crowded: BTreeSet<u32>,
    most_windows: usize,
    groups: Vec<Option<Receivers>>,
    doubts: Doubts,
    /// Of groups that have left.
    lost: u64,
}

impl Ledgers {
    /// `run` is drawn anew for each run.
    pub fn new(plans: &[LedgerPlan], run: u64, workers: usize) -> Arc<Self> {
        // Each ledger has a number of its own, so that the events of one are not taken for another's.
        let numbered = plans.iter().zip(0_u64..);
        let ledger = |(plan, at): (&LedgerPlan, u64)| {
            (plan.lost, Mutex::new(Ledger::new(run.wrapping_add(at), plan.shared)))
        };
        let ledgers = numbered.map(ledger).collect();
        Arc::new(Ledgers { ledgers, workers_left: AtomicUsize::new(workers) })
    }

    /// By its position in the plan.
    pub fn get(&self, at: usize) -> Option<MutexGuard<'_, Ledger>> {
        self.ledgers.get(at).map(|(_, ledger)| ledger.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// A worker has ended, and with it all that its users published and received. Of the last one: how many events each
    /// ledger has lost.
    pub fn worker_ended(&self) -> Vec<(SeriesId, u64)> {
        if self.workers_left.fetch_sub(1, SeqCst) != 1 {
            return Vec::new();
        }
        let lost = |ledger: &Mutex<Ledger>| ledger.lock().unwrap_or_else(PoisonError::into_inner).lost();
        self.ledgers.iter().map(|(series, ledger)| (*series, lost(ledger))).collect()
    }
}

impl Ledger {
    pub fn new(run: u64, shared: bool) -> Self {
        Ledger {
            run,
            shared,
            sent: Vec::new(),
            free: Vec::new(),
            crowded: BTreeSet::new(),
            most_windows: MOST_WINDOWS,
            groups: vec![shared.then(Receivers::default)],
            doubts: Doubts::default(),
            lost: 0,
        }
    }

    /// It should be [released](Self::release) when it publishes no more.
    pub fn new_producer(&mut self) -> Producer {
        if let Some(free) = self.free.pop() {
            return free;
        }
        let next = self.sent.len() as u32;
        if next == 0 || (self.sent.len() + 1) * self.groups.len() <= self.most_windows {
            self.sent.push(0);
            return Producer(next);
        }
        let alone = (0..next).find(|producer| !self.crowded.contains(producer));
        let joined = alone.unwrap_or_else(|| fastrand::u32(..next));
        self.crowded.insert(joined);
        Producer(joined)
    }

    /// Another producer may go on with its sequence, so that users who come and go take no room.
    pub fn release(&mut self, producer: Producer) {
        self.free.push(producer);
    }

    /// The next event of a producer.
    pub fn send(&mut self, producer: Producer, due_nanos: u64) -> Token {
        let number = &mut self.sent[producer.0 as usize];
        *number += 1;
        let token = Token { run: self.run, producer: producer.0, number: *number, due_nanos };
        if self.has_own() {
            self.doubts.begin((token.producer, token.number));
        }
        token
    }

    /// It was accepted. Need be told only where [somebody may leave](Self::has_own) before.
    pub fn accept(&mut self, producer: Producer, number: u64) {
        self.lost += self.doubts.end((producer.0, number));
    }

    /// Whether there are, or have been, receivers that each get all events.
    pub fn has_own(&self) -> bool {
        self.groups.len() > 1
    }

    /// It was not accepted, as far as anybody knows: it is not lost. It is received all the same if it comes.
    pub fn excuse(&mut self, producer: Producer, number: u64) {
        let event = (producer.0, number);
        self.doubts.end(event);
        let most = self.most_words();
        let (mut missing, mut came_to) = (false, Vec::new());
        for receivers in self.groups.iter_mut().flatten() {
            if receivers.excuse(producer.0, number, most) {
                missing = true;
            } else {
                came_to.push(receivers);
            }
        }
        if (missing || came_to.is_empty()) && self.doubts.keep(1 + came_to.len()) {
            self.doubts.excuse(event);
            came_to.into_iter().for_each(|receivers| receivers.comes_all_the_same(producer.0, number));
        }
    }

    /// A receiver that gets all events, or all that are sent from now on. It must [`leave`](Self::leave). Nothing where
    /// there is no room for one more.
    pub fn join(&mut self, from_the_start: bool) -> Option<Group> {
        let free = (1..self.groups.len()).find(|at| self.groups[*at].is_none());
        if free.is_none() && (self.groups.len() + 1) * self.sent.len() > self.most_windows {
            return None;
        }
        let base = |sent: &u64| if from_the_start { 0 } else { *sent };
        let mut receivers = Receivers::after(self.sent.iter().map(base));
        if from_the_start {
            let most = self.most_words();
            for (producer, number) in self.doubts.excused() {
                receivers.excuse(producer, number, most);
            }
        }
        let at = free.unwrap_or_else(|| {
            self.groups.push(None);
            self.groups.len() - 1
        });
        self.groups[at] = Some(receivers);
        Some(Group(at))
    }

    /// What is still missing of what it was owed is lost, as far as it was accepted.
    pub fn leave(&mut self, group: Group) {
        if group != Group::SHARED
            && let Some(receivers) = self.groups.get_mut(group.0).and_then(Option::take)
        {
            let missing = |event: &(u32, u64)| receivers.is_missing(event.0, event.1);
            let in_doubt: Vec<_> = self.doubts.pending().filter(missing).collect();
            self.lost += receivers.missing_of_owed().saturating_sub(in_doubt.len() as u64);
            in_doubt.into_iter().for_each(|event| self.doubts.leave_without(event));
        }
    }

    /// Nothing for an event of another run, or one that was sent before the receiver joined.
    pub fn receive(&mut self, group: Group, token: &Token) -> Option<Receipt> {
        let Token { producer, number, .. } = *token;
        let sent = self.sent.get(producer as usize)?;
        if token.run != self.run || !(1..=*sent).contains(&number) {
            return None;
        }
        let most = self.most_words();
        let receivers = self.groups.get_mut(group.0)?.as_mut()?;
        Some(match receivers.receive(producer, number, most)? {
            Receipt::Again
                if self.doubts.is_excused((producer, number))
                    && !receivers.has_come(producer, number)
                    && self.doubts.keep(1) =>
            {
                receivers.comes_all_the_same(producer, number);
                Receipt::First
            }
            Receipt::Reordered if self.crowded.contains(&producer) => Receipt::First,
            receipt => receipt,
        })
    }

    /// By producer: what has been sent so far.
    pub fn sent(&self) -> Vec<u64> {
        self.sent.clone()
    }

    /// From now on what [was sent](Self::sent) then is owed.
    pub fn owe(&mut self, group: Group, sent: Vec<u64>) {
        if let Some(Some(receivers)) = self.groups.get_mut(group.0) {
            receivers.owe(sent);
        }
    }

    /// From now on all that has been sent so far is owed.
    pub fn mark(&mut self, group: Group) {
        self.owe(group, self.sent());
    }

    /// How many of those that were marked have not come.
    pub fn owed(&self, group: Group) -> u64 {
        let receivers = self.groups.get(group.0).and_then(Option::as_ref);
        receivers.map_or(0, Receivers::missing_of_marked)
    }

    /// At the end of the run. Of what is shared all is owed; of a receiver of its own what was marked, and all before
    /// what it received.
    pub fn lost(&self) -> u64 {
        let shared = self.groups[0].as_ref().filter(|_| self.shared);
        let shared = shared.map_or(0, |receivers| receivers.missing(self.sent.iter().copied().zip(0..)));
        let own: u64 = self.groups[1..].iter().flatten().map(Receivers::missing_of_owed).sum();
        shared + own + self.lost
    }

    /// Bitmaps share what there is.
    fn most_words(&self) -> usize {
        let bitmaps = self.sent.len().max(1) * self.groups.len().max(1);
        (MOST_WORDS / bitmaps).clamp(1, MOST_WORDS_EACH)
    }
}
