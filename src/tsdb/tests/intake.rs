//! What becomes of what is brought: unfolding, staleness, order.

use super::*;
use crate::family::{Bucket, Histogram, Series, Summary, Value};
use crate::promql::{STALE, is_stale};
use crate::tsdb::{Intake, Metadata};

/// All points, a line for each series: `name{…} 1000=1 2000=stale`.
fn rendered(store: &Store) -> Vec<String> {
    let mut lines: Vec<String> = store
        .select(&[], ALL)
        .unwrap()
        .iter()
        .map(|series| {
            let name = series.labels.value("__name__").unwrap_or_default();
            let labels = series.labels.without("__name__").to_string();
            let points = series.points.iter().map(|point| {
                let value = if is_stale(point.value) { "stale".to_owned() } else { point.value.to_string() };
                format!(" {}={value}", point.at_ms)
            });
            format!("{name}{labels}{}", points.collect::<String>())
        })
        .collect();
    lines.sort();
    lines
}

fn histogram(counts: &[(f64, f64)]) -> Family {
    let buckets: Vec<Bucket> = counts.iter().map(|(le, count)| Bucket { le: *le, count: *count }).collect();
    let count = buckets.last().map_or(0.0, |bucket| bucket.count);
    let value = Value::Histogram(Histogram { buckets, sum: count / 2.0, count, native: None });
    let series = vec![Series { labels: Labels::new([("le", "mine"), ("a", "b")]), value }];
    Family { series, ..Family::new("h", FamilyKind::Histogram, "") }
}

#[test]
fn families_unfold_as_a_time_series_database_knows_them() {
    let store = Store::default();
    let summary = Value::Summary(Summary { quantiles: vec![(0.5, 3.0), (1.0, 4.0)], sum: 10.0, count: 3.0 });
    let summary = Series { labels: Labels::empty(), value: summary };
    let families = [
        histogram(&[(0.005, 1.0), (1.0, 2.0), (f64::INFINITY, 4.0)]),
        Family { series: vec![summary], ..Family::new("s", FamilyKind::Summary, "") },
        gauges("g", [(1, 7.0)]),
    ];
    let intake = store.scrape(&origin("a"), 1000, &families);
    assert_eq!(intake, Intake { samples: 10, ..Intake::default() });
    assert_eq!(
        rendered(&store),
        [
            r#"g{i="1"} 1000=7"#,
            r#"h_bucket{a="b",le="+Inf"} 1000=4"#,
            r#"h_bucket{a="b",le="0.005"} 1000=1"#,
            r#"h_bucket{a="b",le="1.0"} 1000=2"#,
            r#"h_count{a="b",le="mine"} 1000=4"#,
            r#"h_sum{a="b",le="mine"} 1000=2"#,
            r#"s_count{} 1000=3"#,
            r#"s_sum{} 1000=10"#,
            r#"s{quantile="0.5"} 1000=3"#,
            r#"s{quantile="1.0"} 1000=4"#,
        ]
    );
    let mut unfolded = 0;
    for family in &families {
        family.each_sample(|name, labels, value| {
            unfolded += 1;
            let labels = labels.with("__name__", name);
            let found = store.select(
                &labels.iter().map(|(name, value)| Matcher::equal(name, value)).collect::<Vec<_>>(),
                ALL,
            );
            assert_eq!(found.unwrap()[0].points, [Point { at_ms: 1000, value }], "{labels}");
        });
    }
    assert_eq!(unfolded, 10);
}

#[test]
fn a_series_that_is_no_longer_shown_is_stale_and_continues_when_it_is_back() {
    let store = Store::default();
    let (a, b) = (origin("a"), origin("b"));
    let show = |origin: &Origin, at_ms, shown: &[usize]| {
        store.scrape(origin, at_ms, &[gauges("g", shown.iter().map(|i| (*i, at_ms as f64)))]).samples
    };
    assert_eq!(show(&a, 1000, &[1, 2, 3]), 3);
    assert_eq!(show(&b, 1000, &[9]), 1);
    assert_eq!(show(&a, 2000, &[1, 3]), 3);
    assert_eq!(show(&a, 3000, &[3, 1]), 2);
    assert_eq!(show(&a, 4000, &[2, 3]), 3);
    assert_eq!(show(&b, 4000, &[9]), 1);
    store.end(&a, 5000);
    store.end(&a, 6000);
    assert_eq!(
        rendered(&store),
        [
            r#"g{i="1"} 1000=1000 2000=2000 3000=3000 4000=stale"#,
            r#"g{i="2"} 1000=1000 2000=stale 4000=4000 5000=stale"#,
            r#"g{i="3"} 1000=1000 2000=2000 3000=3000 4000=4000 5000=stale"#,
            r#"g{i="9"} 1000=1000 4000=4000"#,
        ]
    );
}

