//! `constant-arrival-rate` after its rate was changed: one constant rate after the other.
//!
//! Due times are still a function of the arrival's number alone. What was left of the wait for the next arrival is kept
//! as a share of it, as between the stages of `ramping-arrival-rate`.

use std::time::Duration;

use super::{Arrival, ConstantArrivalRate, Executor, Model, Open, ScaleTo, Segment, vus_range};
use crate::time::{Elapsed, span};

/// Changes that are remembered: what is due since an earlier one was started or dropped long ago.
const REMEMBERED: usize = 64;

#[derive(Debug, Clone, PartialEq)]
pub(super) struct ScaledArrivalRate {
    plan: ConstantArrivalRate,
    /// At least one; each begins where the one before ends.
    legs: Vec<Leg>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Leg {
    begins: Elapsed,
    /// How many arrivals, and parts of one, lie between the first and this moment.
    position: f64,
    /// Iterations per `time_unit`.
    rate: f64,
}

impl ScaledArrivalRate {
    /// Not changed yet.
    pub(super) fn new(plan: ConstantArrivalRate) -> Self {
        let first = Leg { begins: Elapsed::ZERO, position: 0.0, rate: plan.rate };
        ScaledArrivalRate { plan, legs: vec![first] }
    }

    /// From `at` on arrivals come at this rate, which is above 0.
    pub(super) fn from(&self, at: Elapsed, rate: f64) -> Self {
        let last = self.last();
        let begins = at.max(last.begins);
        let waited = begins.since(last.begins).as_nanos() as f64;
        let position = last.position + waited / self.period(last);
        let forgotten = (self.legs.len() + 1).saturating_sub(REMEMBERED);
        let mut legs = self.legs[forgotten..].to_vec();
        legs.push(Leg { begins, position, rate });
        ScaledArrivalRate { plan: self.plan.clone(), legs }
    }

    fn last(&self) -> Leg {
        let first = Leg { begins: Elapsed::ZERO, position: 0.0, rate: self.plan.rate };
        self.legs.last().copied().unwrap_or(first)
    }

    /// In nanoseconds.
    fn period(&self, leg: Leg) -> f64 {
        self.plan.time_unit.as_nanos() as f64 / leg.rate
    }

    fn due(&self, index: u64) -> Elapsed {
        let number = index as f64;
        let leg = self.legs.partition_point(|leg| leg.position < number).saturating_sub(1);
        let leg = self.legs.get(leg).copied().unwrap_or_else(|| self.last());
        leg.begins + Duration::from_nanos(((number - leg.position) * self.period(leg)).round() as u64)
    }
}

impl Executor for ScaledArrivalRate {
    fn model(&self) -> Model<'_> {
        Model::Open(self)
    }

    fn duration(&self) -> Elapsed {
        self.plan.duration()
    }

    fn part(&self, segment: &Segment) -> Box<dyn Executor> {
        Box::new(ScaledArrivalRate { plan: self.plan.of(segment), legs: self.legs.clone() })
    }

    fn describe(&self) -> String {
        format!("{:.2} iterations/s for {}, scaled", self.arrivals_per_sec(), span(self.plan.duration))
    }

    fn fact(&self) -> Option<String> {
        Some(vus_range(self))
    }

    fn is_constant(&self) -> bool {
        true
    }

    fn scaled(&self, to: ScaleTo, at: Elapsed) -> Result<Box<dyn Executor>, String> {
        Ok(Box::new(self.from(at, super::constant_arrival_rate::rate(to)?)))
    }

    fn arrivals_per_sec(&self) -> f64 {
        self.last().rate * self.plan.segment.fraction() / self.plan.time_unit.as_secs_f64()
    }
}

impl Open for ScaledArrivalRate {
    fn pre_allocated_vus(&self) -> u64 {
        self.plan.pre_allocated_vus
    }

    fn max_vus(&self) -> u64 {
        self.plan.max_vus
    }

    fn arrival(&self, nth: u64) -> Option<Arrival> {
        let index = self.plan.segment.nth(nth)?;
        let due = self.due(index);
        (due <= self.duration()).then_some(Arrival { index, due })
    }
}

#[cfg(test)]
mod tests {
    use super::super::Share;
    use super::super::arrivals::tests::starts;
    use super::*;

