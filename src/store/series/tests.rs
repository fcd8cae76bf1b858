//! What is kept of series is what was there.

use proptest::prelude::*;
use tempfile::TempDir;

use super::codec::{Frame, decode, encode};
use super::*;
use crate::family::{Bucket, FamilyKind, Histogram, Value};
use crate::labels::Labels;
use crate::promql::{MatchKind, Series};
use crate::store::{Accepted, Bundle, Meta, Submission, Trigger};

const BEGIN_MS: i64 = 1_700_000_000_000;

fn with_run() -> (TempDir, Runs, RunId) {
    let folder = TempDir::new().unwrap();
    let runs = Runs::open(folder.path()).unwrap();
    let id = RunId("r".to_owned());
    accept(&runs, &id);
    (folder, runs, id)
}

fn accept(runs: &Runs, id: &RunId) {
    let bundle = Bundle { plan: String::new(), files: Default::default() };
    let submission = Submission { bundle, profile: None, env: Vec::new(), tags: Vec::new() };
    let (test, plan) = ("t".to_owned(), "p".to_owned());
    let meta = Meta { test, plan, profile: None, tags: Vec::new(), trigger: Trigger::Api };
    assert!(matches!(runs.accept(&submission, &meta, None, id, 1), Ok(Accepted::Created(_))));
}

fn all(store: &Store) -> Vec<Series> {
    let range = TimeRange { from_ms: i64::MIN, to_ms: i64::MAX };
    let mut series = store.select(&[], range).unwrap();
    series.sort_by(|a, b| a.labels.cmp(&b.labels));
    series
}

fn replayed(runs: &Runs, id: &RunId) -> Store {
    let store = Store::default();
    assert_eq!(runs.replay(id, &store).unwrap().refused, 0);
    store
}

/// One histogram of a name, a counter and a gauge that is there at every third moment.
fn families(at: u64) -> Vec<Family> {
    let labels = || Labels::new([("scenario", "chat"), ("testid", "r")]);
    let count = (at * 7) as f64;
    let buckets = vec![Bucket { le: 0.5, count: (at * 5) as f64 }, Bucket { le: f64::INFINITY, count }];
    let mut histogram = Family::new("k6_http_req_duration_seconds", FamilyKind::Histogram, "How long.");
    let value = Value::Histogram(Histogram { buckets, sum: at as f64 * 0.1, count, native: None });
    histogram.series.push(crate::family::Series { labels: labels(), value });
    let mut families = vec![
        histogram,
        Family::single("k6_http_reqs_total", FamilyKind::Counter, "Requests.", labels(), count),
    ];
    if at.is_multiple_of(3) {
        families.push(Family::single("k6_odd", FamilyKind::Gauge, "Now and then.", labels(), f64::NAN));
    }
    families
}

/// What a query at this moment looks at.
fn lookback(at_ms: i64) -> TimeRange {
    TimeRange { from_ms: at_ms - 300_000, to_ms: at_ms }
}

#[test]
fn an_old_run_is_asked_as_one_that_is_going_on() {
    let (folder, runs, id) = with_run();
    let live = Store::default();
    let origin = crate::tsdb::Origin("self".to_owned());
    let mut runs = runs;
    let mut last_ms = 0;
    for at in 0..130 {
        last_ms = BEGIN_MS + at as i64 * 5_000;
        live.scrape(&origin, last_ms, &families(at));
        assert!(runs.append_frame(&id, last_ms, &families(at)).unwrap().samples >= 5);
        if at == 70 {
            // Whoever goes on after a restart knows the series by their numbers.
            drop(runs);
            runs = Runs::open(folder.path()).unwrap();
        }
    }
    live.end(&origin, last_ms + 1);
    let expected = all(&live);
    let same = |store: &Store| {
        let bits = |series: &Series| -> Vec<(i64, u64)> {
            series.points.iter().map(|point| (point.at_ms, point.value.to_bits())).collect()
        };
        let found = all(store);
        assert_eq!(found.len(), expected.len());
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!((&found.labels, bits(found)), (&expected.labels, bits(expected)));
        }
        assert_eq!(store.metadata(), live.metadata());
    };
    same(&replayed(&runs, &id));
    runs.interrupt(&id, "cut", 1).unwrap();
    same(&replayed(&runs, &id));
    let range = runs.replay(&id, &Store::default()).unwrap().range_ms;
    assert_eq!(range, Some((BEGIN_MS, last_ms)));
}

#[test]
fn a_snapshot_is_what_an_embedded_store_shows_at_that_moment() {
    let (_folder, runs, id) = with_run();
    let store = Store::default();
    let origin = crate::tsdb::Origin("target".to_owned());
    let gauge = |run: &str, value| {
        let labels = Labels::new([("testid", run)]);
        Family::single("g", FamilyKind::Gauge, "A gauge.", labels, value)
    };
    store.scrape(&origin, BEGIN_MS, &[gauge("r", 1.0), gauge("other", 5.0)]);
    store.scrape(&origin, BEGIN_MS + 9_000, &[gauge("r", 2.0)]);
    let of_run = [Matcher::new("testid", MatchKind::Equal, "r").unwrap()];
    let appended = runs.append_snapshot(&id, lookback(BEGIN_MS + 10_000), &store, &of_run).unwrap();
    assert_eq!(appended, Appended { samples: 1, left_out: 0 });
    let everything = runs.append_snapshot(&id, lookback(BEGIN_MS + 15_000), &store, &[]).unwrap();
    assert_eq!(everything.samples, 1, "what has ended is not there");
    let store = replayed(&runs, &id);
    let points: Vec<f64> = all(&store)[0].points.iter().map(|point| point.value).collect();
    assert_eq!(points[..2], [2.0, 2.0]);
    assert_eq!(store.metadata()["g"].kind, FamilyKind::Gauge);
}

