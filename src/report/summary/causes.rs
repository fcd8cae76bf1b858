//! Why: under a counter of what can go wrong, one row for each cause.

use super::super::Finished;
use super::super::observed::Observed;
use super::sections::row;
use super::table::Table;
use crate::aggregate::Selector;
use crate::ids::MetricId;
use crate::metric::{DROPPED_ITERATIONS, HTTP_REQS, WS_CONNECTION_ERRORS};
use crate::sample::ErrorCode;

/// The labels that name a cause.
const CAUSES: [(MetricId, &str); 3] =
    [(DROPPED_ITERATIONS, "reason"), (HTTP_REQS, "error_code"), (WS_CONNECTION_ERRORS, "error_code")];

/// The rows under `metric`, if it is one that has causes; those that did not happen are left out.
pub(super) fn add(table: &mut Table, finished: &Finished, metric: &Observed<'_>) {
    let id = finished.totals.catalog().find(&metric.definition.name);
    let Some((id, label)) = CAUSES.into_iter().find(|(with_causes, _)| Some(*with_causes) == id) else {
        return;
    };
    for value in finished.totals.label_values(id, label) {
        // What went well has no error code.
        if value.is_empty() || value == "0" {
            continue;
        }
        let part = finished.observe_tag(&Selector::with(id, label, value));
        if part.is_worth_showing() && !finished.gates.iter().any(|gate| gate.subject == part.name) {
            let mut row = row(&part, &[]);
            if let Some(code) = value.parse().ok().map(ErrorCode::from_number) {
                row.cells.push(code.describe().to_owned());
            }
            table.row(row);
        }
    }
}
