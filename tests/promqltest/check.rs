//! Whether an answer is what a case expects; numbers agree to six digits, as in Prometheus' own runner.

use std::collections::BTreeMap;
use std::fmt::Write;

use loadgate::labels::Labels;
use loadgate::promql::notation::StepValue;
use loadgate::promql::{Annotation, Answer, Point, Sample, Series, Value, is_stale};

use crate::said::Said;
use crate::script::{Expected, Steps, When};

/// Both sides of what differs.
#[derive(Debug, PartialEq)]
pub(crate) struct Difference {
    pub(crate) expected: String,
    pub(crate) got: String,
}

fn differ<T>(expected: impl Into<String>, got: impl Into<String>) -> Result<T, Difference> {
    Err(Difference { expected: expected.into(), got: got.into() })
}

/// An answer or an error, against all that is expected.
pub(crate) fn outcome(
    expected: &Expected,
    when: When,
    answer: &Result<Answer, String>,
) -> Result<(), Difference> {
    match (answer, &expected.fail) {
        (Err(error), Some(said)) if said.is(error) => Ok(()),
        (Err(error), Some(said)) => {
            differ(format!("an error with {}", said.shown()), format!("error: {error}"))
        }
        (Err(error), None) => differ(wanted(expected), format!("error: {error}")),
        (Ok(answer), Some(said)) => differ(format!("an error with {}", said.shown()), shown(&answer.value)),
        (Ok(answer), None) => {
            annotations(expected, &answer.annotations)?;
            value(expected, when, &answer.value)
        }
    }
}

fn annotations(expected: &Expected, got: &[Annotation]) -> Result<(), Difference> {
    let (mut warnings, mut infos) = (Vec::new(), Vec::new());
    for annotation in got {
        match annotation {
            Annotation::Warning(text) => warnings.push(text),
            Annotation::Info(text) => infos.push(text),
        }
    }
    said("warning", &expected.warnings, expected.no_warnings, &warnings)?;
    said("info", &expected.infos, expected.no_infos, &infos)
}

/// Each expectation is met, and, where there is one, each annotation expected.
fn said(kind: &str, expected: &[Said], none: bool, got: &[&String]) -> Result<(), Difference> {
    if none && !got.is_empty() {
        return differ(format!("no {kind}"), format!("{got:?}"));
    }
    let unmet = expected.iter().find(|said| !got.iter().any(|text| said.is(text)));
    if let Some(said) = unmet {
        return differ(format!("{kind}: {}", said.shown()), format!("{got:?}"));
    }
    let unexpected =
        got.iter().find(|text| !expected.is_empty() && !expected.iter().any(|said| said.is(text)));
    match unexpected {
        Some(text) => differ(format!("{kind} as given"), format!("{text:?}")),
        None => Ok(()),
    }
}

pub(crate) fn value(expected: &Expected, when: When, got: &Value) -> Result<(), Difference> {
    let steps = match when {
        When::Range(steps) => Some(steps),
        When::Instant { .. } => expected.steps,
    };
    let same = match (got, &expected.string, expected.scalar, steps) {
        (Value::String { text, .. }, Some(string), ..) => text == string,
        (Value::Scalar(point), None, Some(scalar), _) => almost_equal(point.value, scalar),
        (Value::Vector(samples), None, None, None) => vector(expected, samples),
        (Value::Matrix(series), None, None, Some(steps)) if !expected.ordered => {
            matrix(expected, steps, series)
        }
        _ => false,
    };
    if same { Ok(()) } else { differ(wanted(expected), shown(got)) }
}

fn vector(expected: &Expected, samples: &[Sample]) -> bool {
    let is = |sample: &Sample, (labels, values): &(Labels, Vec<StepValue>)| {
        let same = |value: &StepValue| matches!(value, StepValue::Point(value) if almost_equal(sample.point.value, *value));
        sample.labels == *labels && values.first().is_some_and(same)
    };
    if samples.len() != expected.series.len() {
        return false;
    }
    if expected.ordered {
        return samples.iter().zip(&expected.series).all(|(sample, series)| is(sample, series));
    }
    // As many of each, and all different: none is matched twice.
    expected.series.iter().all(|series| samples.iter().any(|sample| is(sample, series)))
}

