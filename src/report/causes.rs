//! Why: of the counters of what can go wrong, each cause that happened. Pure.

use super::Finished;
use super::observed::Observed;
use crate::aggregate::Selector;
use crate::ids::MetricId;
use crate::metric::{DROPPED_ITERATIONS, PROTOCOLS};
use crate::sample::ErrorCode;

/// The label that names a cause.
fn label_of(metric: MetricId) -> Option<&'static str> {
    match metric {
        DROPPED_ITERATIONS => Some("reason"),
        _ => PROTOCOLS.iter().any(|protocol| protocol.errors == metric).then_some("error_code"),
    }
}

pub(super) struct Cause<'a> {
    pub(super) label: &'static str,
    pub(super) value: &'a str,
    /// What an error code stands for.
    pub(super) meaning: Option<&'static str>,
    pub(super) observed: Observed<'a>,
}

/// Those of `metric`, in the order of their label's values; none if it is no counter of what can go wrong.
pub(super) fn of<'a>(finished: &'a Finished, metric: &Observed<'_>) -> Vec<Cause<'a>> {
    let id = finished.totals.catalog().find(&metric.definition.name);
    let Some((id, label)) = id.and_then(|id| Some((id, label_of(id)?))) else {
        return Vec::new();
    };
    let values = finished.totals.label_values(id, label).into_iter();
    // What went well has no error code.
    let failed = values.filter(|value| !value.is_empty() && *value != "0");
    let causes = failed.map(|value| Cause {
        label,
        value,
        meaning: value.parse().ok().map(|number| ErrorCode::from_number(number).describe()),
        observed: finished.observe_tag(&Selector::with(id, label, value)),
    });
    causes.filter(|cause| cause.observed.is_worth_showing()).collect()
}
