//! `per-vu-iterations`: a number of iterations for each user.

use std::time::Duration;

use super::{Closed, Executor, Iterations, Model, Segment, Window};
use crate::time::{Elapsed, span};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PerVuIterations {
    pub vus: u64,
    /// Of each user.
    pub iterations: u64,
    /// After it no iteration starts, even when some are left.
    pub max_duration: Duration,
}

impl Executor for PerVuIterations {
    fn model(&self) -> Model<'_> {
        Model::Closed(self)
    }

    fn duration(&self) -> Elapsed {
        self.max_duration.into()
    }

    fn part(&self, segment: &Segment) -> Box<dyn Executor> {
        Box::new(PerVuIterations { vus: segment.scale(self.vus), ..*self })
    }

    fn describe(&self) -> String {
        format!("{} iterations for each of {} VUs", self.iterations, self.vus)
    }

    fn fact(&self) -> Option<String> {
        Some(format!("maxDuration: {}", span(self.max_duration)))
    }
}

impl Closed for PerVuIterations {
    fn vus(&self) -> u64 {
        self.vus
    }

    fn windows(&self, _user: u64) -> Vec<Window> {
        vec![Window::all(self.max_duration.into())]
    }

    fn iterations(&self) -> Iterations {
        Iterations::PerVu(self.iterations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn machines_share_users_and_not_the_iterations_of_one() {
        let whole = PerVuIterations { vus: 5, iterations: 7, max_duration: Duration::from_secs(600) };
        let parts: Vec<_> = (1..=2)
            .map(|part| whole.part(&Segment::nth_of(part, 2).unwrap()))
            .map(|part| (part.model().max_vus(), part.model().iterations()))
            .collect();
        assert_eq!(parts, [(3, Some(21)), (2, Some(14))]);
    }
}
