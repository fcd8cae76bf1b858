//! An hour of samples and what windows look back on before it, one a second, the same in every process: 100 series each of a counter, a gauge and the buckets of a
//! histogram.

use std::fmt::Write as _;

use fastrand::Rng;
use loadgate::family::{Bucket, Family, FamilyKind, Float, Histogram, Series, Value};
use loadgate::labels::Labels;

pub(crate) const SECS: i64 = 3600;
/// What comes before: then no window holds the beginning of a counter, where Prometheus 3 guesses otherwise than 2.
pub(crate) const LEAD_SECS: i64 = 300;
const SERIES: usize = 100;
const HISTOGRAMS: usize = 10;
/// Ten buckets, the last without a bound.
const BOUNDS: [f64; 9] = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5];

#[derive(Debug)]
pub(crate) struct Hour {
    families: Vec<Family>,
    rng: Rng,
}

impl Hour {
    pub(crate) fn new() -> Self {
        let label = |i: usize| Labels::new([("x", format!("x{}", i % 10)), ("i", format!("i{i}"))]);
        let of = |name: &str, kind, series: usize, value: &dyn Fn() -> Value| {
            let series = (0..series).map(|i| Series { labels: label(i), value: value() }).collect();
            Family { series, ..Family::new(name, kind, "Of a bench.") }
        };
        let bounds = BOUNDS.into_iter().chain([f64::INFINITY]);
        let empty = Histogram {
            buckets: bounds.map(|le| Bucket { le, count: 0.0 }).collect(),
            ..Histogram::default()
        };
        Self {
            families: vec![
                of("m", FamilyKind::Counter, SERIES, &|| Value::Number(0.0)),
                of("g", FamilyKind::Gauge, SERIES, &|| Value::Number(0.0)),
                of("h", FamilyKind::Histogram, HISTOGRAMS, &|| Value::Histogram(empty.clone())),
            ],
            rng: Rng::with_seed(11),
        }
    }

    /// A second later.
    pub(crate) fn tick(&mut self) -> &[Family] {
        let Self { families, rng } = self;
        for family in families.iter_mut() {
            for (i, series) in family.series.iter_mut().enumerate() {
                match &mut series.value {
                    Value::Number(count) if family.kind == FamilyKind::Counter => {
                        *count += f64::from(rng.u32(0..100 + i as u32));
                    }
                    Value::Number(gauge) => *gauge = f64::from(rng.u32(20_000..60_000)) / 1000.0,
                    Value::Histogram(histogram) => {
                        for _ in 0..50 {
                            let value = rng.f64().powi(4) * 3.0;
                            let within = histogram.buckets.iter_mut().filter(|bucket| value <= bucket.le);
                            within.for_each(|bucket| bucket.count += 1.0);
                            (histogram.count, histogram.sum) = (histogram.count + 1.0, histogram.sum + value);
                        }
                    }
                    Value::Summary(_) => {}
                }
            }
        }
        &self.families
    }

    /// All of it as OpenMetrics without metadata, for promtool.
    pub(crate) fn open_metrics(begin_secs: i64) -> String {
        let mut hour = Self::new();
        let mut text = String::new();
        for second in 0..LEAD_SECS + SECS {
            for family in hour.tick() {
                family.each_sample(|name, labels, value| {
                    let pairs: Vec<String> =
                        labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
                    // Writing to a `String` does not fail.
                    let _ = writeln!(
                        text,
                        "{name}{{{}}} {} {}",
                        pairs.join(","),
                        Float(value),
                        begin_secs + second
                    );
                });
            }
        }
        text + "# EOF\n"
    }
}
