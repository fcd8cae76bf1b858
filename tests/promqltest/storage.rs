//! What `load` loads, as a source of series. It has no native histograms, but remembers where they would be, so that
//! a query that asks for them is known.

use std::cell::Cell;
use std::collections::BTreeMap;

use loadgate::labels::Labels;
use loadgate::promql::notation::StepValue;
use loadgate::promql::{Matcher, Point, Series, Source, SourceError, TimeRange};

use crate::script::Load;

#[derive(Default)]
pub(crate) struct Storage {
    series: BTreeMap<Labels, Stored>,
    asked: Cell<Asked>,
}

#[derive(Default)]
struct Stored {
    points: BTreeMap<i64, Loaded>,
    started: bool,
}

#[derive(Debug, Clone, Copy)]
enum Loaded {
    Point(f64),
    NativeHistogram,
    ConvertedHistogram,
}

/// What queries have asked for that Prometheus has and loadgate does not.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Asked {
    pub(crate) native_histograms: bool,
    pub(crate) converted_histograms: bool,
    pub(crate) start_timestamps: bool,
}

impl Storage {
    /// Adds to what is there.
    pub(crate) fn load(&mut self, load: &Load) {
        for (labels, values) in &load.series {
            for (at, value) in values.iter().enumerate() {
                let at_ms = load.step_ms * i64::try_from(at).unwrap();
                let point = match value {
                    StepValue::Gap => continue,
                    StepValue::Point(value) => Loaded::Point(*value),
                    StepValue::NativeHistogram => Loaded::NativeHistogram,
                };
                self.series.entry(labels.clone()).or_default().points.insert(at_ms, point);
                if load.with_native
                    && let Some(native) = of_classic(labels)
                {
                    let points = &mut self.series.entry(native).or_default().points;
                    points.insert(at_ms, Loaded::ConvertedHistogram);
                }
            }
        }
        for labels in &load.started {
            self.series.entry(labels.clone()).or_default().started = true;
        }
    }

    /// What was asked for since the last time.
    pub(crate) fn take_asked(&self) -> Asked {
        self.asked.take()
    }
}

/// The native histogram that a series of a classic one is part of.
fn of_classic(labels: &Labels) -> Option<Labels> {
    let name = labels.value("__name__")?;
    let base = ["_bucket", "_count", "_sum"].iter().find_map(|suffix| name.strip_suffix(suffix))?;
    Some(labels.without("le").with("__name__", base))
}

impl Source for Storage {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Series>, SourceError> {
        let mut found = Vec::new();
        for (labels, stored) in &self.series {
            let fits = |matcher: &Matcher| matcher.matches(labels.value(&matcher.label).unwrap_or_default());
            if range.from_ms > range.to_ms || !matchers.iter().all(fits) {
                continue;
            }
            let mut asked = self.asked.get();
            let mut points = Vec::new();
            for (&at_ms, point) in stored.points.range(range.from_ms..=range.to_ms) {
                asked.start_timestamps |= stored.started;
                match *point {
                    Loaded::Point(value) => points.push(Point { at_ms, value }),
                    Loaded::NativeHistogram => asked.native_histograms = true,
                    Loaded::ConvertedHistogram => asked.converted_histograms = true,
                }
            }
            self.asked.set(asked);
            if !points.is_empty() {
                found.push(Series { labels: labels.clone(), points });
            }
        }
        Ok(found)
    }
}

#[cfg(test)]
fn loaded(text: &str) -> Storage {
    let mut storage = Storage::default();
    for command in crate::script::read(text) {
        let crate::script::Action::Load(load) = command.action else { panic!("line {}", command.line) };
        storage.load(&load);
    }
    storage
}

#[test]
fn loads_add_up_and_gaps_are_none() {
    let storage = loaded("load 1m\n  x 1 _ 3\n\nload 30s\n  x _ 2\n  y 7\n");
    let range = TimeRange { from_ms: 0, to_ms: 60_000 };
    let series = storage.select(&[Matcher::equal("__name__", "x")], range).unwrap();
    let points = &series[0].points;
    assert_eq!(
        points.iter().map(|point| (point.at_ms, point.value)).collect::<Vec<_>>(),
        [(0, 1.0), (30_000, 2.0)]
    );
    assert_eq!(storage.take_asked(), Asked::default());
}

#[test]
fn asking_for_what_loadgate_does_not_have_is_remembered() {
    let storage = loaded(
        "load 1m\n  x 1 {{schema:1}} 2\n\nload_with_nhcb 1m\n  h_bucket{le=\"1\"} 1\n  h_count 1\n\n\
         load 1m\n  s@st -1m\n  s 1\n",
    );
    let native = Asked { native_histograms: true, ..Asked::default() };
    let converted = Asked { converted_histograms: true, ..Asked::default() };
    let started = Asked { start_timestamps: true, ..Asked::default() };
    for (name, from_ms, to_ms, expected) in [
        ("x", 0, 59_999, Asked::default()),
        ("x", 0, 60_000, native),
        ("x", 60_001, 120_000, Asked::default()),
        ("h", 0, 0, converted),
        ("h_bucket", 0, 0, Asked::default()),
        ("s", 0, 0, started),
        ("s", 1, 60_000, Asked::default()),
    ] {
        let _ = storage.select(&[Matcher::equal("__name__", name)], TimeRange { from_ms, to_ms }).unwrap();
        assert_eq!(storage.take_asked(), expected, "{name} in {from_ms}..={to_ms}");
    }
}
