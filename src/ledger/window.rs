//! Which numbers of a sequence have come: a bitmap from the oldest that is missing to the newest that came. Pure.

use std::collections::VecDeque;

const BITS: u64 = 64;

/// Numbers count from 1. In order it takes a few words, however long the sequence is.
#[derive(Debug, Clone, Default)]
pub(super) struct Window {
    /// Up to here nobody asks.
    base: u64,
    /// All numbers up to here are settled: they came, or were given up.
    settled: u64,
    /// A bit for each number after those, 1 where it came.
    words: VecDeque<u64>,
    /// The highest that came.
    highest: u64,
    /// Missing numbers below the window, which it had no room for any more.
    given_up: u64,
}

/// What one receipt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Receipt {
    First,
    /// For the first time, but after one that was sent later.
    Reordered,
    Again,
}

impl Window {
    /// Of the numbers after this one.
    pub(super) fn after(base: u64) -> Self {
        Window { base, settled: base, highest: base, ..Window::default() }
    }

    /// Nothing for a number that nobody asks for. Of those that were given up it cannot say whether one comes for the
    /// first time: as many as are missing are taken for late, further ones for duplicates.
    pub(super) fn receive(&mut self, number: u64, most_words: usize) -> Option<Receipt> {
        if number <= self.base {
            return None;
        }
        let receipt = match self.set(number, most_words) {
            false => Receipt::Again,
            true if number < self.highest => Receipt::Reordered,
            true => Receipt::First,
        };
        self.highest = self.highest.max(number);
        Some(receipt)
    }

    /// As if it had come; whether it had not.
    pub(super) fn excuse(&mut self, number: u64, most_words: usize) -> bool {
        number > self.base && self.set(number, most_words)
    }

    /// How many of the numbers up to `last` have not come.
    pub(super) fn missing(&self, last: u64) -> u64 {
        let span = last.saturating_sub(self.settled);
        let came: u64 = self
            .words
            .iter()
            .zip(0_u64..)
            .map(|(word, at)| {
                let left = span.saturating_sub(at * BITS).min(BITS);
                let asked_for = if left == BITS { u64::MAX } else { (1 << left) - 1 };
                u64::from((word & asked_for).count_ones())
            })
            .sum();
        self.given_up + span - came
    }

    /// Whether one that somebody asks for has not come. Of those that were given up it is not known: all have come, then.
    pub(super) fn is_missing(&self, number: u64) -> bool {
        let Some(at) = number.checked_sub(self.settled + 1) else { return false };
        let word = usize::try_from(at / BITS).ok().and_then(|word| self.words.get(word));
        word.is_none_or(|word| word & (1 << (at % BITS)) == 0)
    }

    pub(super) fn highest(&self) -> u64 {
        self.highest
    }

    /// Whether it was not there.
    fn set(&mut self, number: u64, most_words: usize) -> bool {
        let Some(at) = number.checked_sub(self.settled + 1) else {
            let late = self.given_up > 0;
            self.given_up = self.given_up.saturating_sub(1);
            return late;
        };
        let at = self.reach(at, most_words.max(1) as u64);
        let (word, bit) = ((at / BITS) as usize, 1_u64 << (at % BITS));
        let new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        while self.words.front() == Some(&u64::MAX) {
            self.words.pop_front();
            self.settled += BITS;
        }
        new
    }

    /// Makes room for the bit at this distance, and gives up the oldest words if there must be; its distance then.
    fn reach(&mut self, at: u64, most_words: u64) -> u64 {
        let beyond = (at / BITS + 1).saturating_sub(most_words);
        let there = beyond.min(self.words.len() as u64);
        for word in self.words.drain(..there as usize) {
            self.given_up += u64::from(word.count_zeros());
        }
        self.given_up += (beyond - there) * BITS;
        self.settled += beyond * BITS;
        let at = at - beyond * BITS;
        while self.words.len() as u64 <= at / BITS {
            self.words.push_back(0);
        }
        at
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Receipt::{Again, First, Reordered};
    use super::*;

    const ENOUGH: usize = 1 << 12;

    #[test]
    fn each_number_is_received_once_in_whatever_order() {
        let mut window = Window::default();
        let receipts = [1, 3, 2, 3, 5, 5, 1].map(|number| window.receive(number, ENOUGH));
        assert_eq!(receipts, [First, First, Reordered, Again, First, Again, Again].map(Some));
        assert_eq!([0, 1, 3, 4, 5, 7].map(|last| window.missing(last)), [0, 0, 0, 1, 1, 3]);
    }

    #[test]
    fn what_was_sent_before_anybody_asked_is_not_missing() {
        let mut window = Window::after(100);
        assert_eq!(window.missing(100), 0);
        assert_eq!(
            [100, 102, 101].map(|number| window.receive(number, ENOUGH)),
            [None, Some(First), Some(Reordered)]
        );
        assert_eq!((window.missing(102), window.missing(103)), (0, 1));
    }

    #[test]
    fn in_order_it_stays_small() {
        let mut window = Window::default();
        for number in 1..=100_000 {
            window.receive(number, ENOUGH);
            assert!(window.words.len() <= 1);
        }
        assert_eq!(window.missing(100_000), 0);
    }

    #[test]
    fn what_does_not_fit_is_given_up_and_still_counted() {
        let mut window = Window::default();
        // One word: 64 numbers. 1 is missing, then the sequence goes on far away.
        for number in 2..=64 {
            window.receive(number, 1);
        }
        assert_eq!(window.receive(1_000, 1), Some(First));
        assert_eq!(window.words.len(), 1);
        assert_eq!(window.missing(1_000), 1 + 935);
        assert_eq!(window.receive(1, 1), Some(Reordered));
        assert_eq!(window.missing(1_000), 935);
    }

    #[test]
    fn what_is_excused_is_neither_missing_nor_received() {
        let mut window = Window::default();
        window.receive(1, ENOUGH);
        assert!(window.excuse(3, ENOUGH));
        assert!(!window.excuse(1, ENOUGH));
        assert_eq!((window.missing(3), window.highest()), (1, 1));
        assert_eq!(window.receive(2, ENOUGH), Some(First));
    }

    proptest! {
        #[test]
        fn it_agrees_with_a_set(numbers in proptest::collection::vec(1_u64..2_000, 0..3_000)) {
            let (mut window, mut set, mut highest) = (Window::default(), std::collections::HashSet::new(), 0);
            for number in numbers {
                let expected = match set.insert(number) {
                    false => Again,
                    true if number < highest => Reordered,
                    true => First,
                };
                highest = highest.max(number);
                prop_assert_eq!(window.receive(number, ENOUGH), Some(expected));
            }
            for last in [0, 1, 63, 64, 65, 1_000, 2_000] {
                let came = set.iter().filter(|number| **number <= last).count() as u64;
                prop_assert_eq!(window.missing(last), last - came, "up to {}", last);
            }
        }

        #[test]
        fn however_small_it_is_none_is_forgotten(numbers in proptest::collection::hash_set(1_u64..5_000, 0..2_000), words in 1_usize..4) {
            // In order no number that was given up comes after all, so that the count is exact.
            let mut sorted: Vec<u64> = numbers.into_iter().collect();
            sorted.sort_unstable();
            let mut window = Window::default();
            for number in &sorted {
                window.receive(*number, words);
            }
            prop_assert_eq!(window.missing(5_000), 5_000 - sorted.len() as u64);
            prop_assert!(window.words.len() <= words);
        }
    }
}