#[test]
fn above_an_hour_steps_are_wide_and_when_it_ends_those_before_it_are_too() {
    let (_folder, runs, id) = with_run();
    let gauge = |at: i64| [Family::single("g", FamilyKind::Gauge, "", Labels::empty(), at as f64)];
    for at in 0..=(2 * 3600 / 5) {
        runs.append_frame(&id, BEGIN_MS + at * 5_000, &gauge(at)).unwrap();
    }
    let times = |runs: &Runs| -> Vec<i64> {
        let store = replayed(runs, &id);
        let points = &all(&store)[0].points;
        points
            .iter()
            .filter(|point| !is_stale(point.value))
            .map(|point| (point.at_ms - BEGIN_MS) / 1_000)
            .collect()
    };
    let before = times(&runs);
    assert_eq!(before[..3], [0, 5, 10]);
    assert_eq!(before[before.len() - 3..], [7_170, 7_185, 7_200]);
    runs.interrupt(&id, "cut", 1).unwrap();
    let after = times(&runs);
    assert_eq!(after, (0..=480).map(|step| step * 15).collect::<Vec<i64>>());
}

#[test]
fn frames_that_are_not_after_the_last_are_left_out() {
    let (_folder, runs, id) = with_run();
    let append = |at_ms| runs.append_frame(&id, at_ms, &families(1)).unwrap().samples;
    assert_eq!((append(BEGIN_MS), append(BEGIN_MS), append(BEGIN_MS - 1)), (5, 0, 0));
}

#[test]
fn a_thousand_series_take_less_than_five_megabytes_an_hour() {
    let (folder, runs, id) = with_run();
    let mut rng = fastrand::Rng::with_seed(1);
    // Forty label sets of a histogram with twenty buckets and its sum, and some gauges of a target.
    let mut counts = vec![[0.0; 20]; 40];
    let mut sums = vec![0.0; 40];
    // A third of an hour: the rest is the same.
    for at in 0..240 {
        let mut histogram = Family::new("k6_http_req_duration_seconds", FamilyKind::Histogram, "");
        for (set, counts) in counts.iter_mut().enumerate() {
            let mut more = 0;
            for count in counts.iter_mut() {
                more += rng.u32(0..40);
                *count += f64::from(more);
            }
            sums[set] += f64::from(more) * 0.02 * (1.0 + rng.f64());
            let bounds = (0..19).map(|at| 0.005 * 1.6_f64.powi(at)).chain([f64::INFINITY]);
            let buckets: Vec<Bucket> =
                bounds.zip(counts.iter()).map(|(le, count)| Bucket { le, count: *count }).collect();
            let count = counts[19];
            let labels = Labels::new([("name", format!("/api/v1/path/{set}")), ("testid", "r".to_owned())]);
            let value = Value::Histogram(Histogram { buckets, sum: sums[set], count, native: None });
            histogram.series.push(crate::family::Series { labels, value });
        }
        let mut gauges = Family::new("backend_value", FamilyKind::Gauge, "");
        (0..120).for_each(|at| gauges.push(Labels::new([("of", at.to_string())]), rng.f64() * 100.0));
        let appended = runs.append_frame(&id, BEGIN_MS + at * 5_000, &[histogram, gauges]).unwrap();
        assert_eq!(appended.samples, 40 * 22 + 120);
    }
    runs.interrupt(&id, "cut", 1).unwrap();
    let bytes: i64 = runs
        .read(|connection| {
            let sql = "SELECT (SELECT sum(length(data)) FROM series_block) + (SELECT sum(length(data)) FROM series_label)";
            Ok(connection.query_row(sql, [], |row| row.get(0))?)
        })
        .unwrap();
    let per_sample = bytes as f64 / (240.0 * 1000.0);
    assert!(bytes * 3 < 5_000_000 && per_sample < 3.0, "{bytes} bytes, {per_sample:.2} a sample");
    drop(runs);
    let file = std::fs::metadata(folder.path().join("runs.db")).unwrap().len();
    assert!(file * 3 < 10_000_000, "with room for what comes: {file} bytes");
}

proptest! {
    #[test]
    fn what_is_encoded_is_decoded(
        frames in prop::collection::vec(
            (any::<i64>(), prop::collection::btree_map(0_u32..50, prop_oneof![
                any::<f64>(),
                Just(STALE_BITS),
                (-1_000_000_i64..1_000_000).prop_map(|whole| whole as f64),
                Just(-0.0),
            ], 0..20)),
            0..20,
        ),
    ) {
        let frames: Vec<Frame> = frames
            .into_iter()
            .map(|(at_ms, samples)| Frame { at_ms, samples: samples.into_iter().collect() })
            .collect();
        let found = decode(&encode(&frames)).unwrap();
        let bits = |frames: &[Frame]| -> Vec<(i64, Vec<(u32, u64)>)> {
            let of = |frame: &Frame| frame.samples.iter().map(|(at, value)| (*at, value.to_bits())).collect();
            frames.iter().map(|frame| (frame.at_ms, of(frame))).collect()
        };
        prop_assert_eq!(bits(&found), bits(&frames));
    }

    #[test]
    fn whatever_bytes_there_are_decoding_does_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        let _ = decode(&bytes);
    }
}

const STALE_BITS: f64 = crate::promql::STALE;
