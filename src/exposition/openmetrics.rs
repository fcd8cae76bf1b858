//! OpenMetrics 1.0 (<https://prometheus.io/docs/specs/om/open_metrics_spec/>), by prometheus-client
//! where it can say what a family says, else by our own lines.
//!
//! prometheus-client 0.25 knows no summaries and no quoted names, counts a histogram in whole
//! numbers, and writes infinity as `inf`.

use std::collections::HashSet;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    CounterValueEncoder, DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeLabel,
    EncodeLabelSet, GaugeValueEncoder, LabelSetEncoder, MetricEncoder, NoLabelSet, text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use super::write::{self, Escape, whole};
use super::{is_plain_label_name, is_plain_metric_name};
use crate::family::{Family, FamilyKind, Float, Histogram, Series, Value};
use crate::labels::Labels;

pub(super) fn encode(families: &[Family], out: &mut String, mut written: impl FnMut()) {
    let others: HashSet<&str> =
        families.iter().filter(|family| family.kind != FamilyKind::Counter).map(|f| &*f.name).collect();
    for family in families {
        if by_client(family, &others) {
            with_client(family, &others, out);
        } else {
            with_own_lines(family, &others, out);
        }
        written();
    }
    out.push_str("# EOF\n");
}

/// The name of a counter's family: OpenMetrics leaves out `_total` there. `None` for a counter
/// that cannot be one in OpenMetrics, because its name does not end so or because the name
/// without it is another family's; it is written as `unknown`, so that its samples keep their name.
fn counter_name<'a>(family: &'a Family, others: &HashSet<&str>) -> Option<&'a str> {
    let name = family.name.strip_suffix("_total")?;
    (family.kind == FamilyKind::Counter && !name.is_empty() && !others.contains(name)).then_some(name)
}

fn with_own_lines(family: &Family, others: &HashSet<&str>, out: &mut String) {
    let (name, kind) = match family.kind {
        FamilyKind::Counter => match counter_name(family, others) {
            Some(name) => (name, "counter"),
            None => (&*family.name, "unknown"),
        },
        FamilyKind::Gauge => (&*family.name, "gauge"),
        FamilyKind::Histogram => (&*family.name, "histogram"),
        FamilyKind::Summary => (&*family.name, "summary"),
        FamilyKind::Unknown => (&*family.name, "unknown"),
    };
    write::metadata(out, name, kind, &family.help, Escape::Quoted);
    write::samples(out, family);
}

fn with_client(family: &Family, others: &HashSet<&str>, out: &mut String) {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(ByClient(family.clone())));
    let before = out.len();
    if text::encode_registry(out, &registry).is_err() {
        out.truncate(before);
        with_own_lines(family, others, out);
    }
}

/// Whether prometheus-client writes `family` so that it reads back as the same.
fn by_client(family: &Family, others: &HashSet<&str>) -> bool {
    let plain = is_plain_metric_name(&family.name)
        && family.series.iter().all(|series| series.labels.iter().all(|(name, _)| is_plain_label_name(name)));
    let values = |suits: &dyn Fn(&Value) -> bool| family.series.iter().all(|series| suits(&series.value));
    let finite = |value: &Value| matches!(value, Value::Number(number) if number.is_finite());
    plain
        && match family.kind {
            FamilyKind::Counter => counter_name(family, others).is_some() && values(&finite),
            FamilyKind::Gauge | FamilyKind::Unknown => values(&finite),
            FamilyKind::Histogram => histograms_by_client(&family.series),
            FamilyKind::Summary => false,
        }
}

fn histograms_by_client(series: &[Series]) -> bool {
    let mut agreed: Vec<f64> = Vec::new();
    series.iter().all(|series| {
        let Value::Histogram(histogram) = &series.value else { return false };
        // All series of a family have the same bounds as a rule, so they are compared once.
        let known = agreed.len() == histogram.buckets.len()
            && agreed.iter().zip(&histogram.buckets).all(|(bound, bucket)| *bound == bucket.le);
        if !known {
            agreed = histogram.buckets.iter().map(|bucket| bucket.le).collect();
        }
        (known || agreed.iter().all(|bound| client_writes_le_alike(*bound)))
            && histogram.sum.is_finite()
            && count(histogram.count).is_some()
            && client_buckets(histogram).is_some()
    })
}

