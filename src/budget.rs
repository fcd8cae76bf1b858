//! One limit on what the process holds of what targets have sent: bodies and messages that steps read,
//! and what they were parsed to. A hostile target meets this before it meets the machine's memory.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// What one exchange or connection may hold without asking, in bytes: the usual reply costs no atomic.
pub const FREE_BYTES: u64 = 16 << 10;
/// What is asked for at once, in bytes, so that a body that grows asks seldom.
const STEP_BYTES: u64 = 64 << 10;

/// Shared by all workers.
#[derive(Debug)]
pub struct Budget {
    limit: u64,
    used: AtomicU64,
}

/// What one holder has taken of a budget; given back when it is dropped.
#[derive(Debug)]
pub struct Charge {
    budget: Arc<Budget>,
    bytes: u64,
}

/// Nothing is left: the limit is this generator's, and no fault of the target alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spent;

impl Budget {
    /// `limit` is in bytes, and does not count the [`FREE_BYTES`] of each holder.
    pub fn new(limit: u64) -> Arc<Self> {
        Arc::new(Budget { limit, used: AtomicU64::new(0) })
    }

    pub fn limit(&self) -> u64 {
        self.limit
    }

    fn take(&self, bytes: u64) -> Result<(), Spent> {
        let room = |used: u64| used.checked_add(bytes).filter(|used| *used <= self.limit);
        self.used.fetch_update(Relaxed, Relaxed, room).map(drop).map_err(|_| Spent)
    }
}

impl Charge {
    /// Of nothing yet.
    pub fn new(budget: &Arc<Budget>) -> Self {
        Charge { budget: Arc::clone(budget), bytes: 0 }
    }

    /// Makes sure that `held` bytes in all are paid for. On failure nothing changes.
    ///
    /// # Errors
    /// When the budget has no room for the rest.
    pub fn cover(&mut self, held: u64) -> Result<(), Spent> {
        let owed = held.saturating_sub(FREE_BYTES);
        if owed <= self.bytes {
            return Ok(());
        }
        let more = (owed - self.bytes).div_ceil(STEP_BYTES).saturating_mul(STEP_BYTES);
        self.budget.take(more)?;
        self.bytes += more;
        Ok(())
    }

    /// Gives everything back: nothing is held any more.
    pub fn clear(&mut self) {
        if self.bytes > 0 {
            self.budget.used.fetch_sub(self.bytes, Relaxed);
            self.bytes = 0;
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
        let used = || budget.used.load(Relaxed);
        let mut charge = Charge::new(&budget);
        for (held, expected) in [
            (0, 0),
            (FREE_BYTES, 0),
            (FREE_BYTES + 1, STEP_BYTES),
            (FREE_BYTES + STEP_BYTES, STEP_BYTES),
            (FREE_BYTES + STEP_BYTES + 1, 2 * STEP_BYTES),
            // It shrank, and may grow again for nothing.
            (10, 2 * STEP_BYTES),
        ] {
            assert_eq!(charge.cover(held), Ok(()));
            assert_eq!(used(), expected, "{held} held");
        }
        charge.clear();
        assert_eq!(used(), 0);
    }

    #[test]
    fn who_comes_too_late_gets_nothing_and_costs_nothing() {
        let budget = Budget::new(2 * STEP_BYTES);
        let (mut first, mut second) = (Charge::new(&budget), Charge::new(&budget));
        assert_eq!(first.cover(FREE_BYTES + STEP_BYTES), Ok(()));
        assert_eq!(second.cover(FREE_BYTES + STEP_BYTES + 1), Err(Spent));
        assert_eq!(second.cover(u64::MAX), Err(Spent));
        assert_eq!(second.cover(FREE_BYTES + STEP_BYTES), Ok(()));
        drop(first);
        assert_eq!(second.cover(FREE_BYTES + 2 * STEP_BYTES), Ok(()));
    }
}
