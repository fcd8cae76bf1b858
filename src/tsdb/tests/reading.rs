//! What queries are answered, beside the points themselves.

use std::ops::ControlFlow;

use super::*;
use crate::promql::Series;

fn store() -> Store {
    let store = Store::default();
    for (at, (name, labels)) in [
        ("up", &[("job", "a"), ("instance", "x:1")][..]),
        ("up", &[("job", "b"), ("instance", "y:1")]),
        ("up", &[("job", "c"), ("zone", "")]),
        ("requests_total", &[("job", "a"), ("code", "200")]),
        ("requests_total", &[("job", "a"), ("code", "503")]),
    ]
    .into_iter()
    .enumerate()
    {
        for at_ms in [1000 + at as i64, 2000 + at as i64] {
            store.append(&named(name, labels), Point { at_ms, value: at as f64 });
        }
    }
    store
}

#[test]
fn all_matchers_must_match_and_an_absent_label_is_empty() {
    let store = store();
    for (matchers, expected) in [
        (&[][..], &[0, 1, 2, 3, 4][..]),
        (&[("__name__", "=", "up")], &[0, 1, 2]),
        (&[("__name__", "=", "down")], &[]),
        (&[("__name__", "=", "up"), ("job", "=", "a")], &[0]),
        (&[("__name__", "=", "up"), ("job", "!=", "a")], &[1, 2]),
        (&[("__name__", "=", "up"), ("job", "=~", "a|c|a")], &[0, 2]),
        (&[("__name__", "=~", "up|requests_total"), ("job", "=~", "b|x")], &[1]),
        (&[("__name__", "=~", "u.*")], &[0, 1, 2]),
        (&[("__name__", "!~", "u.*")], &[3, 4]),
        (&[("code", "=~", "5..")], &[4]),
        (&[("code", "!~", "5..")], &[0, 1, 2, 3]),
        (&[("code", "=", "")], &[0, 1, 2]),
        (&[("code", "!=", "")], &[3, 4]),
        (&[("instance", "=~", "x:1|")], &[0, 2, 3, 4]),
        (&[("instance", "=~", "x")], &[]),
        (&[("instance", "=~", ".+"), ("instance", "!=", "x:1")], &[1]),
        (&[("nothing", "=~", ".*"), ("zone", "=", "")], &[0, 1, 2, 3, 4]),
        (&[("nothing", "!=", "x"), ("job", "=", "b")], &[1]),
        (&[("nothing", "=~", "x|y")], &[]),
        (&[("job", "=", "a"), ("job", "=", "b")], &[]),
    ] {
        let matchers: Vec<Matcher> = matchers.iter().map(|(l, o, v)| matcher(l, o, v)).collect();
        let mut found: Vec<i64> = store
            .select(&matchers, ALL)
            .unwrap()
            .iter()
            .map(|series| series.points[0].value as i64)
            .collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{matchers:?}");
        assert_eq!(store.series(&matchers, ALL).len(), expected.len(), "{matchers:?}");
        assert_eq!(store.latest(&matchers, ALL).unwrap().len(), expected.len(), "{matchers:?}");
    }
}

#[test]
fn names_and_values_are_those_of_series_that_match_and_have_points() {
    let store = store();
    let up = vec![matcher("__name__", "=", "up")];
    let ok = vec![matcher("code", "=", "200"), matcher("__name__", "=", "requests_total")];
    let range = |from_ms, to_ms| TimeRange { from_ms, to_ms };
    let check = |sets: &[Vec<Matcher>], range, series: usize, names: &[&str], jobs: &[&str]| {
        let owned = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        assert_eq!(store.series_of(sets, range).len(), series, "{sets:?} {range:?}");
        assert_eq!(store.label_names(sets, range), owned(names), "{sets:?} {range:?}");
        assert_eq!(store.label_values("job", sets, range), owned(jobs), "{sets:?} {range:?}");
    };
    check(&[], ALL, 5, &["__name__", "code", "instance", "job"], &["a", "b", "c"]);
    check(std::slice::from_ref(&up), ALL, 3, &["__name__", "instance", "job"], &["a", "b", "c"]);
    check(
        &[up.clone(), ok.clone(), up.clone()],
        ALL,
        4,
        &["__name__", "code", "instance", "job"],
        &["a", "b", "c"],
    );
    check(std::slice::from_ref(&up), range(2001, 2001), 1, &["__name__", "instance", "job"], &["b"]);
    check(std::slice::from_ref(&up), range(1003, 1999), 0, &[], &[]);
    check(&[ok], range(0, 1003), 1, &["__name__", "code", "job"], &["a"]);
    check(&[], range(2005, i64::MAX), 0, &[], &[]);
    assert_eq!(store.names(), ["requests_total", "up"].map(str::to_owned).into());
    assert!(store.label_values("nothing", &[], ALL).is_empty());
}

#[test]
fn a_selector_that_would_read_without_bound_is_refused() {
    let store = Store { max_points: 1000, ..Store::default() };
    for at_ms in 0..200 {
        store.scrape(&origin("a"), at_ms, &[gauges("m", (0..6).map(|i| (i, 0.0)))]);
    }
    let select = |matchers: &[Matcher], from_ms| store.select(matchers, TimeRange { from_ms, to_ms: 1000 });
    let error = select(&[], 0).unwrap_err().to_string();
    assert_eq!(
        error,
        "a selector would read more than 1000 points: ask for fewer series, or a shorter range"
    );
    assert_eq!(select(&[], 190).unwrap().len(), 6);
    assert_eq!(select(&[matcher("i", "!=", "0")], 0).unwrap().len(), 5);
    assert_eq!(store.latest(&[], ALL).unwrap().len(), 6);
    // One series after the other is no more than one at a time.
    let mut visited = 0;
    let visit = store.visit(&[], ALL, &mut |_, points| {
        assert_eq!(points.len(), 200);
        visited += 1;
        if visited < 5 { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
    });
    assert_eq!((visit, visited), (Ok(()), 5));
}

#[test]
fn series_that_are_visited_are_those_that_are_selected() {
    let store = Store::default();
    for at in 0..500 {
        store.scrape(&origin("a"), at * 1000, &[gauges("m", (0..4).map(|i| (i, at as f64)))]);
    }
    for (from_ms, to_ms) in [(i64::MIN, i64::MAX), (0, 0), (1, 999), (130_500, 310_000), (499_000, 600_000)] {
        let range = TimeRange { from_ms, to_ms };
        let matchers = [matcher("i", "!=", "2")];
        let mut visited = Vec::new();
        let visit = store.visit(&matchers, range, &mut |labels, points| {
            visited.push(Series { labels: labels.clone(), points: points.to_vec() });
            ControlFlow::Continue(())
        });
        assert_eq!(visit, Ok(()));
        assert_eq!(visited, store.select(&matchers, range).unwrap(), "{from_ms} to {to_ms}");
        assert_eq!(visited.is_empty(), (from_ms, to_ms) == (1, 999));
    }
}