/// prometheus-client formats `le` with dtoa, whose digits are not always the shortest, and whose
/// exponents begin elsewhere. `le` is a label: if it differed, it would be another series.
fn client_writes_le_alike(bound: f64) -> bool {
    bound == f64::INFINITY || dtoa::Buffer::new().format(bound) == Float(bound).to_string()
}

fn count(count: f64) -> Option<u64> {
    whole(count).and_then(|count| u64::try_from(count).ok())
}

/// Buckets as prometheus-client takes them: not cumulative.
fn client_buckets(histogram: &Histogram) -> Option<Vec<(f64, u64)>> {
    let mut below = 0;
    let mut buckets = Vec::with_capacity(histogram.buckets.len());
    for bucket in &histogram.buckets {
        let cumulative = count(bucket.count)?;
        buckets.push((bucket.le, cumulative.checked_sub(below)?));
        below = cumulative;
    }
    Some(buckets)
}

/// A family that prometheus-client is to write. It asks for what lives as long as its registry, so
/// this is a copy; label sets are shared.
#[derive(Debug)]
struct ByClient(Family);

impl Collector for ByClient {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), std::fmt::Error> {
        let family = &self.0;
        let (name, kind) = match family.kind {
            FamilyKind::Counter => {
                (family.name.strip_suffix("_total").ok_or(std::fmt::Error)?, MetricType::Counter)
            }
            FamilyKind::Gauge => (&*family.name, MetricType::Gauge),
            FamilyKind::Histogram => (&*family.name, MetricType::Histogram),
            FamilyKind::Unknown => (&*family.name, MetricType::Unknown),
            FamilyKind::Summary => return Err(std::fmt::Error),
        };
        let mut help = String::new();
        write::escape(&mut help, &family.help, Escape::Quoted); // it does not escape help
        let mut metric = encoder.encode_descriptor(name, &help, None, kind)?;
        for series in &family.series {
            if series.labels.is_empty() {
                encode_value(&mut metric, family.kind, &series.value)?;
            } else {
                let labels = LabelSet(&series.labels);
                encode_value(&mut metric.encode_family(&labels)?, family.kind, &series.value)?;
            }
        }
        Ok(())
    }
}

fn encode_value(
    metric: &mut MetricEncoder<'_>,
    kind: FamilyKind,
    value: &Value,
) -> Result<(), std::fmt::Error> {
    match value {
        Value::Number(number) if kind == FamilyKind::Counter => {
            metric.encode_counter::<NoLabelSet, _, f64>(&Number(*number), None)
        }
        Value::Number(number) => metric.encode_gauge(&Number(*number)),
        Value::Histogram(histogram) => {
            let buckets = client_buckets(histogram).ok_or(std::fmt::Error)?;
            let count = count(histogram.count).ok_or(std::fmt::Error)?;
            metric.encode_histogram::<NoLabelSet>(histogram.sum, count, &buckets, None)
        }
        Value::Summary(_) => Err(std::fmt::Error),
    }
}

struct LabelSet<'a>(&'a Labels);

impl EncodeLabelSet for LabelSet<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.0.iter().try_for_each(|label| label.encode(encoder.encode_label()))
    }
}

/// Whole numbers without a point, as in text 0.0.4.
struct Number(f64);

impl EncodeCounterValue for Number {
    fn encode(&self, encoder: &mut CounterValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        match count(self.0) {
            Some(count) => EncodeCounterValue::encode(&count, encoder),
            None => EncodeCounterValue::encode(&self.0, encoder),
        }
    }
}

