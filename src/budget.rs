//! One limit on what the process holds of what targets have sent: bodies and messages that steps read,
//! and what they were parsed to. A hostile target meets this before it meets the machine's memory.

use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What a plan that says nothing else may hold, in bytes: 96 MiB. The process then stays below 256 MiB: buffers
/// that grow, and what the allocator keeps, are some as much again (`cargo bench --bench peers -- hostile`).
pub const DEFAULT_BYTES: u64 = 96 << 20;
/// What one exchange or connection may hold without asking, in bytes: the usual reply costs no atomic.
pub const FREE_BYTES: u64 = 16 << 10;
/// What is asked for at once, in bytes, so that a body that grows asks seldom.
const STEP_BYTES: u64 = 64 << 10;

/// Shared by all workers.
#[derive(Debug)]
pub struct Budget {
    limit: u64,
    used: AtomicU64,
    refusals: AtomicU64,
}

/// The budget in the hands of one worker thread: cloned for each exchange, which costs no atomic.
#[derive(Debug, Clone)]
#[expect(clippy::redundant_allocation, reason = "the outer one is cloned without an atomic")]
pub struct Purse(Rc<Arc<Budget>>);

/// What one holder has taken of a budget; given back when it is dropped.
#[derive(Debug, Default)]
pub struct Charge {
    held: u64,
    paid: u64,
    /// Where to give it back; `None` before anything was paid.
    budget: Option<Arc<Budget>>,
}

/// Nothing is left: the limit is this generator's, and no fault of the target alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no memory left for bodies and messages (raise limits.memory)")]
pub struct Spent;

impl Budget {
    /// `limit` is in bytes, and does not count the [`FREE_BYTES`] of each holder.
    pub fn new(limit: u64) -> Arc<Self> {
        Arc::new(Budget { limit, used: AtomicU64::new(0), refusals: AtomicU64::new(0) })
    }

    /// In bytes.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// How often something was refused since the budget was made.
    pub fn refusals(&self) -> u64 {
        self.refusals.load(Relaxed)
    }

    fn take(&self, bytes: u64) -> Result<(), Spent> {
        let room = |used: u64| used.checked_add(bytes).filter(|used| *used <= self.limit);
        self.used.fetch_update(Relaxed, Relaxed, room).map(drop).map_err(|_| {
            self.refusals.fetch_add(1, Relaxed);
            Spent
        })
    }

    fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Relaxed);
    }
}

impl Purse {
    pub fn new(budget: &Arc<Budget>) -> Self {
        Purse(Rc::new(Arc::clone(budget)))
    }
}

impl Charge {
    /// Makes sure that `held` bytes in all are paid for. On failure nothing changes.
    ///
    /// # Errors
    /// When the budget has no room for the rest.
    pub fn cover(&mut self, held: u64, purse: &Purse) -> Result<(), Spent> {
        let owed = held.saturating_sub(FREE_BYTES);
        if owed > self.paid {
            let more = (owed - self.paid).div_ceil(STEP_BYTES).saturating_mul(STEP_BYTES);
            purse.0.take(more)?;
            self.paid += more;
            self.budget.get_or_insert_with(|| Arc::clone(&purse.0));
        }
        self.held = held;
        Ok(())
    }

    /// As [`cover`](Self::cover), for `more` bytes beside those that are held.
    ///
    /// # Errors
    /// When the budget has no room for them.
    pub fn add(&mut self, more: u64, purse: &Purse) -> Result<(), Spent> {
        self.cover(self.held.saturating_add(more), purse)
    }

    /// In bytes, free ones included.
    pub fn held(&self) -> u64 {
        self.held
    }

    /// Gives everything back: nothing is held any more.
    pub fn clear(&mut self) {
        self.held = 0;
        if let Some(budget) = self.budget.take() {
            budget.give_back(self.paid);
            self.paid = 0;
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_paid_for_in_steps_and_given_back() {
        let budget = Budget::new(4 * STEP_BYTES);
        let purse = Purse::new(&budget);
        let used = || budget.used.load(Relaxed);
        let mut charge = Charge::default();
        for (held, expected) in [
            (0, 0),
            (FREE_BYTES, 0),
            (FREE_BYTES + 1, STEP_BYTES),
            (FREE_BYTES + STEP_BYTES, STEP_BYTES),
            (FREE_BYTES + STEP_BYTES + 1, 2 * STEP_BYTES),
            // It shrank, and may grow again for nothing.
            (10, 2 * STEP_BYTES),
        ] {
            assert_eq!(charge.cover(held, &purse), Ok(()));
            assert_eq!((charge.held(), used()), (held, expected));
        }
        charge.clear();
        assert_eq!((charge.held(), used()), (0, 0));
        assert_eq!(charge.add(FREE_BYTES, &purse), Ok(()));
        assert_eq!(charge.add(1, &purse), Ok(()));
        assert_eq!(used(), STEP_BYTES);
        drop(charge);
        assert_eq!((used(), budget.refusals()), (0, 0));
    }

    #[test]
    fn who_comes_too_late_gets_nothing_and_costs_nothing() {
        let budget = Budget::new(2 * STEP_BYTES);
        let purse = Purse::new(&budget);
        let (mut first, mut second) = (Charge::default(), Charge::default());
        assert_eq!(first.cover(FREE_BYTES + STEP_BYTES, &purse), Ok(()));
        assert_eq!(second.cover(FREE_BYTES + STEP_BYTES + 1, &purse), Err(Spent));
        assert_eq!(second.cover(u64::MAX, &purse), Err(Spent));
        assert_eq!((second.held(), budget.refusals()), (0, 2));
        assert_eq!(second.cover(FREE_BYTES + STEP_BYTES, &purse), Ok(()));
        drop(first);
        assert_eq!(second.cover(FREE_BYTES + 2 * STEP_BYTES, &purse), Ok(()));
    }
}
