//! Which way is worse.

use serde_json::Value as Json;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    UpIsWorse,
    DownIsWorse,
}

/// What grows when a target does more.
const THROUGHPUT: [&str; 18] = [
    "http_reqs",
    "iterations",
    "ws_sessions",
    "ws_msgs_sent",
    "ws_msgs_received",
    "grpc_reqs",
    "grpc_streams",
    "grpc_streams_msgs_sent",
    "grpc_streams_msgs_received",
    "checks",
    "nats_msgs_sent",
    "nats_acks",
    "nats_msgs_received",
    "amqp_msgs_sent",
    "amqp_acks",
    "amqp_msgs_received",
    "events_published",
    "events_received",
];
/// How often the generator came round. With a fixed rate `dropped_iterations` says what was not done, with fixed users
/// it follows from how long everything took, and from what else the generator's machine was doing: it is shown as worse
/// or better, and decides nothing.
pub(super) const ROUNDS: [&str; 9] = [
    "http_reqs",
    "iterations",
    "ws_sessions",
    "ws_msgs_sent",
    "grpc_reqs",
    "grpc_streams",
    "grpc_streams_msgs_sent",
    "nats_msgs_sent",
    "amqp_msgs_sent",
];

/// What only grows when something goes wrong.
const TROUBLE: [&str; 20] = [
    "http_req_failed",
    "grpc_req_failed",
    "grpc_stream_receive_failed",
    "dropped_iterations",
    "interrupted_iterations",
    "iteration_errors",
    "ws_connection_errors",
    "ws_receive_failed",
    "ws_msgs_discarded",
    "nats_failed",
    "nats_errors",
    "nats_duplicates",
    "nats_reconnects",
    "amqp_failed",
    "amqp_errors",
    "amqp_returned",
    "amqp_reconnects",
    "events_lost",
    "events_duplicated",
    "events_reordered",
];
/// Of the generator, or of how long the plan lets things last.
const NEITHER: [&str; 11] = [
    "grpc_stream_open",
    "iteration_lag",
    "round_lag",
    "ws_session_duration",
    "ws_connected",
    "nats_connections",
    "amqp_connections",
    "vus",
    "vus_max",
    "data_sent",
    "data_received",
];

/// Of a metric in a summary. What is not ours is worse in the direction that its thresholds forbid; a custom time
/// without one is worse when it grows.
pub(super) fn of(name: &str, metric: &Json, gates: &Json) -> Option<Direction> {
    let base = name.split_once('{').map_or(name, |(base, _)| base);
    if NEITHER.contains(&base) {
        return None;
    }
    if TROUBLE.contains(&base) {
        return Some(Direction::UpIsWorse);
    }
    if THROUGHPUT.contains(&base) {
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
