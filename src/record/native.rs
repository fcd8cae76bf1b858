//! The buckets of a native histogram, counted as values come: exact, and only as many as the values span.
//!
//! Prometheus' exponential schema 3 (<https://prometheus.io/docs/specs/native_histograms/>): eight buckets to
//! each power of two, so that a bucket's bounds are a factor of 2^(1/8) = 1.0905 apart; k6's own are at most 1.1.

/// Each power of two is divided into 2^`SCHEMA` buckets.
pub const SCHEMA: i8 = 3;

/// Values no further than this from zero are in the zero bucket. As seconds it is just less than a
/// nanosecond, so no time but zero itself; and it is a bucket's bound, as the specification advises.
pub const ZERO_THRESHOLD: f64 = 1.0 / (1 << 30) as f64;

const PER_POWER: i32 = 1 << SCHEMA;

/// The bounds of the buckets from 1/2 to 1: 2^(i/8) / 2.
const FRACTIONS: [f64; 9] = [
    0.5,
    0.545_253_866_332_628_8,
    0.594_603_557_501_360_5,
    0.648_419_777_325_504_8,
    std::f64::consts::FRAC_1_SQRT_2,
    0.771_105_412_703_970_4,
    0.840_896_415_253_714_4,
    0.917_004_043_204_671_1,
    1.0,
];

/// Counts of values in exported units: seconds for times.
#[derive(Debug, Clone, Default)]
pub struct NativeBuckets {
    zero: u64,
    positive: Window,
    /// Of the absolute values.
    negative: Window,
}

/// Counts of consecutive buckets, which grow to take in what is recorded: some 60 for values between 1 ms
/// and 200 ms, and 17,000 for all numbers there are.
#[derive(Debug, Clone, Default)]
struct Window {
    first: i32,
    counts: Vec<u64>,
}

impl NativeBuckets {
    /// Counts a value that is not NaN.
    pub fn record(&mut self, value: f64) {
        let size = value.abs();
        if size <= ZERO_THRESHOLD {
            self.zero += 1;
        } else if value > 0.0 {
            self.positive.add(index(size), 1);
        } else {
            self.negative.add(index(size), 1);
        }
    }

    /// Adds what `other` counts.
    pub fn merge(&mut self, other: &NativeBuckets) {
        self.zero += other.zero;
        other.positive.counted().for_each(|(index, count)| self.positive.add(index, count));
        other.negative.counted().for_each(|(index, count)| self.negative.add(index, count));
    }

    /// Back to zero, with room for what was counted before.
    pub fn clear(&mut self) {
        self.zero = 0;
        self.positive.counts.fill(0);
        self.negative.counts.fill(0);
    }

    pub fn zero(&self) -> u64 {
        self.zero
    }

    /// (index, count) of the buckets that are not empty, ascending. A bucket's upper bound, inclusive, is
    /// 2^(index/8).
    pub fn positive(&self) -> impl Iterator<Item = (i32, u64)> + '_ {
        self.positive.counted()
    }

    /// As [`positive`](Self::positive), of the absolute values.
    pub fn negative(&self) -> impl Iterator<Item = (i32, u64)> + '_ {
        self.negative.counted()
    }
}

/// The bucket of a value above [`ZERO_THRESHOLD`]; an infinite one is in the last bucket there is.
fn index(size: f64) -> i32 {
    const EXPONENT: u64 = 0x7ff << 52;
    let bits = size.min(f64::MAX).to_bits();
    // size = fraction × 2^exponent with a fraction in [1/2, 1), as C's frexp has it; never subnormal here.
    let exponent = (bits >> 52) as i32 - 1022;
    let fraction = f64::from_bits(bits & !EXPONENT | 1022 << 52);
    // Cut into eight equal parts, each part but the last has one of the bounds within it: only that one and
    // the one before are open.
    let part = (bits >> 49 & 7) as usize;
    let within =
        part as i32 + i32::from(FRACTIONS[part] < fraction) + i32::from(FRACTIONS[part + 1] < fraction);
    within + (exponent - 1) * PER_POWER
}

