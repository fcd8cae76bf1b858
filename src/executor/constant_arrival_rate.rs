//! `constant-arrival-rate`: iterations start at a fixed rate, whether or not the target keeps up.

use std::time::Duration;

use super::scaled_arrival_rate::ScaledArrivalRate;
use super::{Arrival, Burst, Executor, Model, Open, ScaleTo, Segment, vus_range};
use crate::time::{Elapsed, span};

/// As in a plan.
const HIGHEST_RATE: f64 = 1e9;

#[derive(Debug, Clone, PartialEq)]
pub struct ConstantArrivalRate {
    /// Iterations per `time_unit`, of all segments; above 0, may be fractional (k6 takes whole numbers only).
    pub rate: f64,
    pub time_unit: Duration,
    pub duration: Duration,
    pub burst: Option<Burst>,
    pub pre_allocated_vus: u64,
    pub max_vus: u64,
    /// Which of the arrivals are ours.
    pub segment: Segment,
}

impl Executor for ConstantArrivalRate {
    fn model(&self) -> Model<'_> {
        Model::Open(self)
    }

    fn duration(&self) -> Elapsed {
        self.duration.into()
    }

    /// As in k6 arrivals follow users: a machine without a user gets none.
    fn part(&self, segment: &Segment) -> Box<dyn Executor> {
        Box::new(self.of(segment))
    }

    fn describe(&self) -> String {
        let plain = format!("{:.2} iterations/s for {}", self.plain_per_sec(), span(self.duration));
        match &self.burst {
            None => plain,
            Some(Burst { ratio, period, length }) => {
                format!("{plain}, {ratio}x for {} every {}", span(*length), span(*period))
            }
        }
    }

    fn is_constant(&self) -> bool {
        self.burst.is_none()
    }

    fn scaled(&self, to: ScaleTo, at: Elapsed) -> Result<Box<dyn Executor>, String> {
        if self.burst.is_some() {
            return Err("it has a `burst`: its rate is not one number".to_owned());
        }
        ScaledArrivalRate::new(self.clone()).scaled(to, at)
    }

    fn arrivals_per_sec(&self) -> f64 {
        let bursts = self.burst.filter(|burst| burst.period < self.duration);
        self.plain_per_sec() * bursts.map_or(1.0, |burst| burst.ratio.max(1.0))
    }

    fn fact(&self) -> Option<String> {
        Some(vus_range(self))
    }
}

impl ConstantArrivalRate {
    pub(super) fn of(&self, segment: &Segment) -> Self {
        ConstantArrivalRate {
            pre_allocated_vus: segment.scale(self.pre_allocated_vus),
            max_vus: segment.scale(self.max_vus),
            segment: segment.of_value(self.max_vus),
            ..*self
        }
    }

    /// Iterations a second, of this machine's, where no burst is.
    fn plain_per_sec(&self) -> f64 {
        self.rate * self.segment.fraction() / self.time_unit.as_secs_f64()
    }
}

/// The rate that is asked for, if it is one that a plan could have.
pub(super) fn rate(to: ScaleTo) -> Result<f64, String> {
    match to {
        ScaleTo::Rate(rate) if rate > 0.0 && rate <= HIGHEST_RATE => Ok(rate),
        ScaleTo::Rate(rate) => Err(format!(
            "expected a rate above 0, at most {HIGHEST_RATE}, got {rate}; to send nothing for a while, pause the run"
        )),
        ScaleTo::Vus(_) => Err("it is a constant-arrival-rate: give a rate, not a number of VUs".to_owned()),
    }
}

impl Open for ConstantArrivalRate {
    fn pre_allocated_vus(&self) -> u64 {
        self.pre_allocated_vus
    }

    fn max_vus(&self) -> u64 {
        self.max_vus
    }

    /// As in k6 the first is due at 0 and one that is due exactly at the end still belongs to it.
    fn arrival(&self, nth: u64) -> Option<Arrival> {
        let index = self.segment.nth(nth)?;
        let period = self.time_unit.as_nanos() as f64 / self.rate;
        let due = match &self.burst {
            None => index as f64 * period,
            Some(burst) => burst.due_nanos(index as f64, period),
        };
        let due = Elapsed::from_nanos(due.round() as u64);
        (due <= self.duration()).then_some(Arrival { index, due })
    }
}

#[cfg(test)]
mod tests {
    use super::super::arrivals::tests::starts;
    use super::super::{Arrivals, Share};
    use super::*;

    fn executor(rate: f64, time_unit_secs: u64, secs: u64) -> ConstantArrivalRate {
        ConstantArrivalRate {
            rate,
            time_unit: Duration::from_secs(time_unit_secs),
            duration: Duration::from_secs(secs),
            burst: None,
            pre_allocated_vus: 1,
            max_vus: 1,
            segment: Segment::WHOLE,
        }
    }

    fn due_times(executor: &ConstantArrivalRate, share: Share) -> Vec<(u64, Elapsed)> {
        starts(executor, executor.duration(), share)
    }

    #[test]
    fn another_rate_is_one_that_a_plan_could_have() {
        let executor = executor(2.0, 1, 10);
        let scaled = |to| executor.scaled(to, Elapsed::ZERO).map(|scaled| scaled.describe());
        assert_eq!(scaled(ScaleTo::Rate(0.5)), Ok("0.50 iterations/s for 10s, scaled".to_owned()));
        for (to, expected) in [
            (ScaleTo::Rate(0.0), "expected a rate above 0, at most 1000000000, got 0; to send nothing"),
            (ScaleTo::Rate(-1.0), "expected a rate above 0"),
            (ScaleTo::Rate(f64::NAN), "expected a rate above 0"),
            (ScaleTo::Rate(f64::INFINITY), "expected a rate above 0"),
            (ScaleTo::Vus(5), "it is a constant-arrival-rate: give a rate, not a number of VUs"),
        ] {
            assert!(scaled(to).is_err_and(|why| why.starts_with(expected)), "{to:?}");
        }
    }

    #[test]
    fn counts_are_those_of_k6() {
        // The first was seen in a run of k6 1.1: 50/s for 8 s is 401 iterations.
        for (rate, unit, secs, expected) in [
            (50.0, 1, 8, 401),
            (3.0, 1, 10, 31),
            (1.0, 2, 10, 6),
            (0.5, 1, 10, 6),
            (7.0, 3, 9, 22),
            (1000.0, 60, 6, 101),
        ] {
            let starts = due_times(&executor(rate, unit, secs), Share::WHOLE);
            assert_eq!(starts.len(), expected, "{rate} per {unit} s for {secs} s");
        }
    }

    #[test]
    fn the_union_of_all_shares_is_exactly_the_whole() {
        let executor = executor(333.0, 1, 2);
        let whole = due_times(&executor, Share::WHOLE);
        for of in [2, 3, 7] {
            let mut union: Vec<_> =
                (0..of).flat_map(|index| due_times(&executor, Share { index, of })).collect();
            union.sort();
            assert_eq!(union, whole, "{of} shares");
        }
    }

    #[test]
    fn what_is_overdue_is_counted_at_once_however_much_it_is() {
        let executor = executor(1e9, 1, 3600);
        let arrivals = Arrivals::new(Share::WHOLE, executor.duration());
        assert_eq!(arrivals.overdue(&executor, Elapsed::MAX), 3_600_000_000_001);
    }

    #[test]
    fn due_times_do_not_drift() {
        let starts = due_times(&executor(3.0, 1, 3600), Share::WHOLE);
        let (index, due) = starts[starts.len() - 1];
        assert_eq!((index, due), (10_800, Duration::from_secs(3600).into()));
    }
}
