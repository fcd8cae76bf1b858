//! Hours of virtual time in little memory.

use super::*;
use crate::tsdb::Need;

const MIB: usize = 1 << 20;

fn is_kept(kept: &str) -> Need {
    Need { matchers: vec![Matcher::equal("__name__", kept)], range_ms: 600_000 }
}

fn families(tick: i64, series: usize) -> [Family; 2] {
    let value = |i: usize| (i, (tick * 37 + (tick * tick * (i as i64 + 7)) % 97) as f64);
    [gauges("kept", (0..series / 2).map(value)), gauges("shown", (0..series / 2).map(value))]
}

#[test]
fn hours_fit_into_the_budget_and_both_rules_and_charts_have_what_they_need() {
    let store = Store::new(MIB);
    store.keep(vec![is_kept("kept")]);
    let a = origin("a");
    for tick in 0..3 * 3600 {
        store.scrape(&a, tick * 1000 + tick % 3, &families(tick, 60));
        let stats = store.stats();
        assert!(stats.bytes <= MIB, "{} bytes after {tick} s", stats.bytes);
    }
    let now_ms = 10_799_002;
    let stats = store.stats();
    assert!(stats.thinned_samples_total > 0 && stats.bytes > MIB / 4 * 3, "{stats:?}");
    assert_eq!((stats.starved_samples_total, stats.dropped_series), (0, 0));
    let lost = stats.thinned_samples_total + stats.expired_samples_total;
    assert_eq!(stats.appended_total, stats.samples + lost);
    for series in store.select(&[Matcher::equal("__name__", "kept")], ALL).unwrap() {
        let recent = series.points.iter().filter(|point| point.at_ms > now_ms - 600_000).count();
        assert_eq!(recent, 600, "{}", series.labels);
    }
    for series in store.select(&[], ALL).unwrap() {
        assert!(series.points[0].at_ms <= 240_000, "{} begins at {}", series.labels, series.points[0].at_ms);
        for pair in series.points.windows(2) {
            let (gap_ms, age_ms) = (pair[1].at_ms - pair[0].at_ms, now_ms - pair[0].at_ms);
            assert!(gap_ms <= 1002.max(age_ms / 20), "{}: {gap_ms} ms, {age_ms} ms ago", series.labels);
        }
    }
}

#[test]
fn where_not_even_the_rules_needs_fit_the_oldest_go_and_are_counted() {
    let store = Store::new(MIB / 6);
    store.keep(vec![Need { range_ms: i64::MAX, ..is_kept("kept") }]);
    for tick in 0..15_000 {
        store.scrape(&origin("a"), tick * 1000, &families(tick, 20));
        assert!(store.stats().bytes <= MIB / 6, "{} bytes after {tick} s", store.stats().bytes);
    }
    assert!(store.stats().starved_samples_total > 0);
    // All equally, and the newest are there.
    for series in store.select(&[Matcher::equal("__name__", "kept")], ALL).unwrap() {
        let tail = &series.points[series.points.len() - 1000..];
        assert!(tail.windows(2).all(|pair| pair[1].at_ms - pair[0].at_ms == 1000), "{}", series.labels);
        assert_eq!(tail[999].at_ms, 14_999_000);
    }
}

#[test]
fn endless_new_series_of_a_target_take_neither_memory_nor_our_place() {
    let store = Store::new(2 * MIB);
    let (own, target) = (origin("own"), origin("target"));
    store.trust(&own);
    store.keep(vec![is_kept("kept")]);
    for tick in 0..400 {
        let hostile = gauges("hostile", (0..200).map(|i| (i + tick as usize * 200, 1.0)));
        store.scrape(&target, tick * 1000, &[hostile]);
        // One more of our own every four seconds.
        let intake = store.scrape(&own, tick * 1000, &families(tick, 2 * (1 + tick as usize / 4)));
        assert_eq!(intake.refused_series, 0, "at {tick} s");
        let stats = store.stats();
        assert!(stats.bytes <= 2 * MIB, "{} bytes after {tick} s", stats.bytes);
    }
    let stats = store.stats();
    assert!(stats.dropped_series > 0 && stats.refused_samples_total > 0, "{stats:?}");
    assert_eq!(stats.starved_samples_total, 0);
    let kept = store.select(&[matcher("__name__", "=", "kept"), matcher("i", "=", "0")], ALL).unwrap();
    assert_eq!(kept[0].points.len(), 400);
}

#[test]
fn a_histogram_without_room_for_all_its_buckets_is_refused_as_a_whole() {
    use crate::family::{Bucket, Histogram, Series, Value};
    let store = Store::new(40_000);
    let buckets = |count: i32| (0..count).map(|i| Bucket { le: f64::from(i), count: 1.0 }).collect();
    let family = |count: i32| {
        let value = Value::Histogram(Histogram { buckets: buckets(count), ..Histogram::default() });
        let series = vec![Series { labels: Labels::empty(), value }];
        [Family { series, ..Family::new("h", FamilyKind::Histogram, "") }]
    };
    let intake = store.scrape(&origin("a"), 1000, &family(20));
    assert_eq!((intake.samples, intake.refused_series, store.stats().dropped_series), (0, 22, 22));
    let intake = store.scrape(&origin("a"), 2000, &family(1));
    assert_eq!((intake.samples, intake.refused_series, store.stats().dropped_series), (3, 0, 0));
    assert_eq!(store.stats().refused_samples_total, 22);
}

#[test]
fn series_that_ended_make_room_for_living_ones() {
    let store = Store::new(MIB);
    // Each second ten series come and go again: 6,000 in all, of which 100 have room at a time.
    let mut refused = 0;
    for tick in 0..600 {
        let shown = gauges("pod", (0..10).map(|i| (i + tick as usize * 10, 1.0)));
        refused += store.scrape(&origin("a"), tick * 1000, &[shown]).refused_series;
    }
    assert_eq!(refused, 0);
    assert!(store.stats().bytes <= MIB);
}
