//! What was sampled of a probe.

/// Sums, not samples: memory does not grow with the run.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct ProbeSamples {
    pub count: u64,
    sum: f64,
    min: f64,
    max: f64,
    last: f64,
    /// Moments at which the probe was due and the target had no such series.
    pub missed: u64,
}

impl ProbeSamples {
    pub fn record(&mut self, value: f64) {
        if value.is_nan() {
            self.missed += 1;
            return;
        }
        (self.min, self.max) =
            if self.count == 0 { (value, value) } else { (self.min.min(value), self.max.max(value)) };
        self.count += 1;
        self.sum += value;
        self.last = value;
    }

    /// `None` without a sample, as for all that follow.
    pub fn avg(&self) -> Option<f64> {
        self.some(self.sum / self.count as f64)
    }

    pub fn min(&self) -> Option<f64> {
        self.some(self.min)
    }

    pub fn max(&self) -> Option<f64> {
        self.some(self.max)
    }

    pub fn last(&self) -> Option<f64> {
        self.some(self.last)
    }

    fn some(&self, value: f64) -> Option<f64> {
        (self.count > 0).then_some(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_and_average_are_of_the_samples_that_came() {
        let mut samples = ProbeSamples::default();
        assert_eq!(samples.avg(), None);
        for value in [100.0, 96.0, f64::NAN, 101.0] {
            samples.record(value);
        }
        assert_eq!((samples.avg(), samples.min(), samples.max()), (Some(99.0), Some(96.0), Some(101.0)));
        assert_eq!((samples.last(), samples.count, samples.missed), (Some(101.0), 3, 1));
    }
}
