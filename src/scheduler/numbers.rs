//! The numbers of users: unique over all scenarios, workers and machines.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::executor::Segment;

/// Hands out numbers from 1 on; of several machines each hands out its own.
#[derive(Debug)]
pub(super) struct VuNumbers {
    given: AtomicU64,
    segment: Segment,
}

impl VuNumbers {
    pub(super) fn new(segment: Segment) -> Self {
        VuNumbers { given: AtomicU64::new(0), segment }
    }

    pub(super) fn next(&self) -> u64 {
        let nth = self.given.fetch_add(1, Ordering::Relaxed);
        // A segment that holds nothing has no users either.
        self.segment.nth(nth).unwrap_or(nth) + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_hand_out_numbers_of_their_own() {
        let numbers = |part| {
            let numbers = VuNumbers::new(Segment::nth_of(part, 3).unwrap());
            [numbers.next(), numbers.next(), numbers.next()]
        };
        assert_eq!([numbers(1), numbers(2), numbers(3)], [[1, 4, 7], [2, 5, 8], [3, 6, 9]]);
    }
}
