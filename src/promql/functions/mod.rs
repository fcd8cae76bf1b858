//! PromQL's functions as kernels: each a pure function of numbers, listed here by name. The evaluator chooses series,
//! windows and steps, and drops names; kernels never see a source.

mod sum;
mod quantile;
mod notes;
mod rates;
mod over_time;
mod regression;
mod math;
mod date;
mod histogram;
mod labels;
mod order;
#[cfg(test)]
mod testing;

use std::cmp::Ordering;

use super::{EvalError, Point, Sample};

pub(super) use labels::Relabel;
pub(super) use notes::{Forced, Note, Notes, go_general};
pub(super) use order::{nan_last, nan_last_descending};
pub(super) use quantile::{note_invalid_quantile, quantile};
pub(super) use sum::{Mean, Sum};

/// The points of a range vector's series at one step, staleness markers left out; never empty.
pub(super) struct Window<'a> {
    pub(super) points: &'a [Point],
    /// The window is left-open: `from_ms` itself does not belong to it.
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
    /// The moment of the evaluation: `to_ms` unless shifted by `offset` or `@`.
    pub(super) at_ms: i64,
}

/// The scalars of a call, in its order: the same for all series of a step.
pub(super) struct Arguments<'a> {
    pub(super) scalars: &'a [f64],
    pub(super) at_ms: i64,
    /// Takes what is to be said beside the result.
    pub(super) notes: &'a Notes,
}

/// What a function does with its (only) vector.
pub(super) enum Kernel {
    /// A value from each series' window; none drops the series at this step.
    Window(fn(&Window<'_>, &Arguments<'_>) -> Option<f64>),
    /// A value from each value of an instant vector; none drops it.
    Element(fn(f64, &Arguments<'_>) -> Option<f64>),
    /// As `Element`; a call without its vector is one of `vector(time())`.
    ElementOrTime(fn(f64, &Arguments<'_>) -> Option<f64>),
    /// An instant vector from an instant vector; labels come with `__name__`, and where it was there it stays.
    Vector(fn(Vec<Sample>, &Arguments<'_>) -> Vec<Sample>),
    /// The values' order in the result of an instant query; a range query's is by labels, and it says so.
    Order(fn(f64, f64) -> Ordering),
    /// Labels from labels, for a series as a whole: its values are not looked at.
    Relabel(fn(&[String]) -> Result<Relabel, EvalError>),
}

pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) kernel: Kernel,
    /// Whether `__name__` stays (`last_over_time`, `sort`, …).
    pub(super) keeps_name: bool,
}

const FAMILIES: [&[Function]; 8] = [
    rates::FUNCTIONS,
    over_time::FUNCTIONS,
    regression::FUNCTIONS,
    math::FUNCTIONS,
    date::FUNCTIONS,
    histogram::FUNCTIONS,
    labels::FUNCTIONS,
    order::FUNCTIONS,
];

/// What only the evaluator can do.
const OF_THE_EVALUATOR: [&str; 7] =
    ["absent", "absent_over_time", "pi", "scalar", "time", "timestamp", "vector"];

/// `None` for what only the evaluator can do.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    FAMILIES.into_iter().flatten().find(|function| function.name == name)
}

/// Of all functions there are.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    FAMILIES.into_iter().flatten().map(|function| function.name).chain(OF_THE_EVALUATOR)
}

impl Function {
    const fn window(name: &'static str, kernel: fn(&Window<'_>, &Arguments<'_>) -> Option<f64>) -> Self {
        Function { name, kernel: Kernel::Window(kernel), keeps_name: false }
    }

    const fn element(name: &'static str, kernel: fn(f64, &Arguments<'_>) -> Option<f64>) -> Self {
        Function { name, kernel: Kernel::Element(kernel), keeps_name: false }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_of_prometheus_3_that_is_not_experimental_is_known() {
        let names = "abs acos acosh asin asinh atan atanh avg_over_time ceil changes clamp clamp_max clamp_min \
            cos cosh count_over_time day_of_month day_of_week day_of_year days_in_month deg delta deriv exp \
            first_over_time floor histogram_avg histogram_count histogram_fraction histogram_quantile \
            histogram_stddev histogram_stdvar histogram_sum hour idelta increase irate label_join label_replace \
            last_over_time ln log10 log2 max_over_time min_over_time minute month predict_linear \
            present_over_time quantile_over_time rad rate resets round sgn sin sinh sort sort_desc sqrt \
            stddev_over_time stdvar_over_time sum_over_time tan tanh year";
        for name in names.split_whitespace() {
            assert_eq!(find(name).map(|function| function.name), Some(name));
        }
        for name in
            OF_THE_EVALUATOR.into_iter().chain(["mad_over_time", "double_exponential_smoothing", "no_such"])
        {
            assert!(find(name).is_none(), "{name}");
        }
    }
}
