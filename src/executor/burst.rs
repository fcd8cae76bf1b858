//! Bursts of a constant rate: from time to time arrivals come several times as fast. k6 has none.

use std::time::Duration;

/// The first begins after one `period`, the next one `period` later.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Burst {
    /// Of the rate while it lasts to the rate else; above 0.
    pub ratio: f64,
    /// From the beginning of one to that of the next.
    pub period: Duration,
    /// Below `period`.
    pub length: Duration,
}

impl Burst {
    /// When the arrival is due that comes after `count` others, in nanoseconds; between two arrivals of the plain rate lie
    /// `gap` nanoseconds.
    pub(super) fn due_nanos(&self, count: f64, gap: f64) -> f64 {
        let (period, length) = (self.period.as_nanos() as f64, self.length.as_nanos() as f64);
        let (before, in_burst) = (period / gap, self.ratio * length / gap);
        let after = count - before;
        if after <= 0.0 {
            return count * gap;
        }
        let in_period = in_burst + (period - length) / gap;
        let periods = (after / in_period).floor();
        let rest = after - periods * in_period;
        let begins = (periods + 1.0) * period;
        if rest <= in_burst {
            begins + rest * gap / self.ratio
        } else {
            begins + length + (rest - in_burst) * gap
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::arrivals::tests::starts;
    use super::super::{ConstantArrivalRate, Executor, Model, ScaleTo, Segment, Share};
    use super::*;
    use crate::time::Elapsed;

    fn executor(rate: f64, secs: u64, burst: Burst) -> ConstantArrivalRate {
        ConstantArrivalRate {
            rate,
            time_unit: Duration::from_secs(1),
            duration: Duration::from_secs(secs),
            burst: Some(burst),
            pre_allocated_vus: 4,
            max_vus: 9,
            segment: Segment::WHOLE,
        }
    }

    fn burst(ratio: f64, period_secs: u64, length_secs: u64) -> Burst {
        let (period, length) = (Duration::from_secs(period_secs), Duration::from_secs(length_secs));
        Burst { ratio, period, length }
    }

    fn due_ms(executor: &dyn Executor, share: Share) -> Vec<u64> {
        let Model::Open(open) = executor.model() else { panic!("an open model") };
        starts(open, executor.duration(), share).iter().map(|(_, due)| due.as_nanos() / 1_000_000).collect()
    }

    #[test]
    fn arrivals_come_faster_while_a_burst_lasts() {
        let executor = executor(1.0, 12, burst(4.0, 5, 2));
        let expected = [
            0, 1_000, 2_000, 3_000, 4_000, 5_000, 5_250, 5_500, 5_750, 6_000, 6_250, 6_500, 6_750, 7_000,
            8_000, 9_000, 10_000, 10_250, 10_500, 10_750, 11_000, 11_250, 11_500, 11_750, 12_000,
        ];
        assert_eq!(due_ms(&executor, Share::WHOLE), expected);
        for of in [2, 3, 5] {
            let mut union: Vec<u64> =
                (0..of).flat_map(|index| due_ms(&executor, Share { index, of })).collect();
            union.sort_unstable();
            assert_eq!(union, expected, "in {of} shares");
        }
        let segments = (1..=3).map(|part| Segment::nth_of(part, 3).unwrap());
        let mut union: Vec<u64> =
            segments.flat_map(|segment| due_ms(&*executor.part(&segment), Share::WHOLE)).collect();
        union.sort_unstable();
        assert_eq!(union, expected, "on three machines");
    }

    #[test]
    fn the_generators_defaults_give_its_numbers() {
        // 1,000/s for 1 m, ten times as many for 5 s every 30 s: one burst begins at 30 s, one at the end.
        let executor = executor(1_000.0, 60, burst(10.0, 30, 5));
        assert_eq!(due_ms(&executor, Share::WHOLE).len(), 60_000 + 9 * 5_000 + 1);
        assert_eq!(executor.arrivals_per_sec(), 10_000.0);
        assert_eq!(executor.describe(), "1000.00 iterations/s for 1m, 10x for 5s every 30s");
    }

    #[test]
    fn due_times_do_not_drift_over_a_day() {
        let burst = burst(3.0, 30, 5);
        let (gap, in_period) = (1e9 / 7.0, 7.0 * (3.0 * 5.0 + 25.0));
        let begins = |period: f64| burst.due_nanos(7.0 * 30.0 + in_period * period, gap);
        let error = |period: f64| (begins(period) - (period + 1.0) * 30e9).abs();
        assert!((0..2_880).all(|period| error(f64::from(period)) < 1_000.0), "of a microsecond");
    }

    #[test]
    fn a_ratio_below_one_is_a_lull() {
        let executor = executor(4.0, 4, burst(0.5, 2, 1));
        let expected =
            [0, 250, 500, 750, 1_000, 1_250, 1_500, 1_750, 2_000, 2_500, 3_000, 3_250, 3_500, 3_750, 4_000];
        assert_eq!(due_ms(&executor, Share::WHOLE), expected);
    }

    #[test]
    fn what_has_bursts_cannot_be_scaled() {
        let scaled = executor(1.0, 10, burst(2.0, 5, 1)).scaled(ScaleTo::Rate(2.0), Elapsed::ZERO);
        assert_eq!(scaled.map(drop), Err("it has a `burst`: its rate is not one number".to_owned()));
    }
}
