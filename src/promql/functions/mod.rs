//! PromQL's functions as kernels: each a pure function of numbers, listed here by name. The evaluator chooses series,
//! windows and steps, and drops names; kernels never see a source.

use super::{EvalError, Point, Sample};

/// The points of a range vector's series at one step, staleness markers left out; never empty.
pub(super) struct Window<'a> {
    pub(super) points: &'a [Point],
    /// The window is left-open: `from_ms` itself does not belong to it.
    pub(super) from_ms: i64,
    pub(super) to_ms: i64,
    /// The moment of the evaluation: `to_ms` unless shifted by `offset` or `@`.
    pub(super) at_ms: i64,
}

/// The arguments of a call that are the same for all series of a step, in the order of the call.
pub(super) struct Arguments<'a> {
    pub(super) scalars: &'a [f64],
    pub(super) strings: &'a [String],
    pub(super) at_ms: i64,
}

/// What a function does with its (only) vector.
pub(super) enum Kernel {
    /// A value from each series' window; none drops the series at this step.
    Window(fn(&Window<'_>, &Arguments<'_>) -> Option<f64>),
    /// A value from each value of an instant vector.
    Element(fn(f64, &Arguments<'_>) -> f64),
    /// An instant vector from an instant vector; labels come with `__name__`.
    Vector(fn(Vec<Sample>, &Arguments<'_>) -> Result<Vec<Sample>, EvalError>),
}

pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) kernel: Kernel,
    /// Whether `__name__` stays (`last_over_time`, `sort`, …).
    pub(super) keeps_name: bool,
}

/// `None` for what only the evaluator can do: `time`, `vector`, `scalar`, `absent`, `absent_over_time`, `timestamp`, `pi`.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    let _ = name;
    None
}