#[test]
fn buckets_that_go_end_and_new_ones_begin() {
    let store = Store::default();
    let a = origin("a");
    store.scrape(&a, 1000, &[histogram(&[(1.0, 1.0), (f64::INFINITY, 1.0)])]);
    store.scrape(&a, 2000, &[histogram(&[(2.0, 1.0), (f64::INFINITY, 2.0)])]);
    store.scrape(&a, 3000, &[]);
    let buckets: Vec<String> = rendered(&store).into_iter().filter(|line| line.contains("bucket")).collect();
    assert_eq!(
        buckets,
        [
            r#"h_bucket{a="b",le="+Inf"} 1000=1 2000=2 3000=stale"#,
            r#"h_bucket{a="b",le="1.0"} 1000=1 2000=stale"#,
            r#"h_bucket{a="b",le="2.0"} 2000=1 3000=stale"#,
        ]
    );
}

#[test]
fn what_is_late_or_contradicts_is_counted_and_not_stored() {
    let labels = named("m", &[]);
    let intake =
        |samples, out_of_order, duplicates| Intake { samples, out_of_order, duplicates, refused_series: 0 };
    let store = Store::default();
    for (at_ms, value, expected) in [
        (1000, STALE, intake(0, 0, 0)),
        (2000, 1.0, intake(1, 0, 0)),
        (2000, 1.0, intake(0, 0, 0)),
        (2000, 2.0, intake(0, 0, 1)),
        (1999, 1.0, intake(0, 1, 0)),
        (2001, f64::NAN, intake(1, 0, 0)),
        (2001, f64::NAN, intake(0, 0, 0)),
        (2002, STALE, intake(1, 0, 0)),
        (2003, STALE, intake(0, 0, 0)),
        (2004, -0.0, intake(1, 0, 0)),
        (2004, 0.0, intake(0, 0, 1)),
    ] {
        assert_eq!(store.append(&labels, Point { at_ms, value }), expected, "{value} at {at_ms}");
    }
    assert_eq!(rendered(&store), ["m{} 2000=1 2001=NaN 2002=stale 2004=-0"]);
    let stats = store.stats();
    assert_eq!((stats.appended_total, stats.out_of_order_total, stats.duplicates_total), (4, 1, 2));
    assert_eq!((stats.series, stats.samples), (1, 4));
    // A family that shows a series twice: the first holds.
    let twice = store.scrape(&origin("a"), 1000, &[gauges("g", [(1, 1.0), (2, 5.0), (1, 2.0)])]);
    assert_eq!(twice, intake(2, 0, 1));
}

#[test]
fn metadata_is_what_an_origin_said_last_until_it_is_forgotten() {
    let store = Store::default();
    let (a, b) = (origin("a"), origin("b"));
    let say = |origin, at_ms, kind, help| store.scrape(origin, at_ms, &[Family::new("m", kind, help)]);
    let known = |kind, help: &str| [("m".to_owned(), Metadata { kind, help: help.to_owned() })].into();
    say(&a, 1, FamilyKind::Counter, "one");
    assert_eq!(store.metadata(), known(FamilyKind::Counter, "one"));
    say(&a, 2, FamilyKind::Gauge, "two");
    assert_eq!(store.metadata(), known(FamilyKind::Gauge, "two"));
    store.forget(&b);
    assert_eq!(store.metadata(), known(FamilyKind::Gauge, "two"));
    store.forget(&a);
    assert!(store.metadata().is_empty());
}

#[test]
fn what_is_forgotten_leaves_nothing_and_may_come_again() {
    let store = Store::default();
    let empty = store.stats().bytes;
    let (a, b) = (origin("a"), origin("b"));
    let family = |name: &str| [gauges(name, (0..100).map(|i| (i, i as f64)))];
    for at_ms in 1..200 {
        store.scrape(&a, at_ms, &family("a"));
        store.scrape(&b, at_ms, &family("b"));
    }
    store.append(&named("rule", &[]), Point { at_ms: 200, value: 1.0 });
    store.end(&a, 200);
    store.forget(&a);
    assert_eq!(store.names(), ["b", "rule"].map(str::to_owned).into());
    assert_eq!(store.forget_matching(&[matcher("i", "=~", "[1-9]")]), 9);
    assert_eq!(store.stats().series, 92);
    // A living origin goes on with what was taken from it.
    assert_eq!(store.scrape(&b, 300, &family("b")).samples, 100);
    assert_eq!(store.scrape(&b, 301, &[]).samples, 100);
    store.forget(&b);
    assert_eq!(store.forget_matching(&[]), 1);
    let stats = store.stats();
    assert_eq!((stats.series, stats.samples), (0, 0));
    // Places stay, to be used again, and what was encoded last.
    assert!(stats.bytes < empty + 100_000, "{} bytes", stats.bytes);
    let before = stats.bytes;
    for _ in 0..3 {
        store.scrape(&a, 400, &family("a"));
        store.forget(&a);
    }
    assert!(store.stats().bytes <= before, "{} bytes, then {}", before, store.stats().bytes);
}
