//! Sums and means that keep the digits which plain addition loses.

/// Kahan's summation with Neumaier's improvement (Prometheus' `util/kahansum`).
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::promql) struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    pub(in crate::promql) fn add(&mut self, value: f64) {
        let total = self.sum + value;
        if total.is_infinite() {
            self.lost = 0.0;
        } else if self.sum.abs() >= value.abs() {
            self.lost += (self.sum - total) + value;
        } else {
            self.lost += (value - total) + self.sum;
        }
        self.sum = total;
    }

    pub(in crate::promql) fn value(&self) -> f64 {
        if self.sum.is_infinite() { self.sum } else { self.sum + self.lost }
    }

    /// As `value`, for sums that are carried on with.
    pub(super) fn total(&self) -> f64 {
        self.sum + self.lost
    }

    fn scaled(self, factor: f64) -> Sum {
        Sum { sum: self.sum * factor, lost: self.lost * factor }
    }
}

impl Extend<f64> for Sum {
    fn extend<T: IntoIterator<Item = f64>>(&mut self, values: T) {
        values.into_iter().for_each(|value| self.add(value));
    }
}

/// The mean of `avg` and `avg_over_time`: of the sum, or, once a sum would overflow, carried from value to value
/// (Prometheus' `funcAvgOverTime`).
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::promql) struct Mean {
    count: f64,
    /// The sum, or the mean.
    running: Sum,
    incremental: bool,
}

impl Mean {
    pub(in crate::promql) fn add(&mut self, value: f64) {
        self.count += 1.0;
        if self.count == 1.0 {
            // Not added to zero: an infinite first value is no overflow.
            self.running.sum = value;
            return;
        }
        if !self.incremental {
            let mut sum = self.running;
            sum.add(value);
            if !sum.sum.is_infinite() {
                self.running = sum;
                return;
            }
            self.incremental = true;
            let before = self.count - 1.0;
            self.running = Sum { sum: self.running.sum / before, lost: self.running.lost / before };
        }
        self.running = self.running.scaled((self.count - 1.0) / self.count);
        self.running.add(value / self.count);
    }

    /// NaN without values.
    pub(in crate::promql) fn value(&self) -> f64 {
        let Sum { sum, lost } = self.running;
        if self.incremental { sum + lost } else { sum / self.count + lost / self.count }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum(values: &[f64]) -> f64 {
        let mut sum = Sum::default();
        sum.extend(values.iter().copied());
        sum.value()
    }

    fn mean(values: &[f64]) -> f64 {
        let mut mean = Mean::default();
        values.iter().for_each(|value| mean.add(*value));
        mean.value()
    }

    #[test]
    fn sums_keep_what_is_small() {
        assert_eq!(sum(&[5.0, 1e100, -1e100, 7.0]), 12.0);
        assert_eq!(sum(&[1e100, 1.0, -1e100]), 1.0);
        assert_eq!(sum(&[0.1; 10]), 1.0);
        assert_eq!(sum(&[]), 0.0);
        assert_eq!(sum(&[f64::INFINITY, 1.0]), f64::INFINITY);
        assert!(sum(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert!(sum(&[f64::NAN, 1.0]).is_nan());
    }

    #[test]
    fn means_do_not_overflow() {
        assert_eq!(mean(&[1.0, 2.0, 3.0, 4.0]), 2.5);
        assert_eq!(mean(&[5.0, 1e100, -1e100, 7.0]), 3.0);
        assert_eq!(mean(&[1e308, 1e308, 1e308, 1e308]), 1e308);
        assert_eq!(mean(&[f64::MAX, -f64::MAX, f64::MAX, -f64::MAX]), 0.0);
        assert_eq!(mean(&[f64::INFINITY]), f64::INFINITY);
        assert_eq!(mean(&[1.0, f64::INFINITY, 2.0]), f64::INFINITY);
        assert!(mean(&[f64::INFINITY, f64::NEG_INFINITY]).is_nan());
        assert!(mean(&[]).is_nan());
    }
}
