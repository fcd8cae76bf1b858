//! `ramping-vus`: a number of users that changes in stages.
//!
//! k6 makes a list of steps for all users (`getRawExecutionSteps`). Here each user knows when it is wanted: the
//! first is the last to go, so its windows follow from its number alone, and no list grows with the users.

use std::time::Duration;

use super::{Closed, Executor, Model, Segment, Stage, Window, planned};
use crate::time::{Elapsed, span};

#[derive(Debug, Clone, PartialEq)]
pub struct RampingVus {
    /// Of all segments, as are the stages' targets.
    pub start_vus: u64,
    pub stages: Vec<Stage<u64>>,
    /// How long an iteration may go on after its user was ramped down.
    pub graceful_ramp_down: Duration,
    /// Which of the users are ours.
    pub segment: Segment,
}

impl Executor for RampingVus {
    fn model(&self) -> Model<'_> {
        Model::Closed(self)
    }

    fn duration(&self) -> Elapsed {
        planned(&self.stages).into()
    }

    fn part(&self, segment: &Segment) -> Box<dyn Executor> {
        Box::new(RampingVus { segment: segment.clone(), ..self.clone() })
    }

    fn describe(&self) -> String {
        let (vus, stages) = (self.vus(), self.stages.len());
        format!("Up to {vus} looping VUs for {} over {stages} stages", span(planned(&self.stages)))
    }

    fn fact(&self) -> Option<String> {
        Some(format!("gracefulRampDown: {}", span(self.graceful_ramp_down)))
    }
}

impl Closed for RampingVus {
    fn vus(&self) -> u64 {
        let highest = self.stages.iter().map(|stage| stage.target).fold(self.start_vus, u64::max);
        self.segment.scale(highest)
    }

    /// A user that is wanted again before its last iteration was cut off goes on as if it had never left.
    ///
    /// Here k6 is not followed to the letter: after a jump downwards it cuts off users `gracefulRampDown` later even
    /// if they have been started again meanwhile, and then never starts them again.
    fn windows(&self, user: u64) -> Vec<Window> {
        let Some(index) = self.segment.nth(user) else {
            return Vec::new();
        };
        let mut windows = self.ramps(index + 1);
        windows.dedup_by(|next, last| {
            let joined = next.from == last.until;
            if joined {
                *last = Window { from: last.from, ..*next };
            }
            joined
        });
        windows.retain(|window| window.from < window.until);
        for at in (1..windows.len()).rev() {
            let next = windows[at];
            let last = &mut windows[at - 1];
            if last.cut_off.is_some_and(|cut_off| next.from <= cut_off) {
                last.cut_off = next.cut_off;
            }
        }
        windows
    }
}

impl RampingVus {
    /// When at least `number` users are wanted, ramp by ramp.
    fn ramps(&self, number: u64) -> Vec<Window> {
        let (mut windows, mut level, mut ends) = (Vec::new(), self.start_vus, Elapsed::ZERO);
        let mut from = (level >= number).then_some(Elapsed::ZERO);
        for stage in &self.stages {
            let (before, target) = (level, stage.target);
            (level, ends) = (target, ends + stage.duration);
            if before < number && number <= target {
                from = Some(earlier(ends, stage.duration, target - number, target - before));
            } else if target < number
                && number <= before
                && let Some(from) = from.take()
            {
                // One step later than the way up would be: the number of users never falls before it has to.
                let until = earlier(ends, stage.duration, number - 1 - target, before - target);
                let cut_off = Some(until + self.graceful_ramp_down);
                windows.push(Window { from, until, cut_off });
            }
        }
        // Who is still wanted at the end has the scenario's graceful stop.
        windows.extend(from.map(|from| Window { from, until: ends, cut_off: None }));
        windows
    }
}

