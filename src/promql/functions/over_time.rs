//! What a series was like in a window: `avg_over_time` and its kin (Prometheus' `promql/functions.go`).

use super::{Arguments, Function, Mean, Sum, Window, note_invalid_quantile, quantile};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::window("avg_over_time", |window, _| {
        let mut mean = Mean::default();
        values(window).for_each(|value| mean.add(value));
        Some(mean.value())
    }),
    Function::window("sum_over_time", |window, _| {
        let mut sum = Sum::default();
        sum.extend(values(window));
        Some(sum.value())
    }),
    Function::window("count_over_time", |window, _| Some(count(window))),
    Function::window("min_over_time", |window, _| most(window, |value, lowest| value < lowest)),
    Function::window("max_over_time", |window, _| most(window, |value, highest| value > highest)),
    Function { keeps_name: true, ..Function::window("first_over_time", |window, _| values(window).next()) },
    Function {
        keeps_name: true,
        ..Function::window("last_over_time", |window, _| values(window).next_back())
    },
    Function::window("present_over_time", |_, _| Some(1.0)),
    Function::window("quantile_over_time", quantile_over_time),
    Function::window("stdvar_over_time", |window, _| Some(variance(window))),
    Function::window("stddev_over_time", |window, _| Some(variance(window).sqrt())),
];

fn values<'a>(window: &Window<'a>) -> impl DoubleEndedIterator<Item = f64> + use<'a> {
    window.points.iter().map(|point| point.value)
}

#[expect(clippy::cast_precision_loss, reason = "fewer points than 2^53")]
fn count(window: &Window<'_>) -> f64 {
    window.points.len() as f64
}

/// The value that no other goes beyond, of equals the first; NaN only where there is nothing else.
///
/// Each comparison waits for the one before it. So the quarters of a window are gone through side by side.
fn most(window: &Window<'_>, beyond: impl Fn(f64, f64) -> bool) -> Option<f64> {
    let further = |most: f64, value: f64| if beyond(value, most) || most.is_nan() { value } else { most };
    let quarter = window.points.len() / 4;
    let mut quarters = window.points.chunks_exact(quarter.max(1));
    let (Some(a), Some(b), Some(c), Some(d)) =
        (quarters.next(), quarters.next(), quarters.next(), quarters.next())
    else {
        return values(window).reduce(further);
    };
    let mut most = [f64::NAN; 4];
    for (((a, b), c), d) in a.iter().zip(b).zip(c).zip(d) {
        most = [
            further(most[0], a.value),
            further(most[1], b.value),
            further(most[2], c.value),
            further(most[3], d.value),
        ];
    }
    let rest = window.points.iter().skip(4 * quarter).map(|point| point.value);
    most.into_iter().chain(rest).reduce(further)
}

fn quantile_over_time(window: &Window<'_>, arguments: &Arguments<'_>) -> Option<f64> {
    let q = *arguments.scalars.first()?;
    note_invalid_quantile(q, arguments.notes);
    Some(quantile(q, &mut values(window).collect::<Vec<_>>()))
}

/// Welford's, in sums that keep small digits (Prometheus' `varianceOverTime`).
fn variance(window: &Window<'_>) -> f64 {
    let (mut mean, mut squares, mut count) = (Sum::default(), Sum::default(), 0.0);
    for value in values(window) {
        count += 1.0;
        let delta = value - mean.total();
        mean.add(delta / count);
        squares.add(delta * (value - mean.total()));
    }
    squares.total() / count
}

#[cfg(test)]
mod tests {
    use crate::promql::functions::testing::{notes_of, over_window};

    #[test]
    fn windows_are_summed_up() {
        let some = "1:3 2:1 3:NaN 4:4";
        let plain = "1:2 2:4 3:4 4:4 5:5 6:5 7:7 8:9";
        for (name, series, expected) in [
            ("avg_over_time", plain, 5.0),
            ("avg_over_time", "1:5 2:1e100 3:-1e100 4:7", 3.0),
            ("sum_over_time", plain, 40.0),
            ("sum_over_time", "1:5 2:1e100 3:-1e100 4:7", 12.0),
            ("count_over_time", some, 4.0),
            ("min_over_time", some, 1.0),
            ("max_over_time", some, 4.0),
            ("min_over_time", "1:NaN 2:7", 7.0),
            ("min_over_time", "1:NaN 2:NaN 3:5 4:NaN 5:NaN 6:NaN 7:7 8:3 9:4", 3.0),
            ("max_over_time", "1:NaN 2:NaN 3:5 4:NaN 5:NaN 6:NaN 7:7 8:3 9:8", 8.0),
            ("max_over_time", "1:9 2:1 3:5 4:2", 9.0),
            ("first_over_time", some, 3.0),
            ("last_over_time", some, 4.0),
            ("present_over_time", "1:0", 1.0),
            ("stdvar_over_time", plain, 4.0),
            ("stddev_over_time", plain, 2.0),
            ("stddev_over_time", "1:5", 0.0),
            ("stdvar_over_time", "1:1e9 2:1000000001 3:1000000002", 2.0 / 3.0),
        ] {
            assert_eq!(over_window(name, &[], 0, 60, series), Some(expected), "{name} of {series}");
        }
        for (name, series) in
            [("max_over_time", "1:NaN"), ("avg_over_time", some), ("stdvar_over_time", "1:Inf")]
        {
            assert!(over_window(name, &[], 0, 60, series).unwrap().is_nan(), "{name} of {series}");
        }
    }

    #[test]
    fn of_zeros_the_first_is_the_extreme_one() {
        for (series, negative) in [
            ("1:-1 2:0 3:-1 4:-0 5:-1 6:-0 7:-1 8:0", false),
            ("1:-1 2:-1 3:-0 4:-1 5:-1 6:-1 7:0 8:-1", true),
        ] {
            let value = over_window("max_over_time", &[], 0, 60, series).unwrap();
            assert_eq!((value, value.is_sign_negative()), (0.0, negative), "{series}");
        }
    }

    #[test]
    fn quantiles_take_their_argument_and_note_what_is_none() {
        assert_eq!(over_window("quantile_over_time", &[0.5], 0, 60, "1:3 2:1 3:2"), Some(2.0));
        assert_eq!(over_window("quantile_over_time", &[2.0], 0, 60, "1:3"), Some(f64::INFINITY));
        assert_eq!(notes_of("quantile_over_time", &[0.5], "1:3").len(), 0);
        assert_eq!(notes_of("quantile_over_time", &[2.0], "1:3").len(), 1);
    }

    #[test]
    fn the_first_and_the_last_value_keep_the_name() {
        for (name, keeps) in [("first_over_time", true), ("last_over_time", true), ("max_over_time", false)] {
            assert_eq!(super::super::find(name).unwrap().keeps_name, keeps, "{name}");
        }
    }
}
