//! The bytes on the wire, and that nothing is lost on it. A real Prometheus reads them in `tests/it/`.

use super::*;

/// What a scraper reads back: classic buckets as they stand, native ones from spans and deltas.
fn decoded(body: &[u8]) -> Vec<Family> {
    let mut rest = body;
    let mut families = Vec::new();
    while !rest.is_empty() {
        families.push(family(message::MetricFamily::decode_length_delimited(&mut rest).unwrap()));
    }
    families
}

fn family(read: message::MetricFamily) -> Family {
    let kind = match read.kind() {
        message::MetricType::Counter => FamilyKind::Counter,
        message::MetricType::Gauge => FamilyKind::Gauge,
        message::MetricType::Summary => FamilyKind::Summary,
        message::MetricType::Untyped => FamilyKind::Unknown,
        message::MetricType::Histogram => FamilyKind::Histogram,
    };
    let mut family = Family::new(read.name(), kind, read.help());
    for metric in &read.metric {
        let number = |number: Option<message::Number>| Value::Number(number.unwrap().value());
        let value = match kind {
            FamilyKind::Counter => number(metric.counter),
            FamilyKind::Gauge => number(metric.gauge),
            FamilyKind::Unknown => number(metric.untyped),
            FamilyKind::Summary => Value::Summary(read_summary(metric.summary.as_ref().unwrap())),
            FamilyKind::Histogram => Value::Histogram(read_histogram(metric.histogram.as_ref().unwrap())),
        };
        let labels = metric.label.iter().map(|label| (label.name().to_owned(), label.value().to_owned()));
        family.series.push(Series { labels: Labels::new(labels), value });
    }
    family
}

fn read_summary(read: &message::Summary) -> Summary {
    let quantiles = read.quantile.iter().map(|one| (one.quantile(), one.value())).collect();
    Summary { quantiles, sum: read.sample_sum(), count: read.sample_count() as f64 }
}

fn read_histogram(read: &message::Histogram) -> Histogram {
    let count = |whole: Option<u64>, float: Option<f64>| float.unwrap_or(whole.unwrap_or(0) as f64);
    let buckets = read.bucket.iter().map(|bucket| Bucket {
        le: bucket.upper_bound(),
        count: count(bucket.cumulative_count, bucket.cumulative_count_float),
    });
    Histogram {
        buckets: buckets.collect(),
        sum: read.sample_sum(),
        count: count(read.sample_count, read.sample_count_float),
        native: read.schema.map(|schema| NativeHistogram {
            schema: schema.try_into().unwrap(),
            zero_threshold: read.zero_threshold(),
            zero_count: read.zero_count(),
            positive: read_spans(&read.positive_span, &read.positive_delta),
            negative: read_spans(&read.negative_span, &read.negative_delta),
        }),
    }
}

fn read_spans(spans: &[message::BucketSpan], deltas: &[i64]) -> Vec<NativeBucket> {
    let (mut index, mut count, mut deltas) = (0, 0, deltas.iter());
    let mut buckets = Vec::new();
    for span in spans {
        index += span.offset();
        for _ in 0..span.length() {
            count += deltas.next().unwrap();
            buckets.push(NativeBucket { index, count: count.try_into().unwrap() });
            index += 1;
        }
    }
    assert_eq!(deltas.next(), None, "a delta beyond the spans");
    buckets.retain(|bucket| bucket.count > 0);
    buckets
}

fn buckets(counts: &[(i32, u64)]) -> Vec<NativeBucket> {
    counts.iter().map(|(index, count)| NativeBucket { index: *index, count: *count }).collect()
}

#[test]
fn a_message_is_these_bytes_after_its_length() {
    let family = Family::single("a", FamilyKind::Gauge, "h", Labels::new([("l", "v")]), 1.0);
    let metric = [
        &[0x0a, 6, 0x0a, 1, b'l', 0x12, 1, b'v'][..], // label = 1: name = 1, value = 2
        &[0x12, 9, 0x09, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f], // gauge = 2: value = 1, a double
    ]
    .concat();
    // name = 1, help = 2, type = 3: GAUGE, metric = 4
    let family_bytes = [&[0x0a, 1, b'a', 0x12, 1, b'h', 0x18, 1, 0x22, 19][..], &metric].concat();
    assert_eq!(encode(&[family], || ()), [&[29][..], &family_bytes].concat());
}

#[test]
fn buckets_near_each_other_share_a_span_and_their_counts_are_differences() {
    let check = |counts: &[(i32, u64)], expected: &[(i32, u32)], deltas: &[i64]| {
        let (spans, found) = spans(&buckets(counts));
        let spans: Vec<(i32, u32)> = spans.iter().map(|span| (span.offset(), span.length())).collect();
        assert_eq!((spans.as_slice(), found.as_slice()), (expected, deltas));
    };
    check(&[], &[], &[]);
    check(&[(-20, 3)], &[(-20, 1)], &[3]);
    check(&[(1, 3), (2, 1)], &[(1, 2)], &[3, -2]);
    check(&[(0, 3), (3, 5)], &[(0, 4)], &[3, -3, 0, 5]);
    check(&[(0, 3), (4, 5)], &[(0, 1), (3, 1)], &[3, 2]);
}

#[test]
fn what_is_written_is_what_a_scraper_reads() {
    let counter = Family::single("a_total", FamilyKind::Counter, "c", Labels::empty(), 3.0);
    let mut gauge = Family::new("b", FamilyKind::Gauge, "g");
    gauge.push(Labels::new([("x", "1"), ("y", "\"\\\n")]), -0.5);
    gauge.push(Labels::empty(), f64::NEG_INFINITY);
    let untyped = Family::single("c", FamilyKind::Unknown, "u", Labels::empty(), 0.0);
    let bucket = |le, count| Bucket { le, count };
    let native = NativeHistogram {
        schema: 3,
        zero_threshold: 1e-9,
        zero_count: 2,
        positive: buckets(&[(-40, 1), (-39, 4), (-36, 2), (100, u64::from(u32::MAX))]),
        negative: buckets(&[(8, 1)]),
    };
    let with_native = Histogram {
        buckets: vec![bucket(0.5, 7.0), bucket(f64::INFINITY, 8.0)],
        sum: 1.5,
        count: 8.0,
        native: Some(native),
    };
    let classic = Histogram {
        buckets: vec![bucket(0.5, 0.5), bucket(f64::INFINITY, 1.5)],
        sum: 0.0,
        count: 1.5,
        native: None,
    };
    let series = |value| Series { labels: Labels::empty(), value };
    let histograms = Family {
        series: vec![series(Value::Histogram(with_native)), series(Value::Histogram(classic))],
        ..Family::new("d", FamilyKind::Histogram, "h")
    };
    let summary = Value::Summary(Summary { quantiles: vec![(0.5, 1.0), (1.0, 2.0)], sum: 2.0, count: 3.0 });
    let summaries = Family { series: vec![series(summary)], ..Family::new("e", FamilyKind::Summary, "s") };
    let families = [counter, gauge, untyped, histograms, summaries];
    assert_eq!(decoded(&encode(&families, || ())), families);
}
