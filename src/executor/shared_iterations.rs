//! `shared-iterations`: a number of iterations, taken by whichever user is idle.

use std::time::Duration;

use super::{Closed, Executor, Iterations, Model, Segment, Window};
use crate::time::{Elapsed, span};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedIterations {
    pub vus: u64,
    /// Of all users together; at least as many as users.
    pub iterations: u64,
    /// After it no iteration starts, even when some are left.
    pub max_duration: Duration,
}

impl Executor for SharedIterations {
    fn model(&self) -> Model<'_> {
        Model::Closed(self)
    }

    fn duration(&self) -> Elapsed {
        self.max_duration.into()
    }

    /// As in k6 iterations follow users: a machine without a user gets none.
    fn part(&self, segment: &Segment) -> Box<dyn Executor> {
        let iterations = segment.of_value(self.vus).scale(self.iterations);
        Box::new(SharedIterations { vus: segment.scale(self.vus), iterations, ..*self })
    }

    fn describe(&self) -> String {
        format!("{} iterations shared among {} VUs", self.iterations, self.vus)
    }

    fn fact(&self) -> Option<String> {
        Some(format!("maxDuration: {}", span(self.max_duration)))
    }
}

impl Closed for SharedIterations {
    fn vus(&self) -> u64 {
        self.vus
    }

    fn windows(&self, _user: u64) -> Vec<Window> {
        vec![Window::all(self.max_duration.into())]
    }

    fn iterations(&self) -> Iterations {
        Iterations::Shared(self.iterations)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_without_a_user_gets_no_iteration() {
        let whole = SharedIterations { vus: 2, iterations: 100, max_duration: Duration::from_secs(600) };
        let parts: Vec<_> = (1..=3)
            .map(|part| whole.part(&Segment::nth_of(part, 3).unwrap()))
            .map(|part| (part.model().max_vus(), part.model().iterations()))
            .collect();
        assert_eq!(parts, [(1, Some(50)), (1, Some(50)), (0, Some(0))]);
    }
}
