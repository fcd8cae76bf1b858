//! Which way is worse.

use serde_json::Value as Json;

use crate::metric::Protocol;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    UpIsWorse,
    DownIsWorse,
}

// Of the run itself, whatever its protocols.

/// What grows when a target does more.
const THROUGHPUT: [&str; 3] = ["checks", "events_published", "events_received"];
const ROUNDS: [&str; 1] = ["iterations"];
/// What only grows when something goes wrong.
const TROUBLE: [&str; 6] = [
    "dropped_iterations",
    "interrupted_iterations",
    "iteration_errors",
    "events_lost",
    "events_duplicated",
    "events_reordered",
];
/// Of the generator, or of how long the plan lets things last.
const NEITHER: [&str; 6] = ["iteration_lag", "round_lag", "vus", "vus_max", "data_sent", "data_received"];

/// How often the generator came round. With a fixed rate `dropped_iterations` says what was not done, with fixed users
/// it follows from how long everything took, and from what else the generator's machine was doing: it is shown as worse
/// or better, and decides nothing.
pub(super) fn is_rounds(base: &str) -> bool {
    ROUNDS.contains(&base) || Protocol::lists(base, |it| it.rounds)
}

/// Of a metric in a summary. What is not ours is worse in the direction that its thresholds forbid; a custom time
/// without one is worse when it grows.
pub(super) fn of(name: &str, metric: &Json, gates: &Json) -> Option<Direction> {
    let base = name.split_once('{').map_or(name, |(base, _)| base);
    if NEITHER.contains(&base) || Protocol::lists(base, |it| it.neither) {
        return None;
    }
    if TROUBLE.contains(&base) || Protocol::lists(base, |it| it.trouble) {
        return Some(Direction::UpIsWorse);
    }
    if is_rounds(base) || THROUGHPUT.contains(&base) || Protocol::lists(base, |it| it.done) {
        return Some(Direction::DownIsWorse);
    }
    let is_time = metric["type"] == "trend" && metric["contains"] == "time";
    if is_time { Some(Direction::UpIsWorse) } else { forbidden(name, gates) }
}

/// `None` also for thresholds on both sides.
fn forbidden(name: &str, gates: &Json) -> Option<Direction> {
    let thresholds = gates.as_array()?.iter().filter(|gate| gate["metric"] == name);
    let mut found = None;
    for threshold in thresholds.filter_map(|gate| gate["threshold"].as_str()) {
        let direction = match (threshold.contains('<'), threshold.contains('>')) {
            (true, false) => Direction::UpIsWorse,
            (false, true) => Direction::DownIsWorse,
            _ => return None,
        };
        if found.is_some_and(|found| found != direction) {
            return None;
        }
        found = Some(direction);
    }
    found
}
