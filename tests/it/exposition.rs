//! The exposition against golden files, promtool, itself read back, and bodies broken at random.

use std::path::PathBuf;

use loadgate::exposition::{Format, Limits, encode, parse};
use loadgate::family::{Bucket, Family, FamilyKind, Histogram, Series, Summary, Value};
use loadgate::labels::Labels;
use loadgate::scrape::ScrapeStats;
use proptest::prelude::*;

use crate::stage::check_with_promtool;

fn encoded(families: &[Family], format: Format) -> String {
    let mut out = String::new();
    encode(families, format, &mut out);
    out
}

fn buckets(counts: &[(f64, f64)]) -> Vec<Bucket> {
    counts.iter().map(|(le, count)| Bucket { le: *le, count: *count }).collect()
}

/// Every kind, every escape, and every value that is written in its own way.
fn families() -> Vec<Family> {
    let mut requests = Family::new("k6_http_reqs_total", FamilyKind::Counter, "Requests sent.");
    requests.push(Labels::new([("name", "/health"), ("status", "200")]), 1234567.0);
    requests.push(Labels::new([("name", "say \"hi\", {x}\\\n"), ("status", "500")]), 0.0);
    let mut users = Family::new("k6_vus", FamilyKind::Gauge, "Users at work: \\ and\na second line.");
    users.push(Labels::empty(), 1000.0);
    let mut odd = Family::new("loadgate_odd", FamilyKind::Gauge, "Values that are no usual numbers.");
    for (name, value) in [
        ("nan", f64::NAN),
        ("up", f64::INFINITY),
        ("down", f64::NEG_INFINITY),
        ("small", 1e-7),
        ("large", 1e21),
        ("half", -0.5),
    ] {
        odd.push(Labels::new([("kind", name)]), value);
    }
    let mut duration =
        Family::new("k6_http_req_duration_seconds", FamilyKind::Histogram, "Time to the whole response.");
    for (scenario, counts) in [("chat", [3.0, 5.0, 9.0, 10.0]), ("health", [0.0, 0.0, 0.0, 0.0])] {
        let bounds = [0.005, 0.5, 10.0, f64::INFINITY];
        let points: Vec<(f64, f64)> = bounds.into_iter().zip(counts).collect();
        let histogram = Histogram { buckets: buckets(&points), sum: 12.25, count: counts[3], native: None };
        duration.series.push(Series {
            labels: Labels::new([("scenario", scenario)]),
            value: Value::Histogram(histogram),
        });
    }
    let quantiles = vec![(0.5, 0.01), (0.99, 1.0), (1.0, f64::NAN)];
    let summary = Value::Summary(Summary { quantiles, sum: 17.5, count: 4.0 });
    let summary = Family {
        series: vec![Series { labels: Labels::new([("a", "b")]), value: summary }],
        ..Family::new("loadgate_tick_seconds", FamilyKind::Summary, "Time of a tick.")
    };
    let plain = Family::single("loadgate_plain", FamilyKind::Unknown, "Untyped.", Labels::empty(), 3.5);
    vec![requests, users, odd, duration, summary, plain]
}

fn check_golden(format: Format, file: &str) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(file);
    let actual = encoded(&families(), format);
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &actual).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap();
    assert_eq!(actual, expected, "{} differs; UPDATE_GOLDEN=1 writes it anew", path.display());
}

#[test]
fn text_is_as_in_the_golden_file() {
    check_golden(Format::Text, "exposition.txt");
}

#[test]
fn openmetrics_is_as_in_the_golden_file() {
    check_golden(Format::OpenMetrics, "exposition.openmetrics.txt");
}

#[test]
fn promtool_has_nothing_to_say_of_the_text() {
    let own = ScrapeStats::new(["backend".into()]).families(&Labels::new([("testid", "t")]));
    let body = encoded(&[families(), own].concat(), Format::Text);
    check_with_promtool(body.as_bytes());
}

#[test]
fn nothing_is_lost_between_the_two_formats() {
    let text = parse(encoded(&families(), Format::Text).as_bytes(), Format::Text, &Limits::default());
    let open =
        parse(encoded(&families(), Format::OpenMetrics).as_bytes(), Format::OpenMetrics, &Limits::default());
    // NaN is not equal to itself, but its outline is.
    assert_eq!(format!("{:?}", text.unwrap().families), format!("{:?}", families()));
    assert_eq!(format!("{:?}", open.unwrap().families), format!("{:?}", families()));
}

