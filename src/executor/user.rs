//! Closed model: when a user starts its next iteration.

use super::{Closed, Iterations};
use crate::time::Elapsed;

/// A time in which a user starts iterations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub from: Elapsed,
    /// No iteration starts at or after it.
    pub until: Elapsed,
    /// When an iteration that still runs is interrupted; `None` where only the scenario's graceful stop ends it.
    pub cut_off: Option<Elapsed>,
}

/// One user on its way through its windows.
#[derive(Debug)]
pub struct User {
    windows: std::iter::Peekable<std::vec::IntoIter<Window>>,
    iterations_left: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// To be interrupted at `cut_off`, if there is one.
    Start { cut_off: Option<Elapsed> },
    /// It is not wanted before this.
    Wait(Elapsed),
    /// It will not start an iteration any more.
    Done,
}

impl Window {
    /// From the scenario's start to its end.
    pub fn all(until: Elapsed) -> Self {
        Window { from: Elapsed::ZERO, until, cut_off: None }
    }
}

impl User {
    pub fn new(closed: &dyn Closed, number: u64) -> Self {
        let iterations_left = match closed.iterations() {
            Iterations::PerVu(iterations) => iterations,
            // What is shared is counted where it is shared.
            Iterations::Unlimited | Iterations::Shared(_) => u64::MAX,
        };
        User { windows: closed.windows(number).into_iter().peekable(), iterations_left }
    }

    /// What an idle user does at `now`; times never go back.
    pub fn next(&mut self, now: Elapsed) -> Turn {
        while self.windows.next_if(|window| window.until <= now).is_some() {}
        match self.windows.peek() {
            Some(window) if self.iterations_left > 0 => {
                if now < window.from {
                    return Turn::Wait(window.from);
                }
                self.iterations_left -= 1;
                Turn::Start { cut_off: window.cut_off }
            }
            _ => Turn::Done,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[derive(Debug)]
    struct Users(Vec<Window>, Iterations);

    impl Closed for Users {
        fn vus(&self) -> u64 {
            1
        }

        fn windows(&self, _user: u64) -> Vec<Window> {
            self.0.clone()
        }

        fn iterations(&self) -> Iterations {
            self.1
        }
    }

    fn secs(secs: u64) -> Elapsed {
        Duration::from_secs(secs).into()
    }

    fn check(users: &Users, expected: &[(u64, Turn)]) {
        let mut user = User::new(users, 0);
        for (now, turn) in expected {
            assert_eq!(user.next(secs(*now)), *turn, "after {now} s");
        }
    }

    const START: Turn = Turn::Start { cut_off: None };

    #[test]
    fn a_user_iterates_in_its_windows_and_waits_between_them() {
        let first = Window { from: secs(2), until: secs(4), cut_off: Some(secs(5)) };
        let second = Window { from: secs(6), until: secs(8), cut_off: None };
        let users = Users(vec![first, second], Iterations::Unlimited);
        let cut = Turn::Start { cut_off: Some(secs(5)) };
        let turns = [(0, Turn::Wait(secs(2))), (2, cut), (3, cut), (4, Turn::Wait(secs(6))), (6, START)];
        check(&users, &turns);
        // An iteration may take longer than the time in between.
        check(&users, &[(3, cut), (7, START), (8, Turn::Done), (9, Turn::Done)]);
        check(&users, &[(3, cut), (100, Turn::Done)]);
    }

    #[test]
    fn a_user_with_a_number_of_iterations_is_done_after_them_or_at_the_end() {
        let users = Users(vec![Window::all(secs(10))], Iterations::PerVu(3));
        check(&users, &[(0, START), (0, START), (9, START), (9, Turn::Done)]);
        check(&users, &[(0, START), (9, START), (10, Turn::Done)]);
    }

    #[test]
    fn a_user_that_is_never_wanted_is_done_at_once() {
        check(&Users(Vec::new(), Iterations::Unlimited), &[(0, Turn::Done)]);
    }
}
