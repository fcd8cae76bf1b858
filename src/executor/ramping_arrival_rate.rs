//! `ramping-arrival-rate`: iterations start at a rate that changes in stages.
//!
//! The number of iterations due by a moment is the area under the rate; the `i`-th is due when the area reaches
//! `i`, counted from 1. What a stage leaves of an iteration is carried into the next one. k6's formula, in the
//! same floating-point steps (`RampingArrivalRateConfig.cal`), so that the same iterations fall on the same side
//! of a stage's end.

use std::time::Duration;

use super::{Arrival, Executor, Model, Open, Segment, Stage, planned, vus_range};
use crate::time::{Elapsed, span};

#[derive(Debug, Clone, PartialEq)]
pub struct RampingArrivalRate {
    stages: usize,
    /// Iterations a second, of all segments.
    highest: f64,
    duration: Duration,
    legs: Vec<Leg>,
    pre_allocated_vus: u64,
    max_vus: u64,
    /// Which of the arrivals are ours.
    segment: Segment,
}

/// A stage, prepared. Rates are iterations per nanosecond, areas iterations.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Leg {
    begins: Elapsed,
    nanos: f64,
    from: f64,
    to: f64,
    area_before: f64,
    area_after: f64,
}

impl RampingArrivalRate {
    /// Rates are iterations per `time_unit`; 0 or more, may be fractional (k6 takes whole numbers only).
    pub fn new(
        start_rate: f64,
        time_unit: Duration,
        stages: &[Stage<f64>],
        pre_allocated_vus: u64,
        max_vus: u64,
    ) -> Self {
        let unit = time_unit.as_nanos() as f64;
        let (mut legs, mut begins, mut from, mut area_before) =
            (Vec::new(), Elapsed::ZERO, start_rate / unit, 0.0);
        for stage in stages {
            let (nanos, to) = (stage.duration.as_nanos() as f64, stage.target / unit);
            let area = if from == to { nanos * to } else { nanos * ((to - from) / 2.0 + from) };
            let area_after = area_before + area;
            legs.push(Leg { begins, nanos, from, to, area_before, area_after });
            (begins, from, area_before) = (begins + stage.duration, to, area_after);
        }
        let highest = stages.iter().map(|stage| stage.target).fold(start_rate, f64::max);
        RampingArrivalRate {
            stages: stages.len(),
            highest: highest / time_unit.as_secs_f64(),
            duration: planned(stages),
            legs,
            pre_allocated_vus,
            max_vus,
            segment: Segment::WHOLE,
        }
    }
}

impl Executor for RampingArrivalRate {
    fn model(&self) -> Model<'_> {
        Model::Open(self)
    }

    fn duration(&self) -> Elapsed {
        self.duration.into()
    }

    /// As in k6 arrivals follow users: a machine without a user gets none.
    fn part(&self, segment: &Segment) -> Box<dyn Executor> {
        Box::new(RampingArrivalRate {
            pre_allocated_vus: segment.scale(self.pre_allocated_vus),
            max_vus: segment.scale(self.max_vus),
            segment: segment.of_value(self.max_vus),
            ..self.clone()
        })
    }

    fn describe(&self) -> String {
        let (highest, stages) = (self.arrivals_per_sec(), self.stages);
        format!("Up to {highest:.2} iterations/s for {} over {stages} stages", span(self.duration))
    }

    fn arrivals_per_sec(&self) -> f64 {
        self.highest * self.segment.fraction()
    }

    fn fact(&self) -> Option<String> {
        Some(vus_range(self))
    }
}

impl Open for RampingArrivalRate {
    fn pre_allocated_vus(&self) -> u64 {
        self.pre_allocated_vus
    }

    fn max_vus(&self) -> u64 {
        self.max_vus
    }

    fn arrival(&self, nth: u64) -> Option<Arrival> {
        let index = self.segment.nth(nth)?;
        let area = (index + 1) as f64;
        let leg = self.legs.partition_point(|leg| leg.area_after < area);
        let due = self.legs.get(leg)?.due(area);
        // Rounding must not put the last one after the end.
        Some(Arrival { index, due: due.min(self.duration()) })
    }
}

