//! Length-delimited `io.prometheus.client.MetricFamily` messages: the one format that carries native
//! histograms. A histogram's classic buckets are in the same message; the scraper chooses.

mod message;

use prost::Message as _;

use super::write::whole;
use crate::family::{
    Bucket, Family, FamilyKind, Histogram, NativeBucket, NativeHistogram, Series, Summary, Value,
};
use crate::labels::Labels;

pub(super) fn encode(families: &[Family], mut written: impl FnMut()) -> Vec<u8> {
    let mut out = Vec::new();
    for family in families {
        // A vector grows, so that there is always room.
        let _infallible = metric_family(family).encode_length_delimited(&mut out);
        written();
    }
    out
}

fn metric_family(family: &Family) -> message::MetricFamily {
    let kind = match family.kind {
        FamilyKind::Counter => message::MetricType::Counter,
        FamilyKind::Gauge => message::MetricType::Gauge,
        FamilyKind::Histogram => message::MetricType::Histogram,
        FamilyKind::Summary => message::MetricType::Summary,
        FamilyKind::Unknown => message::MetricType::Untyped,
    };
    message::MetricFamily {
        name: Some(family.name.clone()),
        help: Some(family.help.clone()),
        kind: Some(kind.into()),
        metric: family.series.iter().map(|series| metric(family.kind, series)).collect(),
    }
}

/// The value goes into the field that its family's kind names; readers look nowhere else.
fn metric(kind: FamilyKind, series: &Series) -> message::Metric {
    let mut metric = message::Metric { label: label_pairs(&series.labels), ..message::Metric::default() };
    match (&series.value, kind) {
        (Value::Number(value), FamilyKind::Counter) => {
            metric.counter = Some(message::Number { value: Some(*value) });
        }
        (Value::Number(value), FamilyKind::Gauge) => {
            metric.gauge = Some(message::Number { value: Some(*value) })
        }
        (Value::Number(value), _) => metric.untyped = Some(message::Number { value: Some(*value) }),
        (Value::Histogram(histogram), _) => metric.histogram = Some(self::histogram(histogram)),
        (Value::Summary(summary), _) => metric.summary = Some(self::summary(summary)),
    }
    metric
}

fn label_pairs(labels: &Labels) -> Vec<message::LabelPair> {
    let pair = |(name, value): (&str, &str)| message::LabelPair {
        name: Some(name.to_owned()),
        value: Some(value.to_owned()),
    };
    labels.iter().map(pair).collect()
}

fn histogram(histogram: &Histogram) -> message::Histogram {
    let (sample_count, sample_count_float) = counts(histogram.count);
    let classic_bucket = |bucket: &Bucket| {
        let (cumulative_count, cumulative_count_float) = counts(bucket.count);
        message::Bucket { cumulative_count, cumulative_count_float, upper_bound: Some(bucket.le) }
    };
    let classic = message::Histogram {
        sample_count,
        sample_count_float,
        sample_sum: Some(histogram.sum),
        bucket: histogram.buckets.iter().map(classic_bucket).collect(),
        ..message::Histogram::default()
    };
    match &histogram.native {
        Some(native) => with_native(native, classic),
        None => classic,
    }
}

fn with_native(native: &NativeHistogram, classic: message::Histogram) -> message::Histogram {
    let (positive_span, positive_delta) = spans(&native.positive);
    let (negative_span, negative_delta) = spans(&native.negative);
    message::Histogram {
        schema: Some(native.schema.into()),
        zero_threshold: Some(native.zero_threshold),
        zero_count: Some(native.zero_count),
        negative_span,
        negative_delta,
        positive_span,
        positive_delta,
        ..classic
    }
}

fn summary(summary: &Summary) -> message::Summary {
    let quantile =
        |(quantile, value): &(f64, f64)| message::Quantile { quantile: Some(*quantile), value: Some(*value) };
    message::Summary {
        // Has no other field; beyond whole numbers it is as near as the format allows.
        sample_count: Some(summary.count as u64),
        sample_sum: Some(summary.sum),
        quantile: summary.quantiles.iter().map(quantile).collect(),
    }
}

/// A count as (integer, float): the integer where it says the same.
fn counts(count: f64) -> (Option<u64>, Option<f64>) {
    match whole(count).and_then(|count| u64::try_from(count).ok()) {
        Some(count) => (Some(count), None),
        None => (None, Some(count)),
    }
}

/// So many empty buckets within a span cost less than another span; as in Prometheus' client for Go.
const MAX_GAP: i32 = 2;

/// Runs of consecutive buckets, and each bucket's count as the difference to the one before.
fn spans(buckets: &[NativeBucket]) -> (Vec<message::BucketSpan>, Vec<i64>) {
    let (mut spans, mut deltas) = (Vec::<message::BucketSpan>::new(), Vec::new());
    let (mut next, mut before) = (0, 0);
    for bucket in buckets {
        let gap = bucket.index - next;
        match spans.last_mut() {
            Some(span) if gap <= MAX_GAP => {
                for _ in 0..gap {
                    deltas.push(-before);
                    before = 0;
                }
                span.length = Some(span.length.unwrap_or(0) + gap as u32 + 1);
            }
            _ => spans.push(message::BucketSpan { offset: Some(gap), length: Some(1) }),
        }
        let count = bucket.count as i64;
        deltas.push(count - before);
        (next, before) = (bucket.index + 1, count);
    }
    (spans, deltas)
}

#[cfg(test)]
mod tests;