    /// Two a second for ten seconds.
    fn plan() -> ConstantArrivalRate {
        ConstantArrivalRate {
            rate: 2.0,
            time_unit: Duration::from_secs(1),
            duration: Duration::from_secs(10),
            burst: None,
            pre_allocated_vus: 4,
            max_vus: 9,
            segment: Segment::WHOLE,
        }
    }

    fn millis(millis: u64) -> Elapsed {
        Duration::from_millis(millis).into()
    }

    fn due_ms(executor: &dyn Executor, share: Share) -> Vec<u64> {
        let Model::Open(open) = executor.model() else { panic!("an open model") };
        starts(open, executor.duration(), share).iter().map(|(_, due)| due.as_nanos() / 1_000_000).collect()
    }

    /// `changes` are milliseconds and the rate from then on; expected are the due times, in milliseconds.
    fn check(changes: &[(u64, f64)], expected: &[u64]) {
        let scaled = changes
            .iter()
            .fold(ScaledArrivalRate::new(plan()), |scaled, (at, rate)| scaled.from(millis(*at), *rate));
        assert_eq!(due_ms(&scaled, Share::WHOLE), expected, "{changes:?}");
        for of in [2, 3, 5] {
            let mut union: Vec<u64> =
                (0..of).flat_map(|index| due_ms(&scaled, Share { index, of })).collect();
            union.sort_unstable();
            assert_eq!(union, expected, "{changes:?} in {of} shares");
        }
        let segments = (1..=3).map(|part| Segment::nth_of(part, 3).unwrap());
        let mut union: Vec<u64> =
            segments.flat_map(|segment| due_ms(&*scaled.part(&segment), Share::WHOLE)).collect();
        union.sort_unstable();
        assert_eq!(union, expected, "{changes:?} on three machines");
    }

    #[test]
    fn due_times_follow_one_rate_after_the_other() {
        let every = |from: u64, to: u64, step: u64| (from..=to).step_by(step as usize).collect::<Vec<_>>();
        check(&[], &every(0, 10_000, 500));
        // At an arrival.
        check(&[(8_000, 4.0)], &[every(0, 8_000, 500), every(8_250, 10_000, 250)].concat());
        // Half-way between two: half of the new period is left.
        check(&[(8_250, 4.0)], &[every(0, 8_000, 500), every(8_375, 10_000, 250)].concat());
        check(&[(8_250, 1.0)], &[every(0, 8_000, 500), vec![8_750, 9_750]].concat());
        check(&[(1_000, 0.25), (3_000, 0.5)], &[0, 500, 1_000, 4_000, 6_000, 8_000, 10_000]);
        // Before the first there is nothing to keep.
        check(&[(0, 0.2)], &[0, 5_000, 10_000]);
        // Twice in one moment: the last one counts.
        check(&[(9_000, 1_000.0), (9_000, 1.0)], &[every(0, 9_000, 500), vec![10_000]].concat());
        check(&[(10_000, 100.0)], &every(0, 10_000, 500));
    }

    #[test]
    fn a_slow_rate_that_becomes_fast_is_not_waited_for() {
        let slow = ConstantArrivalRate { rate: 0.01, ..plan() };
        let scaled = ScaledArrivalRate::new(slow).from(millis(9_000), 10.0);
        let due = due_ms(&scaled, Share::WHOLE);
        assert_eq!((due.len(), due[1]), (11, 9_091), "91 hundredths of the wait were left");
    }

    #[test]
    fn however_often_it_is_scaled_it_does_not_grow() {
        let mut scaled = ScaledArrivalRate::new(plan());
        for at in 0..1_000 {
            scaled = scaled.from(millis(at * 10), 1.0 + at as f64);
        }
        assert_eq!(scaled.legs.len(), REMEMBERED);
        let due = due_ms(&scaled, Share::WHOLE);
        assert!(due.is_sorted(), "what was forgotten is due before all else");
    }

    #[test]
    fn its_description_is_of_the_last_rate() {
        let scaled = ScaledArrivalRate::new(plan()).from(millis(5_000), 30.0);
        assert_eq!(scaled.describe(), "30.00 iterations/s for 10s, scaled");
        assert_eq!(scaled.fact().as_deref(), Some("maxVUs: 4-9"));
    }
}