/// What a real Prometheus (2.42) made of these bodies when it scraped them. Two of its verdicts are left out:
/// blanks before a name, which it takes for a part of the name, and a comma before `}` in OpenMetrics, which
/// Prometheus 3 accepts.
#[test]
fn the_parser_accepts_and_refuses_what_prometheus_does() {
    let cases = include_str!("../golden/exposition_verdicts.jsonl");
    assert!(cases.lines().count() > 100);
    for case in cases.lines() {
        let case: serde_json::Value = serde_json::from_str(case).unwrap();
        let format = if case["format"] == "text" { Format::Text } else { Format::OpenMetrics };
        let parsed = parse(case["body"].as_str().unwrap().as_bytes(), format, &Limits::default());
        assert_eq!(parsed.is_ok(), case["accepted"] == true, "{case}: {parsed:?}");
    }
}

fn any_value() -> impl Strategy<Value = f64> {
    prop_oneof![
        4 => any::<u32>().prop_map(f64::from),
        4 => any::<f64>().prop_filter("NaN is not equal to itself", |value| !value.is_nan()),
        1 => Just(f64::INFINITY),
        1 => Just(f64::NEG_INFINITY),
        1 => Just(0.0),
    ]
}

/// Any text within the parser's limits, with many of the characters that need care.
fn any_text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z0-9 ]{0,8}", "[\\\\\"\n\r\t{},=# a]{0,12}", ".{0,12}", "\\PC{0,8}"]
}

fn any_labels() -> impl Strategy<Value = Labels> {
    let name = prop_oneof![4 => "[a-k_][a-z0-9_]{0,6}", 1 => "[a-k][.\" \\\\é]{1,4}"];
    let own = |name: &String| name != "le" && !name.starts_with("__");
    prop::collection::vec((name.prop_filter("reserved", own), any_text()), 0..5).prop_map(Labels::new)
}

fn any_histogram() -> impl Strategy<Value = Value> {
    let counts = prop_oneof![
        any::<u16>().prop_map(f64::from),
        (0.0..1e6f64), // prometheus-client counts in whole numbers only
    ];
    (prop::collection::vec((any_value(), counts), 0..6), any_value()).prop_map(|(mut points, sum)| {
        points.retain(|(le, _)| le.is_finite());
        points.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        points.dedup_by(|(a, _), (b, _)| a == b);
        points.push((f64::INFINITY, 7.0));
        let mut count = 0.0;
        for point in &mut points {
            count += point.1;
            point.1 = count;
        }
        Value::Histogram(Histogram { buckets: buckets(&points), sum, count, native: None })
    })
}

fn any_summary() -> impl Strategy<Value = Value> {
    let quantiles = prop::collection::btree_map(0u16..=1000, any_value(), 0..5);
    (quantiles, any_value(), any_value()).prop_map(|(quantiles, sum, count)| {
        let quantiles = quantiles.into_iter().map(|(q, value)| (f64::from(q) / 1000.0, value)).collect();
        Value::Summary(Summary { quantiles, sum, count })
    })
}

fn any_family() -> impl Strategy<Value = Family> {
    let kind = prop_oneof![
        Just(FamilyKind::Counter),
        Just(FamilyKind::Gauge),
        Just(FamilyKind::Unknown),
        Just(FamilyKind::Histogram),
        Just(FamilyKind::Summary),
    ];
    kind.prop_flat_map(|kind| {
        let value = match kind {
            FamilyKind::Histogram => any_histogram().boxed(),
            FamilyKind::Summary => any_summary().boxed(),
            _ => any_value().prop_map(Value::Number).boxed(),
        };
        let series = prop::collection::vec((any_labels(), value), 1..4);
        let name = prop_oneof![4 => "[a-z:][a-z0-9_:]{0,8}", 1 => "[a-z][. é\"]{1,3}"];
        (name, any_text(), series).prop_map(move |(name, help, series)| {
            // In OpenMetrics only a counter's samples end in _total.
            let ending = if kind == FamilyKind::Counter { "_total" } else { "_x" };
            let mut family = Family::new(format!("{name}{ending}"), kind, help);
            for (labels, value) in series {
                if family.series.iter().all(|known| known.labels != labels) {
                    family.series.push(Series { labels, value });
                }
            }
            family
        })
    })
}

