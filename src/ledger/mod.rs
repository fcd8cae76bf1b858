//! Which events were published and which of them came: lost, duplicated, reordered. It knows no protocol; a step that
//! publishes asks for a [`Token`] and puts it into its message, a step that consumes shows the ledger what it found.
//!
//! Memory does not grow with the number of events: of each producer's sequence there is a bitmap from the oldest event
//! that is missing to the newest that came, of bounded length.
//!
//! Producers and receivers live on several threads, so a ledger is behind a lock, held for some 50 ns an event.

mod token;
mod window;

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use token::{FIELD, HEADER, Token};
pub use window::Receipt;
use window::Window;

use crate::ids::SeriesId;

/// Of all bitmaps of a ledger: 64 MiB.
const MOST_WORDS: usize = (64 << 20) / 8;
/// Of one bitmap: 131,072 events from the oldest that is missing to the newest.
const MOST_WORDS_EACH: usize = 2_048;
/// Events that were not accepted and may have come all the same.
const MOST_EXCUSED: usize = 65_536;

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
    groups: Vec<Option<Receivers>>,
    excused: BTreeSet<(u32, u64)>,
    /// Of groups that have left.
    lost: u64,
}

#[derive(Debug, Default)]
struct Receivers {
    /// By producer; those that it does not reach have sent it nothing yet.
    windows: Vec<Window>,
    /// What is owed, by producer: all that was sent by then.
    owed: Vec<u64>,
}

impl Ledgers {
    /// `run` is drawn anew for each run.
    pub fn new(plans: &[LedgerPlan], run: u64, workers: usize) -> Arc<Self> {
        let ledger = |plan: &LedgerPlan| (plan.lost, Mutex::new(Ledger::new(run, plan.shared)));
        let ledgers = plans.iter().map(ledger).collect();
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
        let groups = vec![shared.then(Receivers::default)];
        Ledger { run, shared, sent: Vec::new(), free: Vec::new(), groups, excused: BTreeSet::new(), lost: 0 }
    }

    /// It should be [released](Self::release) when it publishes no more.
    pub fn new_producer(&mut self) -> Producer {
        self.free.pop().unwrap_or_else(|| {
            self.sent.push(0);
            Producer((self.sent.len() - 1) as u32)
        })
    }

    /// Another producer may go on with its sequence, so that users who come and go take no room.
    pub fn release(&mut self, producer: Producer) {
        self.free.push(producer);
    }

    /// The next event of a producer.
    pub fn send(&mut self, producer: Producer, due_nanos: u64) -> Token {
        let number = &mut self.sent[producer.0 as usize];
        *number += 1;
        Token { run: self.run, producer: producer.0, number: *number, due_nanos }
    }

    /// It was not accepted, as far as anybody knows: it is not lost. It is received all the same if it comes.
    pub fn excuse(&mut self, producer: Producer, number: u64) {
        let most = self.most_words();
        let mut missing = false;
        for receivers in self.groups.iter_mut().flatten() {
            missing |= receivers.window(producer.0).excuse(number, most);
        }
        if missing && self.excused.len() < MOST_EXCUSED {
            self.excused.insert((producer.0, number));
        }
    }

    /// A receiver that gets all events, or all that are sent from now on. It must [`leave`](Self::leave).
    pub fn join(&mut self, from_the_start: bool) -> Group {
        let base = |sent: &u64| Window::after(if from_the_start { 0 } else { *sent });
        let windows: Vec<Window> = self.sent.iter().map(base).collect();
        let receivers = Some(Receivers { windows, owed: Vec::new() });
        match (1..self.groups.len()).find(|at| self.groups[*at].is_none()) {
            Some(free) => {
                self.groups[free] = receivers;
                Group(free)
            }
            None => {
                self.groups.push(receivers);
                Group(self.groups.len() - 1)
            }
        }
    }

    /// What is still missing of what it was owed is lost.
    pub fn leave(&mut self, group: Group) {
        if group != Group::SHARED
            && let Some(receivers) = self.groups.get_mut(group.0).and_then(Option::take)
        {
            self.lost += receivers.missing_of_owed();
        }
    }

    /// Nothing for an event of another run, or one that was sent before the receiver joined.
    pub fn receive(&mut self, group: Group, token: &Token) -> Option<Receipt> {
        let sent = self.sent.get(token.producer as usize)?;
        if token.run != self.run || !(1..=*sent).contains(&token.number) {
            return None;
        }
        let most = self.most_words();
        let receivers = self.groups.get_mut(group.0)?.as_mut()?;
        let receipt = receivers.window(token.producer).receive(token.number, most)?;
        if receipt == Receipt::Again && self.excused.remove(&(token.producer, token.number)) {
            return Some(Receipt::First);
        }
        Some(receipt)
    }

    /// From now on all that has been sent so far is owed.
    pub fn mark(&mut self, group: Group) {
        if let Some(Some(receivers)) = self.groups.get_mut(group.0) {
            receivers.owed.clone_from(&self.sent);
        }
    }