/// `steps` of the `of` equal steps in `duration` before `ends`, in whole nanoseconds cut off as in k6.
fn earlier(ends: Elapsed, duration: Duration, steps: u64, of: u64) -> Elapsed {
    let before = duration.as_nanos() * u128::from(steps) / u128::from(of);
    // Not more than `duration`, which was added to make `ends`.
    Elapsed::from_nanos(ends.as_nanos().saturating_sub(before as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stages<const N: usize>(stages: [(u64, u64); N]) -> Vec<Stage<u64>> {
        stages.map(|(secs, target)| Stage { duration: Duration::from_secs(secs), target }).to_vec()
    }

    fn ramp(start_vus: u64, stages: Vec<Stage<u64>>, graceful_ramp_down_secs: u64) -> RampingVus {
        let graceful_ramp_down = Duration::from_secs(graceful_ramp_down_secs);
        RampingVus { start_vus, stages, graceful_ramp_down, segment: Segment::WHOLE }
    }

    /// How the number of users changes, in milliseconds, and in the form of k6's steps.
    fn steps(executor: &dyn Closed, ends: fn(&Window) -> Option<Elapsed>) -> Vec<(u64, u64)> {
        let windows: Vec<Window> = (0..executor.vus()).flat_map(|user| executor.windows(user)).collect();
        let froms = windows.iter().map(|window| window.from);
        let mut times: Vec<Elapsed> = froms.chain(windows.iter().filter_map(ends)).collect();
        times.sort();
        times.dedup();
        let level = |now| {
            let wanted = |window: &&Window| window.from <= now && ends(window).is_none_or(|end| now < end);
            windows.iter().filter(wanted).count() as u64
        };
        times.into_iter().map(|now| (now.as_nanos() / 1_000_000, level(now))).collect()
    }

    fn raw(executor: &dyn Closed) -> Vec<(u64, u64)> {
        steps(executor, |window| Some(window.until))
    }

    fn secs(steps: &[(u64, u64)]) -> Vec<(u64, u64)> {
        steps.iter().map(|(secs, vus)| (secs * 1000, *vus)).collect()
    }

    /// k6's example, with the numbers of its own test (`TestRampingVUsConfigExecutionPlanExample`).
    #[test]
    fn users_come_and_go_when_they_do_in_k6() {
        let example = [(2, 6), (5, 1), (4, 5), (4, 1), (3, 4), (2, 4), (0, 1), (3, 1)];
        let executor = ramp(4, stages(example), 30);
        let expected = [
            (0, 4),
            (1, 5),
            (2, 6),
            (3, 5),
            (4, 4),
            (5, 3),
            (6, 2),
            (7, 1),
            (8, 2),
            (9, 3),
            (10, 4),
            (11, 5),
            (12, 4),
            (13, 3),
            (14, 2),
            (15, 1),
            (16, 2),
            (17, 3),
            (18, 4),
            (20, 1),
            (23, 0),
        ];
        assert_eq!(raw(&executor), secs(&expected));
    }

    /// The numbers of k6's `TestRampingVUsExecutionTupleTests`.
    #[test]
    fn users_of_segments_come_and_go_when_they_do_in_k6() {
        let given = [
            (2, 6),
            (5, 1),
            (4, 5),
            (4, 1),
            (3, 4),
            (2, 4),
            (0, 1),
            (3, 1),
            (0, 5),
            (3, 5),
            (0, 0),
            (2, 2),
            (2, 0),
            (4, 4),
        ];
        let (middle, thirds) = (
            vec![
                (0, 1),
                (1, 2),
                (4, 1),
                (7, 0),
                (8, 1),
                (11, 2),
                (12, 1),
                (15, 0),
                (16, 1),
                (20, 0),
                (23, 2),
                (26, 0),
                (28, 1),
                (29, 0),
                (32, 1),
                (34, 0),
            ],
            Some("0,1/3,2/3,1"),
        );
        for (segment, sequence, expected) in [
            ("0:1/3", None, middle.clone()),
            ("0:1/3", Some("0,1/3,1"), middle.clone()),
            ("1/3:2/3", None, middle.clone()),
            ("2/3:1", None, middle.clone()),
            (
                "0:1/3",
                thirds,
                vec![
                    (0, 2),
                    (5, 1),
                    (10, 2),
                    (13, 1),
                    (18, 2),
                    (20, 1),
                    (23, 2),
                    (26, 0),
                    (27, 1),
                    (30, 0),
                    (31, 1),
                    // k6's second user comes at the very end, and is not seen here: for no time at all.
                    (34, 0),
                ],
            ),
            ("1/3:2/3", thirds, middle),
            (
                "2/3:1",
                thirds,
                vec![
                    (0, 1),
                    (2, 2),
                    (3, 1),
                    (6, 0),
                    (9, 1),
                    (14, 0),
                    (17, 1),
                    (20, 0),
                    (23, 1),
                    (26, 0),
                    (33, 1),
                    (34, 0),
                ],
            ),
        ] {
            let whole = ramp(4, stages(given), 0);
            let part = RampingVus { segment: Segment::parse(segment, sequence).unwrap(), ..whole };
            assert_eq!(raw(&part), secs(&expected), "{segment} of {sequence:?}");
        }
    }

    /// From the same test: when k6 interrupts those who were ramped down. The last is left to the graceful stop.
    #[test]
    fn users_are_cut_off_when_they_are_in_k6() {
        let example = [(2, 6), (5, 1), (4, 5), (4, 1), (3, 4), (2, 4), (0, 1), (3, 1)];
        let executor = ramp(4, stages(example), 30);
        let cut_offs: Vec<_> = (0..6)
            .flat_map(|user| executor.windows(user))
            .filter(|window| window.until > Duration::from_secs(2).into())
            .map(|window| (window.until.as_nanos() / 1_000_000_000, window.cut_off))
            .map(|(until, cut_off)| (until, cut_off.map(|cut_off| cut_off.as_secs_f64())))
            .collect();
        assert_eq!(
            cut_offs,
            [
                (23, None),
                (7, Some(50.0)),
                (15, Some(50.0)),
                (20, Some(50.0)),
                (6, Some(50.0)),
                (14, Some(50.0)),
                (20, Some(50.0)),
                (5, Some(50.0)),
                (13, Some(50.0)),
                (20, Some(50.0)),
                (4, Some(42.0)),
                (12, Some(42.0)),
                (3, Some(33.0)),
            ]
        );
    }

    #[test]
    fn a_stage_of_no_duration_is_a_jump() {
        for (start, given, expected) in [
            (1, stages([(0, 3), (2, 3), (0, 1), (1, 1)]), vec![(0, 3), (2, 1), (3, 0)]),
            // Down and up again in the same moment is nothing at all.
            (2, stages([(1, 2), (0, 0), (0, 2), (1, 2)]), vec![(0, 2), (2, 0)]),
            (0, stages([(1, 0), (0, 5), (0, 0), (1, 0)]), vec![]),
            (0, stages([(0, 2), (2, 0)]), vec![(0, 2), (1, 1), (2, 0)]),
        ] {
            assert_eq!(raw(&ramp(start, given.clone(), 0)), secs(&expected), "{given:?}");
        }
    }

    #[test]
    fn moments_are_whole_nanoseconds_cut_off_as_in_k6() {
        let executor = ramp(0, stages([(10, 3), (10, 0)]), 0);
        let first = executor.windows(0)[0];
        assert_eq!((first.from.as_nanos(), first.until.as_nanos()), (3_333_333_334, 20_000_000_000));
        let second = executor.windows(1)[0];
        assert_eq!((second.from.as_nanos(), second.until.as_nanos()), (6_666_666_667, 16_666_666_667));
    }

    #[test]
    fn a_day_and_a_million_users_do_not_overflow() {
        let executor = ramp(0, stages([(86_400, 1_000_000)]), 0);
        let last = executor.windows(999_999);
        assert_eq!(last, [], "the last one is wanted at the very end: for no time at all");
        assert_eq!(executor.windows(499_999)[0].from, Duration::from_secs(43_200).into());
    }

    #[test]
    fn a_user_that_is_wanted_again_in_time_is_not_cut_off() {
        for (graceful_ramp_down, expected) in [(3, [None, None]), (1, [Some(3), None])] {
            let executor = ramp(1, stages([(2, 1), (0, 0), (2, 0), (0, 1), (1, 1)]), graceful_ramp_down);
            let cut_offs: Vec<_> = executor.windows(0).iter().map(|window| window.cut_off).collect();
            let expected = expected.map(|secs| secs.map(|secs| Duration::from_secs(secs).into()));
            assert_eq!(cut_offs, expected, "{graceful_ramp_down} s");
        }
    }
}
