//! Orders of values, and `sort`, `sort_desc`.

use std::cmp::Ordering;

use super::{Function, Kernel};

pub(super) const FUNCTIONS: &[Function] = &[
    Function { name: "sort", kernel: Kernel::Order(nan_last), keeps_name: true },
    Function { name: "sort_desc", kernel: Kernel::Order(nan_last_descending), keeps_name: true },
];

/// NaN below all: how Prometheus looks for quantiles.
pub(super) fn nan_first(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| b.is_nan().cmp(&a.is_nan()))
}

/// Ascending, NaN at the end.
pub(in crate::promql) fn nan_last(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

/// Descending, NaN at the end.
pub(in crate::promql) fn nan_last_descending(a: f64, b: f64) -> Ordering {
    b.partial_cmp(&a).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nan_has_its_end() {
        for (order, expected) in [
            (nan_first as fn(f64, f64) -> Ordering, "NaN NaN -inf 1 2 inf"),
            (nan_last, "-inf 1 2 inf NaN NaN"),
            (nan_last_descending, "inf 2 1 -inf NaN NaN"),
        ] {
            let mut values = [2.0, f64::NAN, f64::INFINITY, 1.0, f64::NAN, f64::NEG_INFINITY];
            values.sort_by(|a, b| order(*a, *b));
            assert_eq!(values.map(|value| value.to_string()).join(" "), expected);
        }
    }
}
