//! What one receiver, or several that share the events, has had of them.

use std::collections::BTreeSet;

use super::window::{Receipt, Window};

#[derive(Debug, Default)]
pub(super) struct Receivers {
    /// By producer; those that it does not reach have sent it nothing yet.
    windows: Vec<Window>,
    /// What is owed, by producer: all that was sent by then.
    owed: Vec<u64>,
    /// Of those that were not accepted: came all the same.
    came: BTreeSet<(u32, u64)>,
}

impl Receivers {
    /// Of each producer it is owed what follows these numbers.
    pub(super) fn after(sent: impl Iterator<Item = u64>) -> Self {
        Receivers { windows: sent.map(Window::after).collect(), ..Receivers::default() }
    }

    pub(super) fn receive(&mut self, producer: u32, number: u64, most_words: usize) -> Option<Receipt> {
        self.window(producer).receive(number, most_words)
    }

    /// As if it had come; whether it had not.
    pub(super) fn excuse(&mut self, producer: u32, number: u64, most_words: usize) -> bool {
        self.window(producer).excuse(number, most_words)
    }

    /// One that was not accepted comes.
    pub(super) fn comes_all_the_same(&mut self, producer: u32, number: u64) {
        self.came.insert((producer, number));
    }

    /// Of those that were not accepted.
    pub(super) fn has_come(&self, producer: u32, number: u64) -> bool {
        self.came.contains(&(producer, number))
    }

    pub(super) fn owe(&mut self, sent: Vec<u64>) {
        self.owed = sent;
    }

    /// How many of those that were marked have not come.
    pub(super) fn missing_of_marked(&self) -> u64 {
        self.missing(self.owed.iter().copied().zip(0..))
    }

    /// Up to each of these numbers, of that producer.
    pub(super) fn missing(&self, up_to: impl Iterator<Item = (u64, usize)>) -> u64 {
        up_to
            .map(|(last, producer)| self.windows.get(producer).map_or(last, |window| window.missing(last)))
            .sum()
    }

    /// Of what was marked, and of all before what came.
    pub(super) fn missing_of_owed(&self) -> u64 {
        let producers = self.windows.len().max(self.owed.len());
        self.missing((0..producers).map(|producer| (self.owed_up_to(producer), producer)))
    }

    /// Whether it is among the [missing of what is owed](Self::missing_of_owed).
    pub(super) fn is_missing(&self, producer: u32, number: u64) -> bool {
        let at = producer as usize;
        number <= self.owed_up_to(at) && self.windows.get(at).is_none_or(|window| window.is_missing(number))
    }

    fn owed_up_to(&self, producer: usize) -> u64 {
        let received = self.windows.get(producer).map_or(0, Window::highest);
        self.owed.get(producer).copied().unwrap_or(0).max(received)
    }

    fn window(&mut self, producer: u32) -> &mut Window {
        let at = producer as usize;
        if self.windows.len() <= at {
            self.windows.resize_with(at + 1, Window::default);
        }
        &mut self.windows[at]
    }
}
