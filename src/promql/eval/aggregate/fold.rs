//! Aggregations that take one value after the other.

use crate::promql::functions::{self, Mean};

pub(super) trait Fold {
    fn first(value: f64) -> Self;
    fn add(&mut self, value: f64);
    fn value(&self) -> f64;
}

pub(super) struct Sum(functions::Sum);

impl Fold for Sum {
    fn first(value: f64) -> Self {
        let mut sum = functions::Sum::default();
        sum.add(value);
        Sum(sum)
    }

    fn add(&mut self, value: f64) {
        self.0.add(value);
    }

    fn value(&self) -> f64 {
        self.0.value()
    }
}

pub(super) struct Average(Mean);

impl Fold for Average {
    fn first(value: f64) -> Self {
        let mut mean = Mean::default();
        mean.add(value);
        Average(mean)
    }

    fn add(&mut self, value: f64) {
        self.0.add(value);
    }

    fn value(&self) -> f64 {
        self.0.value()
    }
}

pub(super) struct Minimum(f64);

impl Fold for Minimum {
    fn first(value: f64) -> Self {
        Minimum(value)
    }

    fn add(&mut self, value: f64) {
        if self.0 > value || self.0.is_nan() {
            self.0 = value;
        }
    }

    fn value(&self) -> f64 {
        self.0
    }
}

pub(super) struct Maximum(f64);

impl Fold for Maximum {
    fn first(value: f64) -> Self {
        Maximum(value)
    }

    fn add(&mut self, value: f64) {
        if self.0 < value || self.0.is_nan() {
            self.0 = value;
        }
    }

    fn value(&self) -> f64 {
        self.0
    }
}

pub(super) struct Count(f64);

impl Fold for Count {
    fn first(_: f64) -> Self {
        Count(1.0)
    }

    fn add(&mut self, _: f64) {
        self.0 += 1.0;
    }

    fn value(&self) -> f64 {
        self.0
    }
}

pub(super) struct Group;

impl Fold for Group {
    fn first(_: f64) -> Self {
        Group
    }

    fn add(&mut self, _: f64) {}

    fn value(&self) -> f64 {
        1.0
    }
}

/// Welford's.
pub(super) struct Variance {
    count: f64,
    mean: f64,
    squares: f64,
}

impl Fold for Variance {
    fn first(value: f64) -> Self {
        let squares = if value.is_finite() { 0.0 } else { f64::NAN };
        Variance { count: 1.0, mean: value, squares }
    }

    fn add(&mut self, value: f64) {
        self.count += 1.0;
        let delta = value - self.mean;
        self.mean += delta / self.count;
        self.squares += delta * (value - self.mean);
    }

    fn value(&self) -> f64 {
        self.squares / self.count
    }
}

pub(super) struct Deviation(Variance);

impl Fold for Deviation {
    fn first(value: f64) -> Self {
        Deviation(Variance::first(value))
    }

    fn add(&mut self, value: f64) {
        self.0.add(value);
    }

    fn value(&self) -> f64 {
        self.0.value().sqrt()
    }
}
