//! k6's last lines: how many iterations there were, and how each scenario ended.

use std::time::Duration;

use super::super::clean::clean;
use super::super::display::{Mark, mark, percent, tally, vus};
use super::super::paint::Paint;
use super::super::{Finished, Phase, ScenarioProgress, Warmup, number};

pub(super) fn lines(finished: &Finished, paint: Paint) -> Vec<String> {
    if finished.scenarios.is_empty() {
        return Vec::new();
    }
    let mut lines = vec![running(finished)];
    lines.extend(finished.warmup.map(|Warmup { duration, iterations }| {
        let iterations = number::counted(iterations, "iteration");
        format!("warmup {}: {iterations} not judged", crate::time::span(duration))
    }));
    if !finished.paused.is_zero() {
        let paused = number::clock(finished.paused, finished.paused);
        lines.push(format!(
            "paused for {paused}, in which no iteration began: no duration and no rate contains it"
        ));
    }
    let width = finished.scenarios.iter().map(|scenario| scenario.name.chars().count()).max().unwrap_or(0);
    lines.extend(finished.scenarios.iter().map(|each| scenario(each, finished, width, paint)));
    lines
}

fn running(finished: &Finished) -> String {
    let clock = number::clock(finished.elapsed, finished.elapsed);
    let part = finished
        .segment
        .as_ref()
        .map_or_else(String::new, |segment| format!(", segment {segment} of the load"));
    format!("running ({clock}), {}{part}", tally(&finished.scenarios))
}

/// A run that nothing cut short has done all it planned, even when its last iteration ended a little early.
fn reached(scenario: &ScenarioProgress, finished: &Finished) -> Duration {
    let planned = if finished.ended_by.is_none() {
        scenario.start_time.saturating_add(scenario.duration)
    } else {
        Duration::ZERO
    };
    finished.elapsed.max(planned)
}

fn scenario(scenario: &ScenarioProgress, finished: &Finished, width: usize, paint: Paint) -> String {
    let elapsed = reached(scenario, finished);
    let mark = match mark(scenario, Phase::Finished, elapsed) {
        Mark::Done => paint.good('✓'),
        Mark::Cut => paint.bad('✗'),
        mark => mark.symbol().to_string(),
    };
    let dropped =
        if scenario.dropped > 0 { format!(", {} dropped", scenario.dropped) } else { String::new() };
    let executor = clean(&scenario.executor);
    let of = if executor.is_empty() { String::new() } else { format!("  ({executor})") };
    format!(
        "{:width$} {mark} [ {:>3}% ] {}  {} complete and {} interrupted iterations{dropped}{of}",
        scenario.name,
        percent(scenario, elapsed),
        vus(scenario),
        scenario.completed,
        scenario.interrupted,
    )
}
