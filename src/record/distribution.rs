//! The distribution of a trend: exact where a gate asks, within 1 % where a person looks.

use std::sync::Arc;

use hdrhistogram::Histogram;

use super::NativeBuckets;
use crate::metric::Unit;

/// Count, sum, extremes and bucket counts (classic and native) are exact and take the raw value; quantiles come from a
/// histogram of two significant digits, whose cells are at most 1/128 wide.
#[derive(Debug, Clone)]
pub struct Distribution {
    unit: Unit,
    count: u64,
    sum: f64,
    min: f64,
    max: f64,
    /// Upper bounds, inclusive, ascending, in recorded units; not cumulative; the last is above all bounds.
    bounds: Arc<[f64]>,
    buckets: Box<[u64]>,
    native: NativeBuckets,
    positive: Histogram<u64>,
    /// Of the absolute values; only a custom trend can hold negative ones.
    negative: Option<Box<Histogram<u64>>>,
}

/// A percentile as a quantile: 99.9 is 0.999, which `99.9 / 100.0` is not.
pub fn quantile_of_percent(percent: f64) -> f64 {
    (percent * 1e10).round() / 1e12
}

/// One cell of the histogram is at least 1 µs wide, or a thousandth for trends without unit.
fn resolution(unit: Unit) -> f64 {
    match unit {
        Unit::Time => 1e3,
        Unit::Plain | Unit::Bytes => 1e-3,
    }
}

/// One hour in µs for times; 10^12 for other values. What lies above is counted in the last cell,
/// and shown by its exact maximum.
fn highest(unit: Unit) -> u64 {
    match unit {
        Unit::Time => 3_600_000_000,
        Unit::Plain | Unit::Bytes => 1_000_000_000_000_000,
    }
}

/// Six KiB to begin with; it grows when a value is met for the first time that does not fit.
#[expect(clippy::expect_used, reason = "the bounds are constants that the crate accepts")]
fn histogram() -> Histogram<u64> {
    let mut histogram = Histogram::new_with_bounds(1, 4_096, 2).expect("1 <= 4096 / 2 and two digits");
    histogram.auto(true);
    histogram
}

impl Distribution {
    pub fn new(unit: Unit, bounds: Arc<[f64]>) -> Self {
        let buckets = vec![0; bounds.len() + 1].into_boxed_slice();
        Distribution {
            unit,
            count: 0,
            sum: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            bounds,
            buckets,
            native: NativeBuckets::default(),
            positive: histogram(),
            negative: None,
        }
    }

    /// Records a value in recorded units (nanoseconds for times).
    pub fn record(&mut self, value: f64) {
        if value.is_nan() {
            return;
        }
        self.count += 1;
        self.sum += value;
        self.min = self.min.min(value);
        self.max = self.max.max(value);
        self.buckets[self.bounds.partition_point(|bound| *bound < value)] += 1;
        self.native.record(self.unit.exported(value));
        let cell = ((value.abs() / resolution(self.unit)).round() as u64).min(highest(self.unit));
        let side = if value < 0.0 {
            self.negative.get_or_insert_with(|| Box::new(histogram()))
        } else {
            &mut self.positive
        };
        // Bounded above, so that growing cannot fail.
        let _ = side.record(cell);
    }

    /// Adds what `other` holds and empties it. Both must be of one metric.
    pub fn absorb(&mut self, other: &mut Distribution) {
        if other.count == 0 {
            return;
        }
        self.merge(other);
        other.clear();
    }

    /// Adds what `other` holds.
    pub fn merge(&mut self, other: &Distribution) {
        self.count += other.count;
        self.sum += other.sum;
        self.min = self.min.min(other.min);
        self.max = self.max.max(other.max);
        for (mine, theirs) in self.buckets.iter_mut().zip(&other.buckets) {
            *mine += theirs;
        }
        self.native.merge(&other.native);
        // Both grow, so that adding cannot fail.
        let _ = self.positive.add(&other.positive);
        if let Some(theirs) = &other.negative {
            let _ = self.negative.get_or_insert_with(|| Box::new(histogram())).add(&**theirs);
        }
    }

    fn clear(&mut self) {
        self.count = 0;
        self.sum = 0.0;
        self.min = f64::INFINITY;
        self.max = f64::NEG_INFINITY;
        self.buckets.fill(0);
        self.native.clear();
        self.positive.reset();
        self.negative = None;
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn sum(&self) -> f64 {
        self.sum
    }

    /// `None` when nothing was recorded, as for all that follow.
    pub fn min(&self) -> Option<f64> {
        (self.count > 0).then_some(self.min)
    }

    pub fn max(&self) -> Option<f64> {
        (self.count > 0).then_some(self.max)
    }

    pub fn avg(&self) -> Option<f64> {
        (self.count > 0).then(|| self.sum / self.count as f64)
    }

    /// How many samples are at most `bound`, which must be one of the bounds: exact.
    pub fn at_most(&self, bound: f64) -> Option<u64> {
        let at = self.bounds.iter().position(|known| *known == bound)?;
        Some(self.buckets[..=at].iter().sum())
    }

    /// The value at `quantile` (0 to 1) by nearest rank, within 1 % and never outside the extremes.
    pub fn quantile(&self, quantile: f64) -> Option<f64> {
        if self.count == 0 {
            return None;
        }
        let rank = self.rank(quantile);
        if rank == self.count {
            return Some(self.max);
        }
        let negatives = self.negative.as_ref().map_or(0, |histogram| histogram.len());
        let cell = match &self.negative {
            Some(histogram) if rank <= negatives => -at_rank(histogram, negatives - rank + 1),
            _ => at_rank(&self.positive, rank - negatives),
        };
        Some((cell * resolution(self.unit)).clamp(self.min, self.max))
    }

    /// The nearest rank, from 1 to the count: the smallest whose share of all samples reaches `quantile`. The
    /// share decides, as in PromQL over buckets: `0.55 * 100.0` is a little more than 55.
    pub fn rank(&self, quantile: f64) -> u64 {
        let share = |rank: u64| rank as f64 / self.count as f64;
        let near = ((quantile * self.count as f64).ceil() as u64).clamp(1, self.count.max(1));
        if near > 1 && share(near - 1) >= quantile { near - 1 } else { near }
    }

    /// The native buckets, in exported units.
    pub fn native(&self) -> &NativeBuckets {
        &self.native
    }

    /// (bound in recorded units, cumulative count), without `+Inf`.
    pub fn cumulative(&self) -> impl Iterator<Item = (f64, u64)> + '_ {
        self.bounds.iter().zip(&self.buckets).scan(0, |total, (bound, count)| {
            *total += count;
            Some((*bound, *total))
        })
    }
}

