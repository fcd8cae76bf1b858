//! TARGET: what the target's own metrics said, and how often it was asked.

use super::super::clean::clean;
use super::super::paint::Paint;
use super::super::{Finished, Probe, number};
use super::table::{Columns, Row, Table};
use crate::verdict::ScrapeHealth;

pub(super) fn add(table: &mut Table, finished: &Finished, paint: Paint) {
    if finished.probes.is_empty() && finished.scrapes.is_empty() {
        return;
    }
    table.section(paint.title("TARGET"));
    finished.probes.iter().for_each(|each| table.row(probe(each)));
    finished.scrapes.iter().for_each(|each| table.row(scrape(each)));
}

fn probe(probe: &Probe) -> Row {
    let samples = &probe.samples;
    let missed = if samples.missed > 0 { format!(", {} missed", samples.missed) } else { String::new() };
    let counts = format!("({}{missed})", number::counted(samples.count, "sample"));
    let statistics =
        [("avg", samples.avg()), ("min", samples.min()), ("max", samples.max()), ("last", samples.last())];
    let cell = |(name, value): (&str, Option<f64>)| Some(format!("{name}={}", number::number(value?)));
    let mut cells: Vec<String> = statistics.into_iter().filter_map(cell).collect();
    if cells.is_empty() {
        cells.push(format!("no data {counts}"));
    } else {
        cells.push(counts);
    }
    Row { name: clean(&probe.name), columns: Columns::Probe, cells }
}

fn scrape(scrape: &ScrapeHealth) -> Row {
    let made = scrape.due.saturating_sub(scrape.missed);
    let mut cells = vec![format!("{made} made,"), format!("{} missed", scrape.missed)];
    if scrape.missed > 0 {
        cells.push(format!("(the last with: {})", clean(&scrape.last_error)));
    }
    Row { name: format!("scrapes of {}", clean(&scrape.job)), columns: Columns::Scrape, cells }
}