fn any_families() -> impl Strategy<Value = Vec<Family>> {
    prop::collection::vec(any_family(), 0..4).prop_map(|mut families| {
        let mut names = std::collections::HashSet::new();
        families.retain(|family| names.insert(family.name.clone()));
        families
    })
}

/// OpenMetrics leaves `_total` out of a counter's family: where the name without it is another family's, the counter keeps its
/// samples as `unknown`.
fn as_said(families: &[Family], format: Format) -> Vec<Family> {
    let taken =
        |name: &str| families.iter().any(|family| family.kind != FamilyKind::Counter && family.name == name);
    let said = |family: &Family| {
        let clashes = family.name.strip_suffix("_total").is_some_and(taken);
        match family.kind {
            FamilyKind::Counter if format == Format::OpenMetrics && clashes => {
                Family { kind: FamilyKind::Unknown, ..family.clone() }
            }
            _ => family.clone(),
        }
    };
    families.iter().map(said).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_back_as_the_same(families in any_families()) {
        for format in [Format::Text, Format::OpenMetrics] {
            let body = encoded(&families, format);
            let parsed = parse(body.as_bytes(), format, &Limits::default());
            let parsed = parsed.map_err(|error| TestCaseError::fail(format!("{error}\n{body}")))?;
            prop_assert_eq!(&parsed.families, &as_said(&families, format), "{}", body);
            prop_assert_eq!(parsed.duplicates, 0);
        }
    }
}

/// Bodies broken at random: whatever comes out, it is an error with a place or families within the limits,
/// and what was accepted can be written and read again.
#[test]
fn no_broken_body_breaks_the_parser() {
    let bodies: Vec<(Format, Vec<u8>)> = [Format::Text, Format::OpenMetrics]
        .map(|format| (format, encoded(&families(), format).into_bytes()))
        .to_vec();
    let tokens: [&[u8]; 16] = [
        b"\n", b"\"", b"\\", b"{", b"}", b"=", b",", b"#", b" ", b"\r\n", b"\0", b"\xff", b"# TYPE ",
        b"# EOF\n", b"NaN", b" # {",
    ];
    let limits = Limits { max_samples: 40, max_labels: 3, max_label_bytes: 64, ..Limits::default() };
    let mut random = fastrand::Rng::with_seed(20_260_101);
    let (mut accepted, mut refused) = (0, 0);
    for _ in 0..30_000 {
        let (format, whole) = random.choice(&bodies).unwrap();
        let start = random.usize(..whole.len());
        let mut body = if random.bool() { whole.clone() } else { whole[start..].to_vec() };
        for _ in 0..random.usize(0..4) {
            let at = random.usize(..=body.len());
            let end = (at + random.usize(0..20)).min(body.len());
            match random.u8(0..5) {
                0 => body.truncate(at),
                1 => drop(body.drain(at..end)),
                2 => drop(body.splice(at..at, random.choice(&tokens).unwrap().iter().copied())),
                3 if at < end => body[at] = random.u8(..),
                _ => {
                    let copied = body[at..end].to_vec();
                    drop(body.splice(at..at, copied));
                }
            }
        }
        match parse(&body, *format, &limits) {
            Ok(parsed) => {
                accepted += 1;
                assert!(parsed.samples <= limits.max_samples);
                let kept: usize = parsed.families.iter().map(samples).sum();
                assert_eq!(kept + parsed.duplicates, parsed.samples, "{}", String::from_utf8_lossy(&body));
                let again = encoded(&parsed.families, Format::Text);
                let again = parse(again.as_bytes(), Format::Text, &limits).unwrap();
                assert_eq!(format!("{:?}", again.families), format!("{:?}", parsed.families));
            }
            Err(error) => {
                refused += 1;
                let lines = body.iter().filter(|byte| **byte == b'\n').count() + 1;
                assert!((1..=lines).contains(&error.line) && error.column >= 1, "{error}");
                assert!(error.to_string().len() < 400, "{error}");
            }
        }
    }
    assert!(accepted > 1_000 && refused > 1_000, "{accepted} accepted, {refused} refused");
}

fn samples(family: &Family) -> usize {
    let mut count = 0;
    family.each_sample(|_, _, _| count += 1);
    count
}
