//! `constant-vus`: a fixed number of users, each starting its next iteration when the last is done.

use std::time::Duration;

use super::{Arrival, Decision, Executor, Model, Schedule, Share, Vus};
use crate::time::Elapsed;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConstantVus {
    pub vus: u64,
    /// After it no iteration starts.
    pub duration: Duration,
}

#[derive(Debug)]
struct Running {
    duration: Elapsed,
    started: u64,
    share: Share,
}

impl Executor for ConstantVus {
    fn model(&self) -> Model {
        Model::Closed { vus: self.vus }
    }

    fn duration(&self) -> Elapsed {
        self.duration.into()
    }

    fn share(&self, share: Share) -> Box<dyn Schedule> {
        Box::new(Running { duration: self.duration.into(), started: 0, share })
    }

    fn describe(&self) -> String {
        format!("{} looping VUs for {:?}", self.vus, self.duration)
    }
}

impl Schedule for Running {
    fn next(&mut self, now: Elapsed, vus: Vus) -> Decision {
        if now >= self.duration {
            return Decision::Done;
        }
        if vus.idle == 0 {
            return Decision::Wait(self.duration);
        }
        let index = self.started * self.share.of + self.share.index;
        self.started += 1;
        Decision::Start(Arrival { index, due: now })
    }

    fn overdue(&self, _now: Elapsed) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn millis(millis: u64) -> Elapsed {
        Duration::from_millis(millis).into()
    }

    #[test]
    fn a_user_starts_whenever_it_is_idle_until_the_end() {
        let executor = ConstantVus { vus: 2, duration: Duration::from_secs(1) };
        let mut schedule = executor.share(Share::WHOLE);
        let start = |index, due| Decision::Start(Arrival { index, due: millis(due) });
        for (now, idle, expected) in [
            (0, 2, start(0, 0)),
            (0, 1, start(1, 0)),
            (0, 0, Decision::Wait(millis(1000))),
            (400, 1, start(2, 400)),
            (999, 1, start(3, 999)),
            (1000, 1, Decision::Done),
        ] {
            assert_eq!(schedule.next(millis(now), Vus { idle }), expected, "at {now} ms with {idle} idle");
        }
    }
}
