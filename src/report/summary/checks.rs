//! `checks_total` and its kin, then each check with its mark.

use super::super::clean::clean;
use super::super::observed::Observed;
use super::super::paint::Paint;
use super::super::{Finished, number};
use super::sections::row;
use super::table::{Columns, Row, Table};
use crate::aggregate::Selector;
use crate::metric::CHECKS;

impl Finished {
    /// (name, how often it held, how often it did not), sorted by name. A check that was never
    /// reached has two zeros.
    pub(in crate::report) fn checks(&self) -> Vec<(&str, u64, u64)> {
        let names = self.totals.label_values(CHECKS, "check").into_iter();
        names
            .map(|name| {
                let (held, all) = self.totals.rate(&Selector::with(CHECKS, "check", name));
                (name, held, all - held)
            })
            .collect()
    }
}

pub(super) fn add(table: &mut Table, finished: &Finished, metrics: &[Observed<'_>], paint: Paint) {
    let checks = finished.checks();
    if checks.is_empty() {
        return;
    }
    let (held, all) = finished.totals.rate(&Selector::all(CHECKS));
    let secs = finished.judged_for().as_secs_f64();
    let per_sec = if secs > 0.0 { all as f64 / secs } else { 0.0 };
    total(table, "checks_total", [all.to_string(), format!("{}/s", number::number(per_sec))]);
    for (name, part) in [("checks_succeeded", held), ("checks_failed", all - held)] {
        total(table, name, [number::share_of(part, all), format!("{part} out of {all}")]);
    }
    let parts = metrics.iter().filter(|metric| metric.definition.name == "checks" && metric.tags.is_some());
    for part in parts {
        table.row(row(part, &[]));
    }
    table.blank();
    for (name, held, failed) in checks {
        let name = clean(name);
        match (held, failed) {
            (0, 0) => {
                table.text(format!("{} {name}", paint.doubtful('?')));
                table.text("  ↳  never reached".to_owned());
            }
            (_, 0) => table.text(format!("{} {name}", paint.good('✓'))),
            _ => {
                let percent = u128::from(held) * 100 / u128::from(held + failed);
                let counts =
                    format!("{} / {}", paint.good(format!("✓ {held}")), paint.bad(format!("✗ {failed}")));
                table.text(format!("{} {name}", paint.bad('✗')));
                table.text(format!("  ↳  {percent}% — {counts}"));
            }
        }
    }
}

fn total(table: &mut Table, name: &str, cells: [String; 2]) {
    table.row(Row { name: name.to_owned(), columns: Columns::Plain, cells: cells.to_vec() });
}

#[cfg(test)]
mod tests {
    use crate::report::fixture;
    use crate::report::observed::Values;

    #[test]
    fn checks_are_sorted_and_counted() {
        let finished = fixture::failed();
        assert_eq!(finished.checks(), [("body ok", 287, 0), ("status is 200", 280, 7)]);
        let rate = finished.observed().into_iter().find(|metric| metric.name == "checks");
        assert!(matches!(rate.unwrap().values, Some(Values::Rate { nonzero: 567, all: 574 })));
    }
}