impl Leg {
    /// When the area under the rate, from the scenario's start, reaches `area`.
    fn due(&self, area: f64) -> Elapsed {
        let (from, to, nanos) = (self.from, self.to, self.nanos);
        let left = area - self.area_before;
        let own = if from == to {
            left / to
        } else {
            let root = (nanos * (from * from * nanos + 2.0 * left * (to - from))).max(0.0).sqrt();
            (from * nanos - root) / (from - to)
        };
        self.begins + Duration::from_nanos(own.round() as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::super::Share;
    use super::super::arrivals::tests::starts;
    use super::*;

    fn executor(start: f64, unit: Duration, stages: &[(u64, f64)]) -> RampingArrivalRate {
        let stage =
            |(secs, target): &(u64, f64)| Stage { duration: Duration::from_secs(*secs), target: *target };
        let stages: Vec<_> = stages.iter().map(stage).collect();
        RampingArrivalRate::new(start, unit, &stages, 10, 10)
    }

    fn due_times(executor: &dyn Executor) -> Vec<u64> {
        let Model::Open(open) = executor.model() else { panic!("an open model") };
        let starts = starts(open, executor.duration(), Share::WHOLE);
        starts.iter().map(|(_, due)| due.as_nanos() / 1_000_000).collect()
    }

    const SECOND: Duration = Duration::from_secs(1);

    /// k6's own table (`TestRampingArrivalRateCal`), which allows for a thousandth.
    #[test]
    fn due_times_are_those_of_k6() {
        let hill = [(5, 1.0), (1, 1.0), (5, 0.0)];
        for (unit, expected) in [
            (SECOND, vec![3162, 4472, 5500, 6527, 7837, 11_000]),
            (
                SECOND / 3,
                vec![
                    1825, 2581, 3162, 3651, 4082, 4472, 4830, 5166, 5499, 5833, 6169, 6527, 6917, 7348, 7837,
                    8418, 9174, 10_999,
                ],
            ),
        ] {
            let found = due_times(&executor(0.0, unit, &hill));
            assert_eq!(found.len(), expected.len(), "{found:?}");
            for (found, expected) in found.iter().zip(&expected) {
                assert!(found.abs_diff(*expected) <= expected / 1000, "{found} ms instead of {expected} ms");
            }
        }
    }

    /// The same table, by segments: `0:1/3` and so on of `0,1/3,2/3,1`.
    #[test]
    fn due_times_of_segments_are_those_of_k6() {
        let whole = executor(0.0, SECOND, &[(5, 1.0), (1, 1.0), (5, 0.0)]);
        let due = |segment: &Segment| {
            let part = RampingArrivalRate { segment: segment.clone(), ..whole.clone() };
            due_times(&part)
        };
        let thirds = "0,1/3,2/3,1";
        for (segment, sequence, expected) in [
            ("0:1/3", None, [4472, 7837]),
            ("0:1/3", Some("0,1/3,1"), [4472, 7837]),
            ("1/3:2/3", None, [4472, 7837]),
            ("2/3:1", None, [4472, 7837]),
            ("0:1/3", Some(thirds), [3162, 6527]),
            ("1/3:2/3", Some(thirds), [4472, 7837]),
            ("2/3:1", Some(thirds), [5500, 11_000]),
        ] {
            let found = due(&Segment::parse(segment, sequence).unwrap());
            let near = found
                .iter()
                .zip(&expected)
                .all(|(found, expected)| found.abs_diff(*expected) <= expected / 1000);
            assert!(found.len() == 2 && near, "{segment} of {sequence:?}: {found:?}");
        }
    }

    #[test]
    fn what_a_stage_leaves_of_an_iteration_is_carried_into_the_next() {
        // 4.9 s at 2/s are 9.8 iterations: the tenth is due 0.1 s into the next stage.
        let stage = |millis, target| Stage { duration: Duration::from_millis(millis), target };
        let stages = [stage(4_900, 2.0), stage(5_000, 2.0), stage(600, 0.0)];
        let executor = RampingArrivalRate::new(2.0, SECOND, &stages, 1, 1);
        let due = due_times(&executor);
        assert_eq!((due[8], due[9], due.len()), (4500, 5000, 20));
    }

    #[test]
    fn a_jump_changes_the_rate_at_once() {
        let due = due_times(&executor(0.0, SECOND, &[(1, 0.0), (0, 4.0), (1, 4.0), (0, 1.0), (2, 1.0)]));
        assert_eq!(due, [1250, 1500, 1750, 2000, 3000, 4000]);
    }

    #[test]
    fn no_rate_is_no_iteration() {
        assert_eq!(due_times(&executor(0.0, SECOND, &[(10, 0.0)])), [0; 0]);
        assert_eq!(due_times(&executor(100.0, SECOND, &[(0, 0.0), (10, 0.0)])), [0; 0]);
    }

    #[test]
    fn it_is_described_in_k6s_words() {
        let executor = executor(0.0, Duration::from_secs(60), &[(60, 600.0), (30, 0.0)]);
        assert_eq!(executor.describe(), "Up to 10.00 iterations/s for 1m30s over 2 stages");
        assert_eq!(executor.fact().as_deref(), Some("maxVUs: 10"));
    }
}