fn matrix(expected: &Expected, steps: Steps, got: &[Series]) -> bool {
    let sorted = got.is_sorted_by(|a, b| a.labels < b.labels);
    let by_labels: BTreeMap<&Labels, &[Point]> =
        got.iter().map(|series| (&series.labels, &series.points[..])).collect();
    let is = |(labels, values): &(Labels, Vec<StepValue>)| {
        by_labels.get(labels).is_some_and(|points| series(steps, values, points))
    };
    sorted && got.len() == expected.series.len() && expected.series.iter().all(is)
}

fn series(steps: Steps, values: &[StepValue], got: &[Point]) -> bool {
    let mut wanted = Vec::new();
    for (at, value) in values.iter().enumerate() {
        let at_ms = steps.from_ms + steps.step_ms * i64::try_from(at).unwrap();
        if at_ms > steps.to_ms {
            return false;
        }
        if let StepValue::Point(value) = value {
            wanted.push(Point { at_ms, value: *value });
        }
    }
    let same = |(a, b): (&Point, &Point)| a.at_ms == b.at_ms && almost_equal(a.value, b.value);
    wanted.len() == got.len() && wanted.iter().zip(got).all(same)
}

/// Prometheus' `almost.Equal` with its runner's epsilon.
fn almost_equal(a: f64, b: f64) -> bool {
    const EPSILON: f64 = 0.000_001;
    if is_stale(a) || is_stale(b) {
        return is_stale(a) && is_stale(b);
    }
    if a == b || (a.is_nan() && b.is_nan()) {
        return true;
    }
    let sum = a.abs() + b.abs();
    let difference = (a - b).abs();
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < EPSILON * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < EPSILON
}

fn wanted(expected: &Expected) -> String {
    if let Some(string) = &expected.string {
        return format!("string {string:?}");
    }
    if let Some(scalar) = expected.scalar {
        return format!("scalar {scalar}");
    }
    let mut text = String::new();
    for (labels, values) in &expected.series {
        let value = |value: &StepValue| match value {
            StepValue::Point(value) => value.to_string(),
            _ => "_".to_owned(),
        };
        let _ = write!(text, "\n      {labels} {}", values.iter().map(value).collect::<Vec<_>>().join(" "));
    }
    if text.is_empty() { "nothing".to_owned() } else { text }
}