impl EncodeGaugeValue for Number {
    fn encode(&self, encoder: &mut GaugeValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        match whole(self.0) {
            Some(whole) => EncodeGaugeValue::encode(&whole, encoder),
            None => EncodeGaugeValue::encode(&self.0, encoder),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::{Bucket, Summary};

    fn check(families: &[Family], expected: &str) {
        let mut out = String::new();
        encode(families, &mut out, || ());
        assert_eq!(out, expected);
    }

    fn histogram(bounds: &[f64], counts: &[f64]) -> Family {
        let buckets: Vec<Bucket> =
            bounds.iter().zip(counts).map(|(le, count)| Bucket { le: *le, count: *count }).collect();
        let count = counts.last().copied().unwrap();
        let value = Value::Histogram(Histogram { buckets, sum: 1.5, count, native: None });
        let series = vec![Series { labels: Labels::new([("a", "b")]), value }];
        Family { series, ..Family::new("h", FamilyKind::Histogram, "help") }
    }

    fn les(families: &[Family]) -> Vec<String> {
        let mut out = String::new();
        encode(families, &mut out, || ());
        out.lines()
            .filter_map(|line| line.split_once("le=\"")?.1.split_once('"').map(|(le, _)| le.to_owned()))
            .collect()
    }

    #[test]
    fn a_counters_family_drops_total_and_its_samples_keep_it() {
        check(
            &[Family::single("a_total", FamilyKind::Counter, "say \"a\"", Labels::new([("b", "\"")]), 3.0)],
            "# HELP a say \\\"a\\\"\n# TYPE a counter\na_total{b=\"\\\"\"} 3\n# EOF\n",
        );
    }

    #[test]
    fn a_counter_that_openmetrics_cannot_name_keeps_its_samples_as_unknown() {
        let counter = |name| Family::single(name, FamilyKind::Counter, "h", Labels::empty(), 3.0);
        check(&[counter("a")], "# HELP a h\n# TYPE a unknown\na 3\n# EOF\n");
        let clash = [counter("a_total"), Family::single("a", FamilyKind::Gauge, "g", Labels::empty(), 0.5)];
        check(
            &clash,
            "# HELP a_total h\n# TYPE a_total unknown\na_total 3\n# HELP a g\n# TYPE a gauge\na 0.5\n# EOF\n",
        );
    }

    #[test]
    fn le_is_the_same_label_value_whoever_writes_it() {
        let bounds =
            [1e-9, 1e-5, 0.0001, 0.005, 0.1, 0.3, 1.0, 2.5, 10.0, 1e6, 1e15, 1e16, 1e21, f64::INFINITY];
        for bound in bounds {
            let counts = [1.0, 2.0];
            let whole = histogram(&[bound, f64::INFINITY], &counts);
            let fractional = histogram(&[bound, f64::INFINITY], &[1.5, 2.0]);
            assert!(!by_client(&fractional, &HashSet::new()));
            assert_eq!(les(&[whole])[0], Float(bound).to_string());
            assert_eq!(les(&[fractional])[0], Float(bound).to_string());
        }
        let usual = histogram(&[0.005, 0.1, 0.3, 2.5, 10.0, f64::INFINITY], &[1.0; 6]);
        assert!(by_client(&usual, &HashSet::new()));
        assert_eq!(les(&[usual]), ["0.005", "0.1", "0.3", "2.5", "10.0", "+Inf"]);
    }

    #[test]
    fn what_prometheus_client_cannot_say_is_written_by_ourselves_and_in_order() {
        let summary = Value::Summary(Summary { quantiles: vec![(0.5, 1.0)], sum: 2.0, count: 3.0 });
        let families = [
            Family::single("a", FamilyKind::Gauge, "h", Labels::empty(), f64::INFINITY),
            Family::single("b", FamilyKind::Gauge, "h", Labels::empty(), -7.0),
            Family {
                series: vec![Series { labels: Labels::empty(), value: summary }],
                ..Family::new("c", FamilyKind::Summary, "h")
            },
        ];
        check(
            &families,
            "# HELP a h\n# TYPE a gauge\na +Inf\n# HELP b h\n# TYPE b gauge\nb -7\n\
             # HELP c h\n# TYPE c summary\nc{quantile=\"0.5\"} 1\nc_sum 2\nc_count 3\n# EOF\n",
        );
    }
}