    /// How many of those that were marked have not come.
    pub fn owed(&self, group: Group) -> u64 {
        let receivers = self.groups.get(group.0).and_then(Option::as_ref);
        receivers.map_or(0, |receivers| receivers.missing(receivers.owed.iter().copied().zip(0..)))
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

impl Receivers {
    fn window(&mut self, producer: u32) -> &mut Window {
        let at = producer as usize;
        if self.windows.len() <= at {
            self.windows.resize_with(at + 1, Window::default);
        }
        &mut self.windows[at]
    }

    /// Up to each of these numbers, of that producer.
    fn missing(&self, up_to: impl Iterator<Item = (u64, usize)>) -> u64 {
        up_to
            .map(|(last, producer)| self.windows.get(producer).map_or(last, |window| window.missing(last)))
            .sum()
    }

    fn missing_of_owed(&self) -> u64 {
        let producers = self.windows.len().max(self.owed.len());
        let up_to = (0..producers).map(|producer| {
            let received = self.windows.get(producer).map_or(0, Window::highest);
            (self.owed.get(producer).copied().unwrap_or(0).max(received), producer)
        });
        self.missing(up_to)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sent(ledger: &mut Ledger, producer: Producer, events: u64) -> Vec<Token> {
        (0..events).map(|due| ledger.send(producer, due)).collect()
    }

    #[test]
    fn exactly_seven_of_a_hundred_thousand() {
        let mut ledger = Ledger::new(1, true);
        let producers = [(); 4].map(|()| ledger.new_producer());
        let tokens: Vec<Token> =
            producers.iter().flat_map(|producer| sent(&mut ledger, *producer, 25_000)).collect();
        let dropped = [0, 1, 24_999, 50_000, 63_999, 64_000, 99_999];
        for (at, token) in tokens.iter().enumerate().filter(|(at, _)| !dropped.contains(at)) {
            assert_eq!(ledger.receive(Group::SHARED, token), Some(Receipt::First), "{at}");
        }
        assert_eq!(ledger.lost(), 7);
    }

    #[test]
    fn what_is_of_another_run_or_was_never_sent_is_not_received() {
        let mut ledger = Ledger::new(1, true);
        let producer = ledger.new_producer();
        let token = ledger.send(producer, 0);
        for wrong in [
            Token { run: 2, ..token },
            Token { producer: 9, ..token },
            Token { number: 2, ..token },
            Token { number: 0, ..token },
        ] {
            assert_eq!(ledger.receive(Group::SHARED, &wrong), None, "{wrong:?}");
        }
        assert_eq!(ledger.lost(), 1);
    }

    #[test]
    fn what_was_not_accepted_is_not_lost_and_received_if_it_comes_all_the_same() {
        let mut ledger = Ledger::new(1, true);
        let producer = ledger.new_producer();
        let tokens = sent(&mut ledger, producer, 3);
        ledger.excuse(producer, 1);
        ledger.excuse(producer, 2);
        assert_eq!(ledger.lost(), 1);
        let receipts = [1, 2, 1].map(|at| ledger.receive(Group::SHARED, &tokens[at]));
        assert_eq!(receipts, [Some(Receipt::First), Some(Receipt::First), Some(Receipt::Again)]);
        assert_eq!(ledger.lost(), 0);
    }

    #[test]
    fn each_receiver_of_its_own_is_owed_what_is_sent_while_it_is_there() {
        let mut ledger = Ledger::new(1, false);
        let producer = ledger.new_producer();
        let early = ledger.send(producer, 0);
        let (first, second) = (ledger.join(false), ledger.join(false));
        let tokens = sent(&mut ledger, producer, 3);
        assert_eq!(ledger.receive(first, &early), None);
        for token in &tokens {
            ledger.receive(first, token);
        }
        ledger.receive(second, &tokens[1]);
        assert_eq!(ledger.lost(), 1, "what came last shows that the first is missing");
        ledger.mark(second);
        assert_eq!((ledger.owed(first), ledger.owed(second), ledger.lost()), (0, 2, 2));
        ledger.leave(second);
        sent(&mut ledger, producer, 5);
        assert_eq!(ledger.lost(), 2, "who has left is owed nothing more");
        let again = ledger.join(false);
        assert_eq!((again, ledger.lost()), (second, 2));
    }

    #[test]
    fn a_receiver_that_nothing_reached_has_lost_what_was_marked() {
        let mut ledger = Ledger::new(1, false);
        let group = ledger.join(true);
        let producer = ledger.new_producer();
        sent(&mut ledger, producer, 4);
        ledger.mark(group);
        assert_eq!((ledger.owed(group), ledger.lost()), (4, 4));
    }

    #[test]
    fn the_last_worker_to_end_tells_what_was_lost() {
        let plan = LedgerPlan { name: "events".to_owned(), lost: SeriesId(7), shared: true };
        let ledgers = Ledgers::new(&[plan], 1, 2);
        let producer = ledgers.get(0).unwrap().new_producer();
        ledgers.get(0).unwrap().send(producer, 0);
        assert_eq!(ledgers.worker_ended(), []);
        assert_eq!(ledgers.worker_ended(), [(SeriesId(7), 1)]);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(16))]

        #[test]
        fn in_any_order_with_duplicates_the_counts_are_exact(
            dropped in proptest::collection::btree_set(0_usize..20_000, 0..20),
            again in proptest::collection::vec(0_usize..20_000, 0..50),
            seed in any::<u64>(),
        ) {
            let mut ledger = Ledger::new(1, true);
            let producers = [ledger.new_producer(), ledger.new_producer()];
            let mut arriving: Vec<usize> = (0..20_000).filter(|at| !dropped.contains(at)).collect();
            arriving.extend(again.iter().filter(|at| !dropped.contains(at)));
            let tokens: Vec<Token> =
                (0..20_000).map(|at| ledger.send(producers[at % 2], 0)).collect();
            fastrand::Rng::with_seed(seed).shuffle(&mut arriving);
            let mut duplicates = 0;
            for at in &arriving {
                duplicates += u64::from(ledger.receive(Group::SHARED, &tokens[*at]) == Some(Receipt::Again));
            }
            prop_assert_eq!(ledger.lost(), dropped.len() as u64);
            prop_assert_eq!(duplicates as usize, arriving.len() + dropped.len() - 20_000);
        }
    }
}