/// The middle of the cell that holds the sample of this rank, counted from 1.
fn at_rank(histogram: &Histogram<u64>, rank: u64) -> f64 {
    let quantile = (rank as f64 - 0.5) / histogram.len().max(1) as f64;
    let highest = histogram.value_at_quantile(quantile);
    let lowest = histogram.lowest_equivalent(highest);
    (lowest + highest) as f64 / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn times(values_ms: impl IntoIterator<Item = f64>) -> Distribution {
        let mut distribution = Distribution::new(Unit::Time, Arc::from([5e6, 1e7, 5e8]));
        for value in values_ms {
            distribution.record(value * 1e6);
        }
        distribution
    }

    #[test]
    fn quantiles_are_within_one_percent_of_the_nearest_rank() {
        let distribution = times((1..=1000).map(|ms| f64::from(ms) * 1.7));
        for (quantile, exact_ms) in
            [(0.5, 850.0), (0.9, 1530.0), (0.95, 1615.0), (0.99, 1683.0), (1.0, 1700.0)]
        {
            let shown = distribution.quantile(quantile).unwrap() / 1e6;
            assert!((shown / exact_ms - 1.0).abs() < 0.01, "p{quantile}: {shown} instead of {exact_ms}");
        }
    }

    #[test]
    fn the_nearest_rank_of_a_decimal_percentile_is_exact() {
        for percent in ["0", "7", "50", "55", "95", "97.5", "99", "99.9", "99.99", "100"] {
            let (whole, fraction) = percent.split_once('.').unwrap_or((percent, ""));
            let ten_thousandths: u64 = format!("{whole}{fraction:0<2}").parse().unwrap();
            let quantile = quantile_of_percent(percent.parse().unwrap());
            for count in (1..=2_000).chain([100_000, 1_000_000, 123_456_789]) {
                let distribution = Distribution { count, ..times([]) };
                let exact = (ten_thousandths * count).div_ceil(10_000).max(1);
                assert_eq!(distribution.rank(quantile), exact, "p({percent}) of {count}");
            }
        }
    }

    #[test]
    fn a_bucket_counts_the_raw_value_so_that_a_bound_is_exact() {
        let distribution = times([4.999_999, 5.0, 5.000_001, 10.0, 600.0]);
        assert_eq!(distribution.at_most(5e6), Some(2));
        assert_eq!(distribution.at_most(1e7), Some(4));
        assert_eq!(distribution.at_most(7e6), None, "not a bound");
        assert_eq!(distribution.cumulative().collect::<Vec<_>>(), [(5e6, 2), (1e7, 4), (5e8, 4)]);
    }

    #[test]
    fn an_empty_distribution_has_no_statistics() {
        let empty = times([]);
        assert_eq!((empty.count(), empty.min(), empty.avg(), empty.quantile(0.5)), (0, None, None, None));
    }

    #[test]
    fn negative_values_are_ranked_below_zero() {
        let mut distribution = Distribution::new(Unit::Plain, Arc::from([0.0]));
        for value in [-10.0, -1.0, 0.0, 1.0, 10.0] {
            distribution.record(value);
        }
        let near = |quantile: f64, exact: f64| {
            let shown = distribution.quantile(quantile).unwrap();
            assert!((shown - exact).abs() <= exact.abs() * 0.01, "{quantile}: {shown} instead of {exact}");
        };
        for (quantile, exact) in [(0.2, -10.0), (0.4, -1.0), (0.6, 0.0), (0.8, 1.0), (1.0, 10.0)] {
            near(quantile, exact);
        }
        assert_eq!(distribution.at_most(0.0), Some(3));
    }

    #[test]
    fn absorbing_adds_up_and_empties_the_other() {
        let (mut total, mut shard) = (times([1.0, 2.0]), times([3.0]));
        total.absorb(&mut shard);
        assert_eq!((total.count(), total.max(), shard.count()), (3, Some(3e6), 0));
        total.absorb(&mut shard);
        assert_eq!(total.count(), 3);
    }

    #[test]
    fn a_value_above_the_range_keeps_its_exact_maximum() {
        let distribution = times([1e9]);
        assert_eq!(distribution.quantile(0.99), Some(1e15));
    }
}
