//! How fast a series changes: `rate` and its kin, and how often it does. Formulas: `extrapolatedRate`,
//! `instantValue`, `funcResets` and `funcChanges` of Prometheus' `promql/functions.go`.

use super::{Function, Window};
use crate::promql::Point;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::window("rate", |window, _| extrapolated(window, true, seconds(window.to_ms - window.from_ms))),
    Function::window("increase", |window, _| extrapolated(window, true, 1.0)),
    Function::window("delta", |window, _| extrapolated(window, false, 1.0)),
    Function::window("irate", |window, _| {
        let [before, last] = last_two(window)?;
        // After a reset the counter began at zero.
        let grown = if last.value < before.value { last.value } else { last.value - before.value };
        Some(grown / seconds(last.at_ms - before.at_ms))
    }),
    Function::window("idelta", |window, _| last_two(window).map(|[before, last]| last.value - before.value)),
    Function::window("resets", |window, _| Some(count_pairs(window, |before, after| after < before))),
    Function::window("changes", |window, _| {
        Some(count_pairs(window, |before, after| after != before && !(after.is_nan() && before.is_nan())))
    }),
];

#[expect(clippy::cast_precision_loss, reason = "Prometheus does the same, and spans are below 2^53 ms")]
fn seconds(span_ms: i64) -> f64 {
    span_ms as f64 / 1000.0
}

/// By how much the series grew in the whole window, which its points rarely fill; per so many seconds.
fn extrapolated(window: &Window<'_>, is_counter: bool, per_secs: f64) -> Option<f64> {
    let [first, .., last] = window.points else { return None };
    let mut grown = last.value - first.value;
    if is_counter && falls(window.points) {
        for pair in window.points.windows(2) {
            if pair[1].value < pair[0].value {
                grown += pair[0].value;
            }
        }
    }
    let mut to_start = seconds(first.at_ms - window.from_ms);
    let mut to_end = seconds(window.to_ms - last.at_ms);
    let sampled = seconds(last.at_ms - first.at_ms);
    #[expect(clippy::cast_precision_loss, reason = "fewer points than 2^53")]
    let mean_gap = sampled / (window.points.len() - 1) as f64;

    // A point is missed where the next one should have been: the series began, or ended, within the window, and
    // half a gap away from what is seen of it is the best guess.
    let threshold = mean_gap * 1.1;
    if to_start >= threshold {
        to_start = mean_gap / 2.0;
    }
    if is_counter && grown > 0.0 && first.value >= 0.0 {
        // A counter is never below zero: not further back than where it would have been zero.
        to_start = to_start.min(sampled * (first.value / grown));
    }
    if to_end >= threshold {
        to_end = mean_gap / 2.0;
    }
    let factor = if sampled == 0.0 { 1.0 } else { (sampled + to_start + to_end) / sampled };
    Some(grown * (factor / per_secs))
}

/// Rarely: so it is asked of all pairs at once, without a branch for each, and the sum is left alone.
fn falls(points: &[Point]) -> bool {
    let pairs = points.iter().zip(points.get(1..).unwrap_or_default());
    pairs.fold(false, |falls, (before, after)| falls | (after.value < before.value))
}

fn last_two<'a>(window: &Window<'a>) -> Option<[&'a Point; 2]> {
    let [.., before, last] = window.points else { return None };
    (last.at_ms != before.at_ms).then_some([before, last])
}

#[expect(clippy::cast_precision_loss, reason = "fewer points than 2^53")]
fn count_pairs(window: &Window<'_>, is: impl Fn(f64, f64) -> bool) -> f64 {
    window.points.windows(2).filter(|pair| is(pair[0].value, pair[1].value)).count() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::promql::functions::testing::{over_window, points};

    /// Windows are left-open: from (exclusive) and to, in seconds; then points, `seconds:value`.
    #[test]
    fn rates_are_extrapolated_as_prometheus_does() {
        for (name, from, to, series, expected) in [
            // Points each 10 s up to the end: the first is missed by less than 1.1 gaps.
            ("increase", 0, 60, "10:0 20:10 30:20 40:30 50:40 60:50", Some(50.0)),
            ("rate", 0, 60, "10:0 20:10 30:20 40:30 50:40 60:50", Some(50.0 / 60.0)),
            // A counter that begins above zero, and a gauge, reach back to the start.
            ("increase", 0, 60, "10:100 20:110 30:120 40:130 50:140 60:150", Some(60.0)),
            ("delta", 0, 60, "10:0 20:10 30:20 40:30 50:40 60:50", Some(60.0)),
            ("delta", 0, 60, "10:50 20:40 30:30 40:20 50:10 60:0", Some(-60.0)),
            // Half a gap at each end where more than 1.1 gaps are missed.
            ("delta", 0, 100, "40:0 50:10 60:20", Some(30.0)),
            ("increase", 0, 100, "40:100 50:110 60:120", Some(30.0)),
            // 1.1 gaps are too many already, a little less is not.
            ("delta", 0, 22, "11:0 21:10", Some(16.0)),
            ("delta", 0, 21, "10:0 20:10", Some(21.0)),
            // Resets: what was before them counts.
            ("increase", 0, 50, "10:10 20:20 30:5 40:15 50:25", Some(35.0 * 50.0 / 40.0)),
            ("delta", 0, 50, "10:10 20:20 30:5 40:15 50:25", Some(15.0 * 50.0 / 40.0)),
            // Zero is nearer than the start of the window.
            ("increase", 0, 30, "10:1 20:11 30:21", Some(21.0)),
            ("increase", 0, 30, "10:5 20:5 30:5", Some(0.0)),
            ("increase", 0, 30, "10:5", None),
            ("rate", 0, 30, "10:5", None),
            ("delta", 0, 30, "10:5", None),
        ] {
            assert_eq!(over_window(name, &[], from, to, series), expected, "{name} of {series}");
        }
    }

    #[test]
    fn instant_rates_look_at_two_points() {
        for (name, series, expected) in [
            ("irate", "10:0 20:50 30:150", Some(10.0)),
            ("irate", "10:0 20:150 30:50", Some(5.0)),
            ("irate", "10:0", None),
            ("idelta", "10:0 20:50 30:150", Some(100.0)),
            ("idelta", "10:0 20:150 30:50", Some(-100.0)),
            ("idelta", "10:0", None),
        ] {
            assert_eq!(over_window(name, &[], 0, 60, series), expected, "{name} of {series}");
        }
        let twice = Window { points: &points("10:1 10:2"), from_ms: 0, to_ms: 60_000, at_ms: 60_000 };
        assert_eq!(last_two(&twice), None);
    }

    #[test]
    fn resets_and_changes_are_counted() {
        for (name, series, expected) in [
            ("resets", "1:1 2:2 3:1 4:1 5:0", 2.0),
            ("resets", "1:1", 0.0),
            ("resets", "1:1 2:NaN 3:0", 0.0),
            ("changes", "1:1 2:2 3:1 4:1 5:0", 3.0),
            ("changes", "1:1", 0.0),
            ("changes", "1:NaN 2:NaN 3:1 4:NaN", 2.0),
        ] {
            assert_eq!(over_window(name, &[], 0, 60, series), Some(expected), "{name} of {series}");
        }
    }
}
