//! A straight line through the points of a window: `deriv` and `predict_linear`.

use super::{Function, Sum, Window};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::window("deriv", |window, _| {
        // About its own first point: far from the epoch digits would be lost.
        let Line { per_sec, .. } = line(window, window.points.first()?.at_ms)?;
        Some(per_sec)
    }),
    Function::window("predict_linear", |window, arguments| {
        let ahead_secs = arguments.scalars.first()?;
        let Line { per_sec, intercept } = line(window, window.at_ms)?;
        Some(per_sec * ahead_secs + intercept)
    }),
];

struct Line {
    per_sec: f64,
    /// Where it crosses the moment it was asked about.
    intercept: f64,
}

/// Least squares (Prometheus' `linearRegression`); none of fewer than two points.
fn line(window: &Window<'_>, about_ms: i64) -> Option<Line> {
    let [first, _, ..] = window.points else { return None };
    if window.points.iter().all(|point| point.value == first.value) {
        // Exactly flat, which sums would not quite say.
        return Some(if first.value.is_infinite() {
            Line { per_sec: f64::NAN, intercept: f64::NAN }
        } else {
            Line { per_sec: 0.0, intercept: first.value }
        });
    }
    let [mut sum_x, mut sum_y, mut sum_xy, mut sum_xx] = [Sum::default(); 4];
    for point in window.points {
        #[expect(
            clippy::cast_precision_loss,
            reason = "Prometheus does the same, and spans are below 2^53 ms"
        )]
        let x = (point.at_ms - about_ms) as f64 / 1000.0;
        sum_x.add(x);
        sum_y.add(point.value);
        sum_xy.add(x * point.value);
        sum_xx.add(x * x);
    }
    #[expect(clippy::cast_precision_loss, reason = "fewer points than 2^53")]
    let count = window.points.len() as f64;
    let (sum_x, sum_y) = (sum_x.total(), sum_y.total());
    let covariance = sum_xy.total() - sum_x * sum_y / count;
    let variance = sum_xx.total() - sum_x * sum_x / count;
    let per_sec = covariance / variance;
    Some(Line { per_sec, intercept: sum_y / count - per_sec * sum_x / count })
}

#[cfg(test)]
mod tests {
    use crate::promql::functions::testing::over_window;

    #[test]
    fn lines_are_fitted_and_followed() {
        for (name, scalars, series, expected) in [
            ("deriv", vec![], "0:0 10:20 20:40", Some(2.0)),
            ("deriv", vec![], "0:0 10:20 20:10", Some(0.5)),
            ("deriv", vec![], "0:7 10:7", Some(0.0)),
            ("deriv", vec![], "0:7", None),
            // 600 s ahead of the moment of evaluation, which is the window's end.
            ("predict_linear", vec![600.0], "0:0 10:20 20:40", Some(1320.0)),
            ("predict_linear", vec![-60.0], "0:5 10:25 20:45", Some(5.0)),
            ("predict_linear", vec![60.0], "0:7 10:7", Some(7.0)),
            ("predict_linear", vec![60.0], "0:7", None),
        ] {
            assert_eq!(over_window(name, &scalars, -1, 60, series), expected, "{name} of {series}");
        }
        for name in ["deriv", "predict_linear"] {
            assert!(over_window(name, &[60.0], -1, 60, "0:Inf 10:Inf").unwrap().is_nan(), "{name}");
        }
    }
}
