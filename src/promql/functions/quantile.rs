//! The quantile of values: of the aggregation `quantile` and of `quantile_over_time`.

use super::order::nan_first;
use super::{Note, Notes};

/// Between two values in proportion to the rank; NaN without values or for a NaN `q`, infinite where `q` is not
/// between 0 and 1 (Prometheus' `quantile`). NaNs are the smallest values. Sorts them.
pub(in crate::promql) fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(|a, b| nan_first(*a, *b));
    let last = values.len() - 1;
    #[expect(clippy::cast_precision_loss, reason = "fewer values than 2^53")]
    let rank = q * last as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the last index"
    )]
    let lower = rank.floor() as usize;
    let upper = last.min(lower + 1);
    let weight = rank - rank.floor();
    values[lower] * (1.0 - weight) + values[upper] * weight
}

/// Says so where `q` is no quantile.
pub(in crate::promql) fn note_invalid_quantile(q: f64, notes: &Notes) {
    if !(0.0..=1.0).contains(&q) {
        notes.add(Note::InvalidQuantile(q));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quantile_lies_between_two_values() {
        for (q, values, expected) in [
            (0.5, vec![3.0, 1.0, 2.0], 2.0),
            (0.5, vec![1.0, 2.0], 1.5),
            (0.0, vec![2.0, 1.0], 1.0),
            (1.0, vec![2.0, 1.0], 2.0),
            (0.75, vec![0.0, 10.0], 7.5),
            (0.3, vec![7.0], 7.0),
            (-0.1, vec![1.0], f64::NEG_INFINITY),
            (1.1, vec![1.0], f64::INFINITY),
            (1.0, vec![f64::NAN, 4.0], 4.0),
        ] {
            assert_eq!(quantile(q, &mut values.clone()), expected, "{q} of {values:?}");
        }
        assert!(quantile(0.5, &mut []).is_nan());
        assert!(quantile(f64::NAN, &mut [1.0]).is_nan());
        assert!(quantile(0.0, &mut [2.0, f64::NAN]).is_nan());
    }

    #[test]
    fn only_what_is_no_quantile_is_noted() {
        let notes = Notes::default();
        [0.0, 0.5, 1.0].iter().for_each(|&q| note_invalid_quantile(q, &notes));
        assert_eq!(notes.annotations(), []);
        [-0.1, 1.1, f64::NAN].iter().for_each(|&q| note_invalid_quantile(q, &notes));
        assert_eq!(notes.annotations().len(), 3);
    }
}
