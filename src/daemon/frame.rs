//! The series of a run at a moment, its own and those of its targets, as they are kept.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Duration;

use crate::family::{Family, FamilyKind, Value};
use crate::labels::Labels;
use crate::promql::{Source as _, TimeRange, is_stale};
use crate::store::RunId;
use crate::tsdb::Store;

/// The last point that each series has had for `step` before `at_ms`. Histograms come as the series that they are in
/// PromQL, and types are not kept: whoever asks an old run asks by PromQL.
pub(super) fn frame(series: &Store, id: &RunId, at_ms: i64, step: Duration) -> Vec<Family> {
    let step_ms = i64::try_from(step.as_millis()).unwrap_or(i64::MAX);
    let range = TimeRange { from_ms: at_ms.saturating_sub(step_ms) + 1, to_ms: at_ms };
    let mut families: BTreeMap<String, Family> = BTreeMap::new();
    let taken = series.visit(&[], range, &mut |labels: &Labels, points| {
        let others = labels.value("testid").is_some_and(|testid| testid != id.0);
        if let (Some(name), Some(last), false) = (labels.value("__name__"), points.last(), others)
            && !is_stale(last.value)
        {
            let family =
                families.entry(name.to_owned()).or_insert_with(|| Family::new(name, FamilyKind::Unknown, ""));
            family.series.push(crate::family::Series {
                labels: labels.without("__name__"),
                value: Value::Number(last.value),
            });
        }
        ControlFlow::Continue(())
    });
    if let Err(error) = taken {
        tracing::warn!("failed to keep the run's series: {error:?}");
    }
    families.into_values().collect()
}
