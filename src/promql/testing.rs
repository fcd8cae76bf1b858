//! Series in memory and answers as text: for tables in tests.

use super::notation::{self, StepValue};
use super::{
    Annotation, Answer, EvalError, Matcher, Options, Point, Query, Sample, Series, Source, SourceError,
    TimeRange, Value,
};
use crate::labels::Labels;

/// Few series, looked through one by one.
#[derive(Debug, Default)]
pub(crate) struct Memory(Vec<Series>);

impl Memory {
    /// Lines of Prometheus' notation for test series, `x{a="b"} 1 2 _ 4+1x5 stale`, ten seconds from value to value,
    /// the first one at 0.
    pub(crate) fn load(lines: &str) -> Self {
        let series = lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| {
            let (labels, values) = notation::series(line).unwrap();
            let point = |(at_ms, value): (i64, &StepValue)| match value {
                StepValue::Point(value) => Some(Point { at_ms, value: *value }),
                _ => None,
            };
            Series { labels, points: (0..).step_by(10_000).zip(&values).filter_map(point).collect() }
        });
        Memory(series.collect())
    }
}

impl Source for Memory {
    fn select(&self, matchers: &[Matcher], range: TimeRange) -> Result<Vec<Series>, SourceError> {
        let matched = |series: &&Series| {
            matchers
                .iter()
                .all(|matcher| matcher.matches(series.labels.value(&matcher.label).unwrap_or_default()))
        };
        let within = |point: &&Point| (range.from_ms..=range.to_ms).contains(&point.at_ms);
        let cut = |series: &Series| Series {
            labels: series.labels.clone(),
            points: series.points.iter().filter(within).copied().collect(),
        };
        Ok(self.0.iter().filter(matched).map(cut).collect())
    }
}

/// The answer at so many seconds: `x{a="b"} 1; y 2`, then what is said beside it, or the error.
pub(crate) fn ask(memory: &Memory, query: &str, at_secs: i64) -> String {
    let answer = Query::parse(query).unwrap().instant(memory, at_secs * 1000, &Options::default());
    shown(answer, &[])
}

/// The answer for each of the steps: `x 1 _ 3; y _ 2 _`.
pub(crate) fn ask_range(memory: &Memory, query: &str, [from, to, step]: [i64; 3]) -> String {
    let options = Options::default();
    let answer = Query::parse(query).unwrap().range(memory, from * 1000, to * 1000, step * 1000, &options);
    let steps: Vec<i64> = (0..=(to - from) / step).map(|at| (from + at * step) * 1000).collect();
    shown(answer, &steps)
}

#[track_caller]
pub(crate) fn check_all(load: &str, at_secs: i64, cases: &[(&str, &str)]) {
    let memory = Memory::load(load);
    for (query, expected) in cases {
        assert_eq!(ask(&memory, query, at_secs), *expected, "{query}");
    }
}

fn shown(answer: Result<Answer, EvalError>, steps: &[i64]) -> String {
    let Answer { value, annotations } = match answer {
        Ok(answer) => answer,
        Err(error) => return format!("error: {error}"),
    };
    let mut parts: Vec<String> = match value {
        Value::Scalar(point) => vec![point.value.to_string()],
        Value::String { text, .. } => vec![format!("{text:?}")],
        Value::Vector(samples) => samples.iter().map(sample).collect(),
        Value::Matrix(matrix) => matrix.iter().map(|series| self::series(series, steps)).collect(),
    };
    parts.extend(annotations.iter().map(|annotation| match annotation {
        Annotation::Warning(text) | Annotation::Info(text) => text.clone(),
    }));
    parts.join("; ")
}

fn sample(sample: &Sample) -> String {
    format!("{} {}", metric(&sample.labels), sample.point.value)
}

/// Without steps the points are shown with their times.
fn series(series: &Series, steps: &[i64]) -> String {
    let mut text = metric(&series.labels);
    if steps.is_empty() {
        for point in &series.points {
            text.push_str(&format!(" {}@{}", point.value, point.at_ms / 1000));
        }
    }
    for at_ms in steps {
        match series.points.iter().find(|point| point.at_ms == *at_ms) {
            Some(point) => text.push_str(&format!(" {}", point.value)),
            None => text.push_str(" _"),
        }
    }
    text
}

fn metric(labels: &Labels) -> String {
    let others = labels.without("__name__");
    match labels.value("__name__") {
        Some(name) if others.is_empty() => name.to_owned(),
        Some(name) => format!("{name}{others}"),
        None => others.to_string(),
    }
}
