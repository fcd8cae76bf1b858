//! Kernels asked by name, as the evaluator asks them: for the tables of tests.

use super::{Arguments, Kernel, Notes, Window, find};
use crate::labels::Labels;
use crate::promql::notation::metric;
use crate::promql::{Annotation, Point, Sample};

/// `10:1 20:2.5`: seconds and values.
pub(super) fn points(text: &str) -> Vec<Point> {
    let point = |item: &str| {
        let (at_secs, value) = item.split_once(':').unwrap();
        Point { at_ms: at_secs.parse::<i64>().unwrap() * 1000, value: value.parse().unwrap() }
    };
    text.split_whitespace().map(point).collect()
}

/// Of a window from (which does not belong to it) and to, in seconds; evaluated at its end.
pub(super) fn over_window(name: &str, scalars: &[f64], from: i64, to: i64, series: &str) -> Option<f64> {
    noted_over_window(name, scalars, from, to, series, &Notes::default())
}

/// What is said beside the value.
pub(super) fn notes_of(name: &str, scalars: &[f64], series: &str) -> Vec<Annotation> {
    let notes = Notes::default();
    noted_over_window(name, scalars, 0, 60, series, &notes);
    notes.annotations()
}

fn noted_over_window(
    name: &str,
    scalars: &[f64],
    from: i64,
    to: i64,
    series: &str,
    notes: &Notes,
) -> Option<f64> {
    let Kernel::Window(kernel) = find(name).unwrap().kernel else { panic!("{name} takes no window") };
    let window = Window { points: &points(series), from_ms: from * 1000, to_ms: to * 1000, at_ms: to * 1000 };
    kernel(&window, &Arguments { scalars, at_ms: to * 1000, notes })
}

pub(super) fn of_value(name: &str, scalars: &[f64], value: f64) -> Option<f64> {
    let (Kernel::Element(kernel) | Kernel::ElementOrTime(kernel)) = find(name).unwrap().kernel else {
        panic!("{name} takes no value")
    };
    kernel(value, &Arguments { scalars, at_ms: 0, notes: &Notes::default() })
}

/// Of a vector at one minute, names staying.
pub(super) fn of_vector(
    name: &str,
    scalars: &[f64],
    vector: &[(&str, f64)],
) -> (Vec<(Labels, f64)>, Vec<Annotation>) {
    let Kernel::Vector(kernel) = find(name).unwrap().kernel else { panic!("{name} takes no vector") };
    let notes = Notes::new(true);
    let sample = |&(series, value): &(&str, f64)| Sample {
        labels: metric(series).unwrap(),
        point: Point { at_ms: 60_000, value },
    };
    let arguments = Arguments { scalars, at_ms: 60_000, notes: &notes };
    let samples = kernel(vector.iter().map(sample).collect(), &arguments);
    (samples.into_iter().map(|sample| (sample.labels, sample.point.value)).collect(), notes.annotations())
}
