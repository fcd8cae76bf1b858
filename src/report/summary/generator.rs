//! GENERATOR and NOTES: what this program says of itself, and why the numbers above may mislead.

use super::super::clean::clean;
use super::super::observed::Observed;
use super::super::paint::Paint;
use super::super::{Finished, number};
use super::SummaryOptions;
use super::sections::row;
use super::table::Table;
use crate::aggregate::Selector;
use crate::executor::DropReason;
use crate::metric::{DROPPED_ITERATIONS, Definition};
use crate::verdict::Doubt;

/// Metrics that tell of the generator and not of the target.
const ITS_OWN: [&str; 1] = ["iteration_lag"];

pub(super) fn is_its_own(definition: &Definition) -> bool {
    ITS_OWN.contains(&definition.name.as_str())
}

pub(super) fn add(
    table: &mut Table,
    finished: &Finished,
    metrics: &[Observed<'_>],
    options: &SummaryOptions,
    paint: Paint,
) {
    let its_own: Vec<&Observed<'_>> =
        metrics.iter().filter(|metric| is_its_own(metric.definition) && metric.is_worth_showing()).collect();
    // Missed scrapes stand under TARGET.
    let doubts = finished.doubts.iter().filter(|doubt| !matches!(doubt, Doubt::ScrapesMissed { .. }));
    let mut remarks: Vec<String> = doubts.map(|doubt| clean(&doubt.to_string())).collect();
    remarks.extend(lower_bounds(finished));
    if !its_own.is_empty() || !remarks.is_empty() {
        table.section(paint.title("GENERATOR"));
        its_own.iter().for_each(|metric| table.row(row(metric, &options.trend_stats)));
        remarks.iter().for_each(|remark| table.text(format!("{} {remark}", paint.doubtful('!'))));
    }
    add_notes(table, finished, paint);
}

/// What was due at a moment and never sent cannot have been slow: the sentence that k6 leaves out.
fn lower_bounds(finished: &Finished) -> Option<String> {
    let for_reason = |reason: DropReason| {
        finished.totals.counter(&Selector::with(DROPPED_ITERATIONS, "reason", reason.label())) as u64
    };
    let dropped = for_reason(DropReason::NoIdleVu) + for_reason(DropReason::PacerLate);
    let were = if dropped == 1 { "was" } else { "were" };
    (dropped > 0).then(|| {
        format!(
            "{} that {were} due never started: all percentiles above are lower bounds",
            number::counted(dropped, "iteration")
        )
    })
}

fn add_notes(table: &mut Table, finished: &Finished, paint: Paint) {
    let (notes, further) = finished.totals.notes();
    let folded = finished.totals.registry().overflowed();
    if notes.is_empty() && further == 0 && folded == 0 {
        return;
    }
    table.section(paint.title("NOTES"));
    let mut notes: Vec<_> = notes.iter().collect();
    notes.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.text.cmp(&b.text)));
    let width = notes.first().map_or(0, |most| most.count.to_string().len());
    for note in notes {
        table.text(format!("{:>width$} × {}", note.count, clean(&note.text)));
    }
    if further > 0 {
        table.text(format!("and {} that did not fit here", number::counted(further, "further note")));
    }
    if folded > 0 {
        table.text(format!(
            "series_limit was reached {}: what came after is counted under the name `other`",
            number::counted(folded, "time")
        ));
    }
}
