//! Under a counter of what can go wrong, one row for each cause.

use super::super::observed::Observed;
use super::super::{Finished, causes};
use super::sections::row;
use super::table::Table;

/// The rows under `metric`; those that are gates have one of their own.
pub(super) fn add(table: &mut Table, finished: &Finished, metric: &Observed<'_>) {
    for cause in causes::of(finished, metric) {
        let part = &cause.observed;
        if !finished.thresholds().any(|gate| gate.subject == part.name) {
            let mut row = row(part, &[]);
            row.cells.extend(cause.meaning.map(str::to_owned));
            table.row(row);
        }
    }
}
