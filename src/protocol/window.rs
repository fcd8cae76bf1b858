//! What was sent and is not answered yet, by the number that its answer will carry. Pure.

use std::collections::VecDeque;

use crate::time::Elapsed;

/// As long as the span from the oldest that is not answered to the newest, which its user bounds.
#[derive(Debug)]
pub struct Window<T> {
    /// The number of the first slot.
    first: u64,
    slots: VecDeque<Option<Slot<T>>>,
    open: usize,
}

#[derive(Debug)]
struct Slot<T> {
    /// When it is given up.
    until: Elapsed,
    what: T,
}

impl<T> Default for Window<T> {
    fn default() -> Self {
        Window { first: 0, slots: VecDeque::new(), open: 0 }
    }
}

impl<T> Window<T> {
    /// How many are not answered.
    pub fn len(&self) -> usize {
        self.open
    }

    pub fn is_empty(&self) -> bool {
        self.open == 0
    }

    /// From the oldest that is not answered to the newest: what it takes room for.
    pub fn span(&self) -> usize {
        self.slots.len()
    }

    /// The number that the answer is known by.
    pub fn send(&mut self, what: T, until: Elapsed) -> u64 {
        self.slots.push_back(Some(Slot { until, what }));
        self.open += 1;
        self.first + self.slots.len() as u64 - 1
    }

    /// Nothing for a number that was answered or given up before.
    pub fn answer(&mut self, number: u64) -> Option<T> {
        let at = usize::try_from(number.checked_sub(self.first)?).ok()?;
        let slot = self.slots.get_mut(at)?.take()?;
        self.open -= 1;
        while let Some(None) = self.slots.front() {
            self.slots.pop_front();
            self.first += 1;
        }
        Some(slot.what)
    }

    /// The next whose time is over. Those with a shorter time than one sent before them are found when that one is.
    pub fn expire(&mut self, now: Elapsed) -> Option<T> {
        let due = self.slots.front()?.as_ref().is_none_or(|slot| slot.until <= now);
        if due { self.answer(self.first) } else { None }
    }

    /// The oldest whose number is `number` or less, for answers that say "all up to this one".
    pub fn answer_up_to(&mut self, number: u64) -> Option<T> {
        if self.first <= number { self.give_up() } else { None }
    }

    /// Of those that are not answered, the oldest for which it holds.
    pub fn find(&mut self, holds: impl Fn(&T) -> bool) -> Option<&mut T> {
        self.slots.iter_mut().flatten().map(|slot| &mut slot.what).find(|what| holds(what))
    }

    /// The oldest, whatever its time.
    pub fn give_up(&mut self) -> Option<T> {
        self.answer(self.first)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(secs: u64) -> Elapsed {
        Elapsed::from(Duration::from_secs(secs))
    }

    #[test]
    fn answers_come_in_any_order_and_each_once() {
        let mut window = Window::default();
        let numbers = ["a", "b", "c"].map(|what| window.send(what, at(5)));
        assert_eq!(numbers, [0, 1, 2]);
        assert_eq!([1, 1, 2, 9].map(|number| window.answer(number)), [Some("b"), None, Some("c"), None]);
        assert_eq!((window.len(), window.span()), (1, 3));
        assert_eq!(window.answer(0), Some("a"));
        assert_eq!((window.len(), window.span()), (0, 0));
        assert_eq!((window.send("d", at(5)), window.answer(3)), (3, Some("d")));
    }

    #[test]
    fn one_answer_may_stand_for_all_up_to_it() {
        let mut window = Window::default();
        for what in ["a", "b", "c", "d"] {
            window.send(what, at(5));
        }
        assert_eq!(window.answer(1), Some("b"));
        assert_eq!(window.find(|what| *what > "a").copied(), Some("c"));
        assert_eq!([2, 2, 2].map(|number| window.answer_up_to(number)), [Some("a"), Some("c"), None]);
        assert_eq!((window.len(), window.answer_up_to(9)), (1, Some("d")));
    }

    #[test]
    fn what_is_not_answered_in_time_is_given_up() {
        let mut window = Window::default();
        for (what, until) in [("a", 1), ("b", 2), ("c", 9)] {
            window.send(what, at(until));
        }
        assert_eq!(window.expire(at(0)), None);
        assert_eq!([2, 2, 2].map(|now| window.expire(at(now))), [Some("a"), Some("b"), None]);
        assert_eq!(window.answer(0), None, "its answer came too late");
        assert_eq!((window.give_up(), window.give_up()), (Some("c"), None));
    }
}
