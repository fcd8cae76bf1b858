//! The series that steps write into, numbered when the plan is compiled.

use crate::executor::DropReason;
use crate::ids::SeriesId;
use crate::labels::Labels;
use crate::metric;
use crate::record::Registry;

/// What a scenario counts of its iterations.
#[derive(Debug, Clone, Copy)]
pub struct ScenarioSeries {
    pub iterations: SeriesId,
    pub duration: SeriesId,
    pub response_time: SeriesId,
    pub lag: SeriesId,
    pub interrupted: SeriesId,
    pub errors: SeriesId,
    pub data_sent: SeriesId,
    pub data_received: SeriesId,
    dropped: [SeriesId; DropReason::ALL.len()],
}

impl ScenarioSeries {
    pub fn new(registry: &Registry, labels: &Labels) -> Self {
        let series = |id| registry.intern(id, labels);
        let dropped = DropReason::ALL.map(|reason| {
            registry.intern(metric::DROPPED_ITERATIONS, &labels.with("reason", reason.label()))
        });
        ScenarioSeries {
            iterations: series(metric::ITERATIONS),
            duration: series(metric::ITERATION_DURATION),
            response_time: series(metric::ITERATION_RESPONSE_TIME),
            lag: series(metric::ITERATION_LAG),
            interrupted: series(metric::INTERRUPTED_ITERATIONS),
            errors: series(metric::ITERATION_ERRORS),
            data_sent: series(metric::DATA_SENT),
            data_received: series(metric::DATA_RECEIVED),
            dropped,
        }
    }

    pub fn dropped(&self, reason: DropReason) -> SeriesId {
        self.dropped[reason as usize]
    }
}

/// What steps count that talk over a session.
#[derive(Debug, Clone, Copy)]
pub struct SessionSeries {
    pub sessions: SeriesId,
    pub connecting: SeriesId,
    /// How long it was open, where that is no call that has a time of its own.
    pub duration: Option<SeriesId>,
    /// Where it may be open while others wait: of calls with a flow.
    pub connected: Option<SeriesId>,
    pub sent: SeriesId,
    pub received: SeriesId,
    /// Of sessions whose messages may find no room.
    pub discarded: Option<SeriesId>,
    /// Of sessions that may be pinged.
    pub ping: Option<SeriesId>,
    pub first_message: SeriesId,
    pub message_gap: SeriesId,
    pub receive_failed: SeriesId,
}

impl SessionSeries {
    pub fn of_websocket(registry: &Registry, labels: &Labels) -> Self {
        let series = |id| registry.intern(id, labels);
        SessionSeries {
            sessions: series(metric::WS_SESSIONS),
            connecting: series(metric::WS_CONNECTING),
            duration: Some(series(metric::WS_SESSION_DURATION)),
            connected: Some(series(metric::WS_CONNECTED)),
            sent: series(metric::WS_MSGS_SENT),
            received: series(metric::WS_MSGS_RECEIVED),
            discarded: Some(series(metric::WS_MSGS_DISCARDED)),
            ping: Some(series(metric::WS_PING)),
            first_message: series(metric::WS_FIRST_MESSAGE),
            message_gap: series(metric::WS_MESSAGE_GAP),
            receive_failed: series(metric::WS_RECEIVE_FAILED),
        }
    }

    pub fn of_grpc(registry: &Registry, labels: &Labels, with_flow: bool) -> Self {
        let series = |id| registry.intern(id, labels);
        SessionSeries {
            sessions: series(metric::GRPC_STREAMS),
            connecting: series(metric::GRPC_CONNECTING),
            duration: None,
            connected: with_flow.then(|| series(metric::GRPC_STREAM_OPEN)),
            sent: series(metric::GRPC_STREAMS_MSGS_SENT),
            received: series(metric::GRPC_STREAMS_MSGS_RECEIVED),
            discarded: None,
            ping: None,
            first_message: series(metric::GRPC_STREAM_FIRST_MESSAGE),
            message_gap: series(metric::GRPC_STREAM_MESSAGE_GAP),
            receive_failed: series(metric::GRPC_STREAM_RECEIVE_FAILED),
        }
    }
}
