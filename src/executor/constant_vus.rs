//! `constant-vus`: a fixed number of users, each starting its next iteration when the last is done.

use std::time::Duration;

use super::{Closed, Executor, Model, ScaleTo, Segment, Window};
use crate::time::{Elapsed, span};

/// As in a plan.
const MOST_VUS: u64 = 1_000_000;

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

    fn is_constant(&self) -> bool {
        true
    }

    /// The highest VUs come or go.
    fn scaled(&self, to: ScaleTo, _at: Elapsed) -> Result<Box<dyn Executor>, String> {
        match to {
            ScaleTo::Vus(vus @ 1..=MOST_VUS) => Ok(Box::new(ConstantVus { vus, ..*self })),
            ScaleTo::Vus(vus) => Err(format!(
                "expected 1 to {MOST_VUS} VUs, got {vus}; to send nothing for a while, pause the run"
            )),
            ScaleTo::Rate(_) => Err("it is a constant-vus: give a number of VUs, not a rate".to_owned()),
        }
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
    fn another_number_of_users_is_one_that_a_plan_could_have() {
        let executor = ConstantVus { vus: 2, duration: Duration::from_secs(1) };
        let scaled = |to| executor.scaled(to, Elapsed::ZERO).map(|scaled| scaled.describe());
        assert_eq!(scaled(ScaleTo::Vus(5)), Ok("5 looping VUs for 1s".to_owned()));
        for (to, expected) in [
            (ScaleTo::Vus(0), "expected 1 to 1000000 VUs, got 0; to send nothing for a while, pause the run"),
            (ScaleTo::Vus(1_000_001), "expected 1 to 1000000 VUs, got 1000001"),
            (ScaleTo::Rate(5.0), "it is a constant-vus: give a number of VUs, not a rate"),
        ] {
            assert!(scaled(to).is_err_and(|why| why.starts_with(expected)), "{to:?}");
        }
    }

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