pub(crate) fn shown(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Scalar(point) => return format!("scalar {}", point.value),
        Value::String { text, .. } => return format!("string {text:?}"),
        Value::Vector(samples) => {
            for sample in samples {
                let _ = write!(text, "\n      {} {}", sample.labels, sample.point.value);
            }
        }
        Value::Matrix(all) => {
            for series in all {
                let _ = write!(text, "\n      {}", series.labels);
                for point in &series.points {
                    let _ = write!(text, " {}@{}", point.value, point.at_ms);
                }
            }
        }
    }
    if text.is_empty() { "nothing".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use loadgate::promql::STALE;

    use super::*;
    use crate::script::{Action, read};

    fn expected(lines: &str) -> Expected {
        let mut commands = read(&format!("eval instant at 0 x\n{lines}"));
        let Some(Action::Eval(eval)) = commands.pop().map(|command| command.action) else {
            panic!("{lines}")
        };
        eval.expected
    }

    fn answer(value: Value, annotations: &[Annotation]) -> Result<Answer, String> {
        Ok(Answer { value, annotations: annotations.to_vec() })
    }

    fn vector(values: &[(&str, f64)]) -> Value {
        let sample = |&(a, value): &(&str, f64)| Sample {
            labels: Labels::new([("a", a)]),
            point: Point { at_ms: 0, value },
        };
        Value::Vector(values.iter().map(sample).collect())
    }

    fn passes(lines: &str, answer: &Result<Answer, String>) -> bool {
        outcome(&expected(lines), When::Instant { at_ms: 0 }, answer).is_ok()
    }

    #[test]
    fn a_vector_is_compared_as_a_whole() {
        let two = answer(vector(&[("1", 1.0), ("2", 2.0)]), &[]);
        for (lines, same) in [
            ("{a=\"1\"} 1\n{a=\"2\"} 2", true),
            ("{a=\"2\"} 2\n{a=\"1\"} 1", true),
            ("{a=\"2\"} 2.0000001\n{a=\"1\"} 1", true),
            ("{a=\"2\"} 2.001\n{a=\"1\"} 1", false),
            ("{a=\"1\"} 1", false),
            ("{a=\"1\"} 1\n{a=\"2\"} 2\n{a=\"3\"} 3", false),
            ("{a=\"1\"} 1\n{a=\"3\"} 2", false),
            ("expect ordered\n{a=\"1\"} 1\n{a=\"2\"} 2", true),
            ("expect ordered\n{a=\"2\"} 2\n{a=\"1\"} 1", false),
            ("1", false),
            ("expect fail", false),
            ("", false),
        ] {
            assert_eq!(passes(lines, &two), same, "{lines}");
        }
        let twice = answer(vector(&[("1", 1.0), ("1", 1.0)]), &[]);
        assert!(!passes("{a=\"1\"} 1\n{a=\"2\"} 1", &twice));
        assert!(passes("", &answer(vector(&[]), &[])));
    }

    #[test]
    fn scalars_strings_and_errors_are_compared() {
        let scalar = answer(Value::Scalar(Point { at_ms: 0, value: 3.0 }), &[]);
        let string = answer(Value::String { at_ms: 0, text: "x".to_owned() }, &[]);
        let error = Err("many-to-many matching not allowed".to_owned());
        for (lines, got, same) in [
            ("3", &scalar, true),
            ("4", &scalar, false),
            ("{} 3", &scalar, false),
            ("expect string \"x\"", &string, true),
            ("expect string \"y\"", &string, false),
            ("expect fail", &error, true),
            ("expect fail msg: many-to-many matching not allowed", &error, true),
            ("expect fail msg: many-to-many", &error, false),
            ("expect fail regex: many.*allowed", &error, true),
            ("3", &error, false),
            ("expect fail", &scalar, false),
        ] {
            assert_eq!(passes(lines, got), same, "{lines}");
        }
    }

    #[test]
    fn annotations_are_compared_where_any_is_expected() {
        let warning = || Annotation::Warning("w".to_owned());
        let info = || Annotation::Info("i".to_owned());
        for (lines, annotations, same) in [
            ("", vec![warning(), info()], true),
            ("expect warn", vec![warning()], true),
            ("expect warn", vec![info()], false),
            ("expect warn msg: w", vec![warning(), info()], true),
            ("expect warn msg: v", vec![warning()], false),
            ("expect warn msg: w", vec![warning(), Annotation::Warning("v".to_owned())], false),
            ("expect no_warn", vec![info()], true),
            ("expect no_warn", vec![warning()], false),
            ("expect no_info\nexpect warn regex: ^w$", vec![warning()], true),
            ("expect no_info", vec![info()], false),
        ] {
            let got = answer(vector(&[]), &annotations);
            assert_eq!(passes(lines, &got), same, "{lines} {annotations:?}");
        }
    }

    #[test]
    fn a_matrix_has_its_points_at_the_steps() {
        let point = |at_ms, value| Point { at_ms, value };
        let series =
            |a: &str, points: &[Point]| Series { labels: Labels::new([("a", a)]), points: points.to_vec() };
        let one = [series("1", &[point(10_000, 1.0), point(30_000, 3.0)])];
        let two = [series("2", &[point(10_000, 1.0)]), series("1", &[point(10_000, 1.0)])];
        for (lines, got, same) in [
            ("{a=\"1\"} 1 _ 3", &one[..], true),
            ("{a=\"1\"} 1 2 3", &one[..], false),
            ("{a=\"1\"} 1 3", &one[..], false),
            ("{a=\"1\"} 1 _ 3 _", &one[..], false),
            ("{a=\"2\"} 1\n{a=\"1\"} 1", &two[..], false),
        ] {
            let lines = format!("expect range vector from 10s to 30s step 10s\n{lines}");
            assert_eq!(passes(&lines, &answer(Value::Matrix(got.to_vec()), &[])), same, "{lines}");
        }
    }

    #[test]
    fn nan_is_nan_and_stale_is_stale() {
        for (a, b, same) in
            [(f64::NAN, f64::NAN, true), (STALE, STALE, true), (STALE, f64::NAN, false), (0.0, 1e-9, false)]
        {
            assert_eq!(almost_equal(a, b), same, "{a} {b}");
        }
    }
}
