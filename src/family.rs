//! Metric families: what aggregation, the scraper, the exposition and the store exchange.

use std::fmt;

use crate::labels::Labels;

/// All series of one metric name. `name` is the family's name in text 0.0.4, so a counter's carries `_total`.
#[derive(Debug, Clone, PartialEq)]
pub struct Family {
    pub name: String,
    pub kind: FamilyKind,
    pub help: String,
    pub series: Vec<Series>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FamilyKind {
    Counter,
    Gauge,
    Histogram,
    Summary,
    Unknown,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub labels: Labels,
    pub value: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Counters, gauges and what has no type.
    Number(f64),
    Histogram(Histogram),
    Summary(Summary),
}

/// A histogram. `buckets`, the classic ones, are cumulative, ascending by bound, and end in `+Inf`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histogram {
    pub buckets: Vec<Bucket>,
    pub sum: f64,
    pub count: f64,
    /// The same values in finer buckets, for the one format that can say them: protobuf.
    pub native: Option<NativeHistogram>,
}

/// The buckets of Prometheus' native histogram
/// (<https://prometheus.io/docs/specs/native_histograms/>). All counts together are the histogram's count.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct NativeHistogram {
    /// Each power of two is divided into 2^`schema` buckets; -4 to 8.
    pub schema: i8,
    /// Values no further than this from zero are counted in `zero_count`.
    pub zero_threshold: f64,
    pub zero_count: u64,
    /// Not cumulative, ascending by index, empty ones left out.
    pub positive: Vec<NativeBucket>,
    /// As `positive`, of the absolute values.
    pub negative: Vec<NativeBucket>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NativeBucket {
    /// The upper bound, inclusive, is 2^(`index` / 2^schema).
    pub index: i32,
    pub count: u64,
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    pub le: f64,
    pub count: f64,
}

#[derive(Debug, Clone, PartialEq, Default)]
pub struct Summary {
    /// (quantile in 0..=1, value)
    pub quantiles: Vec<(f64, f64)>,
    pub sum: f64,
    pub count: f64,
}

impl Family {
    pub fn new(name: impl Into<String>, kind: FamilyKind, help: impl Into<String>) -> Self {
        Family { name: name.into(), kind, help: help.into(), series: Vec::new() }
    }

    /// A family of one series, for what the process says of itself.
    pub fn single(name: &str, kind: FamilyKind, help: &str, labels: Labels, value: f64) -> Self {
        Family {
            series: vec![Series { labels, value: Value::Number(value) }],
            ..Family::new(name, kind, help)
        }
    }

    pub fn push(&mut self, labels: Labels, value: f64) {
        self.series.push(Series { labels, value: Value::Number(value) });
    }

    /// Calls `each` with every sample as a time series database knows it: histograms and summaries
    /// unfold into `_bucket`, `_sum`, `_count` and `quantile`.
    pub fn each_sample(&self, mut each: impl FnMut(&str, &Labels, f64)) {
        let part = |suffix: &str| format!("{}{suffix}", self.name);
        for series in &self.series {
            match &series.value {
                Value::Number(value) => each(&self.name, &series.labels, *value),
                Value::Histogram(histogram) => {
                    for bucket in &histogram.buckets {
                        each(
                            &part("_bucket"),
                            &series.labels.with("le", &Float(bucket.le).to_string()),
                            bucket.count,
                        );
                    }
                    each(&part("_sum"), &series.labels, histogram.sum);
                    each(&part("_count"), &series.labels, histogram.count);
                }
                Value::Summary(summary) => {
                    for (quantile, value) in &summary.quantiles {
                        each(
                            &self.name,
                            &series.labels.with("quantile", &Float(*quantile).to_string()),
                            *value,
                        );
                    }
                    each(&part("_sum"), &series.labels, summary.sum);
                    each(&part("_count"), &series.labels, summary.count);
                }
            }
        }
    }
}

/// A number as Prometheus 3 writes it when it normalizes `le` and `quantile`: Go's shortest `%g`, and
/// always in float form (`10.0`, `1e+06`), so that `le` is the same label value in every format and store.
pub struct Float(pub f64);

impl fmt::Display for Float {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            v if v.is_nan() => f.write_str("NaN"),
            v if v == f64::INFINITY => f.write_str("+Inf"),
            v if v == f64::NEG_INFINITY => f.write_str("-Inf"),
            v if v != 0.0 && !(1e-4..1e6).contains(&v.abs()) => {
                let shortest = format!("{v:e}");
                let (digits, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
                let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
                write!(f, "{digits}e{sign}{exponent:0>2}")
            }
            v if v == v.trunc() => write!(f, "{v:.1}"),
            v => write!(f, "{v}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_prometheus_writes_le() {
        for (value, written) in [
            (10.0, "10.0"),
            (0.0, "0.0"),
            (-2.0, "-2.0"),
            (0.005, "0.005"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (123_456.0, "123456.0"),
            (1e6, "1e+06"),
            (1_234_567.5, "1.2345675e+06"),
            (1e21, "1e+21"),
            (f64::INFINITY, "+Inf"),
            (f64::NEG_INFINITY, "-Inf"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(Float(value).to_string(), written);
        }
    }
}
