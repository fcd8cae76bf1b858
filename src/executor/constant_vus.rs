//! `constant-vus`: a fixed number of users, each starting its next iteration when the last is done.

use std::time::Duration;

use super::{Closed, Executor, Model, Segment, Window};
use crate::time::{Elapsed, span};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConstantVus {
    pub vus: u64,
    /// After it no iteration starts.
    pub duration: Duration,
}

impl Executor for ConstantVus {
    fn model(&self) -> Model<'_> {
        Model::Closed(self)
    }

    fn duration(&self) -> Elapsed {
        self.duration.into()
    }

    fn part(&self, segment: &Segment) -> Box<dyn Executor> {
        Box::new(ConstantVus { vus: segment.scale(self.vus), ..*self })
    }

    fn describe(&self) -> String {
        format!("{} looping VUs for {}", self.vus, span(self.duration))
    }
}

impl Closed for ConstantVus {
    fn vus(&self) -> u64 {
        self.vus
    }

    fn windows(&self, _user: u64) -> Vec<Window> {
        vec![Window::all(self.duration.into())]
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Turn, User};
    use super::*;

    #[test]
    fn a_user_starts_whenever_it_is_idle_until_the_end() {
        let executor = ConstantVus { vus: 2, duration: Duration::from_secs(1) };
        let mut user = User::new(&executor, 1);
        let start = Turn::Start { cut_off: None };
        for (now, expected) in [(0, start), (400, start), (999, start), (1000, Turn::Done)] {
            assert_eq!(user.next(Duration::from_millis(now).into()), expected, "at {now} ms");
        }
    }
}
