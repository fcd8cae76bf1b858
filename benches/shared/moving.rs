//! Families that move on: what a real run showed at its end, taken as rates, so that minutes of it can be made at once.
//!
//! Counters and histograms grow by what they grew in a second, give or take; gauges stay near where they were, with as many
//! digits. What is 0 or 1 stays what it is.

use fastrand::Rng;
use loadgate::family::{Bucket, Family, FamilyKind, Histogram, Value};

/// A sum of times is a whole number of nanoseconds.
const NANOS: f64 = 1e9;

#[derive(Debug)]
pub(crate) struct Moving {
    /// As they were at the end of the run, in the order of `now`.
    end: Vec<Vec<Value>>,
    now: Vec<Family>,
    /// How long that run took.
    secs: f64,
    rng: Rng,
}

impl Moving {
    /// `families` are those of a run that took `secs`. All counts begin at 0.
    pub(crate) fn new(families: Vec<Family>, secs: f64) -> Self {
        let end: Vec<Vec<Value>> = families
            .iter()
            .map(|family| family.series.iter().map(|series| series.value.clone()).collect())
            .collect();
        let mut now = families;
        for family in &mut now {
            for series in &mut family.series {
                match &mut series.value {
                    Value::Number(number) if family.kind == FamilyKind::Counter => *number = 0.0,
                    Value::Number(_) => {}
                    Value::Histogram(histogram) => {
                        histogram.buckets.iter_mut().for_each(|bucket| bucket.count = 0.0);
                        (histogram.count, histogram.sum, histogram.native) = (0.0, 0.0, None);
                    }
                    Value::Summary(summary) => (summary.count, summary.sum) = (0.0, 0.0),
                }
            }
        }
        Self { end, now, secs, rng: Rng::with_seed(7) }
    }

    pub(crate) fn families(&self) -> &[Family] {
        &self.now
    }

    /// A second later.
    pub(crate) fn tick(&mut self) {
        let Self { end, now, secs, rng } = self;
        for (family, end) in now.iter_mut().zip(end) {
            let is_elapsed = family.name == loadgate::rules::ELAPSED;
            for (series, end) in family.series.iter_mut().zip(end) {
                match (&mut series.value, end) {
                    (Value::Number(now), Value::Number(_)) if is_elapsed => *now += 1.0,
                    (Value::Number(now), Value::Number(end)) if family.kind == FamilyKind::Counter => {
                        *now = counted(*now, *end, *end / *secs, rng);
                    }
                    (Value::Number(now), Value::Number(end)) if !family.name.contains("timestamp") => {
                        *now = near(*end, rng);
                    }
                    (Value::Histogram(now), Value::Histogram(end)) => observed(now, end, *secs, rng),
                    (Value::Summary(now), Value::Summary(end)) => {
                        now.count = counted(now.count, end.count, end.count / *secs, rng);
                        now.sum = counted(now.sum, 0.5, end.sum / *secs, rng);
                    }
                    _ => {}
                }
            }
        }
    }
}

fn counted(now: f64, end: f64, rate: f64, rng: &mut Rng) -> f64 {
    if end.fract() == 0.0 {
        now + events(rate, rng)
    } else {
        ((now + rate * (1.0 + 0.1 * noise(rng))) * NANOS).round() / NANOS
    }
}

/// About as many as a Poisson process has in a second.
fn events(rate: f64, rng: &mut Rng) -> f64 {
    (rate + noise(rng) * rate.sqrt() + rng.f64()).floor().max(0.0)
}

fn near(end: f64, rng: &mut Rng) -> f64 {
    if end == 0.0 || end == 1.0 || !end.is_finite() {
        return end;
    }
    let moved = end * (1.0 + 0.05 * noise(rng));
    match end {
        pages if pages % 4096.0 == 0.0 => (moved / 4096.0).round() * 4096.0,
        whole if whole.fract() == 0.0 => moved.round(),
        _ => (moved * NANOS).round() / NANOS,
    }
}

fn observed(now: &mut Histogram, end: &Histogram, secs: f64, rng: &mut Rng) {
    if end.count == 0.0 {
        return;
    }
    let observations = events(end.count / secs, rng);
    for _ in 0..observations as u64 {
        let drawn = rng.f64() * end.count;
        let at = end.buckets.iter().position(|bucket| drawn < bucket.count).unwrap_or(end.buckets.len() - 1);
        now.buckets.iter_mut().skip(at).for_each(|Bucket { count, .. }| *count += 1.0);
    }
    now.count += observations;
    let mean = end.sum / end.count;
    now.sum = ((now.sum + observations * mean * (1.0 + 0.1 * noise(rng))) * NANOS).round() / NANOS;
}

/// About normally distributed, around 0, with deviation 1.
fn noise(rng: &mut Rng) -> f64 {
    (0..12).map(|_| rng.f64()).sum::<f64>() - 6.0
}