impl Window {
    fn add(&mut self, index: i32, count: u64) {
        match usize::try_from(index - self.first).ok().and_then(|at| self.counts.get_mut(at)) {
            Some(bucket) => *bucket += count,
            None => self.grow(index, count),
        }
    }

    #[cold]
    fn grow(&mut self, index: i32, count: u64) {
        if self.counts.is_empty() {
            self.first = index;
        }
        let before = (self.first - index).max(0) as usize;
        self.counts.splice(..0, std::iter::repeat_n(0, before));
        self.first = self.first.min(index);
        let at = (index - self.first) as usize;
        self.counts.resize(self.counts.len().max(at + 1), 0);
        self.counts[at] += count;
    }

    fn counted(&self) -> impl Iterator<Item = (i32, u64)> + '_ {
        (self.first..).zip(self.counts.iter().copied()).filter(|(_, count)| *count > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counted(values: &[f64]) -> NativeBuckets {
        let mut buckets = NativeBuckets::default();
        values.iter().for_each(|value| buckets.record(*value));
        buckets
    }

    #[test]
    fn an_upper_bound_belongs_to_its_bucket_and_the_next_number_to_the_next() {
        for power in -29..=1023 {
            let bound = 2f64.powi(power);
            assert_eq!(index(bound), power * 8, "2^{power}");
            assert_eq!(index(bound.next_up()), power * 8 + 1, "above 2^{power}");
        }
        for (within, fraction) in FRACTIONS.iter().enumerate() {
            assert_eq!(index(*fraction), within as i32 - 8);
            assert_eq!(index(fraction.next_up()), within as i32 - 7);
            assert!((fraction / 2f64.powf(within as f64 / 8.0 - 1.0) - 1.0).abs() < 1e-15);
        }
    }

    #[test]
    fn a_value_lies_between_the_bounds_of_its_bucket() {
        for step in 1..100_000 {
            let value = f64::from(step) * 0.000_013;
            let upper = 2f64.powf(f64::from(index(value)) / 8.0);
            let lower = upper / 2f64.powf(0.125);
            assert!(lower * (1.0 - 1e-12) < value && value <= upper * (1.0 + 1e-12), "{value}");
        }
    }

    #[test]
    fn only_what_is_nearer_to_zero_than_the_threshold_is_in_the_zero_bucket() {
        let buckets = counted(&[0.0, -0.0, ZERO_THRESHOLD, -ZERO_THRESHOLD, 1e-9, -1e-9]);
        assert_eq!(buckets.zero(), 4);
        assert_eq!(buckets.positive().map(|(_, count)| count).sum::<u64>(), 1);
        assert_eq!(buckets.negative().map(|(_, count)| count).sum::<u64>(), 1);
    }

    #[test]
    fn buckets_are_found_again_whichever_side_they_were_added_on() {
        let buckets = counted(&[1.0, 4.0, 0.25, 1.0, -2.0, f64::INFINITY]);
        assert_eq!(buckets.positive().collect::<Vec<_>>(), [(-16, 1), (0, 2), (16, 1), (1024 * 8, 1)]);
        assert_eq!(buckets.negative().collect::<Vec<_>>(), [(8, 1)]);
    }

    #[test]
    fn merging_adds_up_and_clearing_leaves_nothing() {
        let mut buckets = counted(&[0.0, 1.0, -1.0]);
        buckets.merge(&counted(&[0.0, 1.0, 8.0, -0.5]));
        assert_eq!(buckets.zero(), 2);
        assert_eq!(buckets.positive().collect::<Vec<_>>(), [(0, 2), (24, 1)]);
        assert_eq!(buckets.negative().collect::<Vec<_>>(), [(-8, 1), (0, 1)]);
        buckets.clear();
        assert_eq!((buckets.zero(), buckets.positive().count(), buckets.negative().count()), (0, 0, 0));
    }
}
