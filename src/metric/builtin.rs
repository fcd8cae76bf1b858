//! The built-in metrics: k6's names and meanings
//! (<https://grafana.com/docs/k6/latest/using-k6/metrics/reference/>), then what k6 lacks.

use super::{Definition, Kind, Unit};
use crate::ids::MetricId;

macro_rules! builtin {
    ($($id:ident $name:literal $kind:ident $unit:ident $help:literal;)+) => {
        #[expect(non_camel_case_types, clippy::upper_case_acronyms, reason = "only numbers the constants below")]
        enum Position { $($id),+ }
        $(#[doc = $help] pub const $id: MetricId = MetricId(Position::$id as u16);)+

        /// By position.
        pub(super) const NAMES: &[&str] = &[$($name),+];

        pub(super) fn definitions() -> Vec<Definition> {
            vec![$(Definition {
                name: $name.to_owned(),
                kind: Kind::$kind,
                unit: Unit::$unit,
                help: $help.to_owned(),
                custom: false,
            }),+]
        }
    };
}

builtin! {
    CHECKS "checks" Rate Plain "Checks that held.";
    DATA_RECEIVED "data_received" Counter Bytes "Bytes received from the target.";
    DATA_SENT "data_sent" Counter Bytes "Bytes sent to the target.";
    DROPPED_ITERATIONS "dropped_iterations" Counter Plain "Iterations that were due and never started.";
    GROUP_DURATION "group_duration" Trend Time "Time to execute a group.";
    HTTP_REQ_BLOCKED "http_req_blocked" Trend Time "Waiting for a connection; a new one's DNS, TCP and TLS included.";
    HTTP_REQ_CONNECTING "http_req_connecting" Trend Time "Establishing the TCP connection.";
    HTTP_REQ_DURATION "http_req_duration" Trend Time "Sending, waiting and receiving, from when the request started.";
    HTTP_REQ_FAILED "http_req_failed" Rate Plain "Requests with an error or an unexpected status.";
    HTTP_REQ_RECEIVING "http_req_receiving" Trend Time "Receiving the response.";
    HTTP_REQ_SENDING "http_req_sending" Trend Time "Sending the request.";
    HTTP_REQ_TLS_HANDSHAKING "http_req_tls_handshaking" Trend Time "The TLS handshake.";
    HTTP_REQ_WAITING "http_req_waiting" Trend Time "Waiting for the first byte of the response.";
    HTTP_REQS "http_reqs" Counter Plain "HTTP requests.";
    ITERATION_DURATION "iteration_duration" Trend Time "Time to complete an iteration.";
    ITERATIONS "iterations" Counter Plain "Iterations completed.";
    VUS "vus" Gauge Plain "Virtual users that run an iteration.";
    VUS_MAX "vus_max" Gauge Plain "Virtual users allocated.";
    WS_CONNECTING "ws_connecting" Trend Time "Connecting a WebSocket: DNS, TCP, TLS and upgrade.";
    WS_MSGS_RECEIVED "ws_msgs_received" Counter Plain "WebSocket messages received.";
    WS_MSGS_SENT "ws_msgs_sent" Counter Plain "WebSocket messages sent.";
    WS_PING "ws_ping" Trend Time "From a ping to its pong.";
    WS_SESSION_DURATION "ws_session_duration" Trend Time "From the handshake to the close of a WebSocket.";
    WS_SESSIONS "ws_sessions" Counter Plain "WebSocket sessions begun; failed handshakes included.";
    HTTP_REQ_RESPONSE_TIME "http_req_response_time" Trend Time "From when the request was due until its response was complete.";
    INTERRUPTED_ITERATIONS "interrupted_iterations" Counter Plain "Iterations cut off by the end of the run.";
    ITERATION_ERRORS "iteration_errors" Counter Plain "Iterations that ended early because an expression could not be evaluated.";
    ITERATION_LAG "iteration_lag" Trend Time "Start of an iteration minus when it was due: the generator's own lateness.";
    ITERATION_RESPONSE_TIME "iteration_response_time" Trend Time "From when the iteration was due until it was complete.";
    ROUND_LAG "round_lag" Trend Time "From when a round of a paced `repeat` was due to its start.";
    WS_CONNECTED "ws_connected" Gauge Plain "WebSocket connections open now.";
    WS_CONNECTION_ERRORS "ws_connection_errors" Counter Plain "WebSocket connections that could not be made or broke, by cause.";
    WS_FIRST_MESSAGE "ws_first_message" Trend Time "From a send to the first message of its reply.";
    WS_MESSAGE_GAP "ws_message_gap" Trend Time "Between two messages of a streamed reply.";
    WS_MSGS_DISCARDED "ws_msgs_discarded" Counter Plain "Messages that came while nothing received and did not fit into the inbox.";
    WS_RECEIVE_FAILED "ws_receive_failed" Rate Plain "Receives that timed out or whose connection closed.";
    NATS_ACK_DURATION "nats_ack_duration" Trend Time "From when a message was handed over until JetStream acknowledged or refused it.";
    NATS_ACKS "nats_acks" Counter Plain "Messages that JetStream acknowledged; duplicates included.";
    NATS_CONNECTING "nats_connecting" Trend Time "Connecting to NATS: DNS, TCP, TLS and handshake.";
    NATS_CONNECTIONS "nats_connections" Gauge Plain "NATS connections open now.";
    NATS_DUPLICATES "nats_duplicates" Counter Plain "Messages that JetStream had already, by their Nats-Msg-Id.";
    NATS_ERRORS "nats_errors" Counter Plain "What went wrong with NATS connections and messages, by cause.";
    NATS_FAILED "nats_failed" Rate Plain "Messages not handed over or not acknowledged, requests without an answer, too few messages received.";
    NATS_MSGS_RECEIVED "nats_msgs_received" Counter Plain "NATS messages that steps received.";
    NATS_MSGS_SENT "nats_msgs_sent" Counter Plain "NATS messages handed over to be sent.";
    NATS_RECONNECTS "nats_reconnects" Counter Plain "NATS connections that were lost and came back.";
    NATS_REQUEST_DURATION "nats_request_duration" Trend Time "From when a request was handed over until its answer.";
    NATS_RESPONSE_TIME "nats_response_time" Trend Time "From when a message was due until it was acknowledged, answered or given up.";
    AMQP_ACK_DURATION "amqp_ack_duration" Trend Time "From when a message was handed over until the server confirmed or refused it.";
    AMQP_ACKS "amqp_acks" Counter Plain "Messages that the server confirmed and some queue took.";
    AMQP_CONNECTING "amqp_connecting" Trend Time "Connecting to AMQP: DNS, TCP, TLS and handshake.";
    AMQP_CONNECTIONS "amqp_connections" Gauge Plain "AMQP connections open now.";
    AMQP_ERRORS "amqp_errors" Counter Plain "What went wrong with AMQP connections and messages, by cause.";
    AMQP_FAILED "amqp_failed" Rate Plain "Messages not sent, not confirmed or returned, queues and exchanges not found, too few messages received.";
    AMQP_MSGS_RECEIVED "amqp_msgs_received" Counter Plain "AMQP messages that steps received.";
    AMQP_MSGS_SENT "amqp_msgs_sent" Counter Plain "AMQP messages handed over to be sent.";
    AMQP_RECONNECTS "amqp_reconnects" Counter Plain "AMQP connections made again after one that was lost.";
    AMQP_RESPONSE_TIME "amqp_response_time" Trend Time "From when a message was due until it was confirmed, returned or given up.";
    AMQP_RETURNED "amqp_returned" Counter Plain "Mandatory messages that came back because no queue takes them.";
    EVENT_LATENCY "event_latency" Trend Time "From when an event of a ledger was due until it was received.";
    EVENTS_DUPLICATED "events_duplicated" Counter Plain "Events of a ledger received once more.";
    EVENTS_LOST "events_lost" Counter Plain "Events of a ledger published and never received; known at the end of the load.";
    EVENTS_PUBLISHED "events_published" Counter Plain "Events of a ledger handed over, or acknowledged where they are.";
    EVENTS_RECEIVED "events_received" Counter Plain "Events of a ledger received for the first time.";
    EVENTS_REORDERED "events_reordered" Counter Plain "Events of a ledger received after one that was sent later.";
    GRPC_REQ_DURATION "grpc_req_duration" Trend Time "A gRPC call, streams included, from when its connection was at hand until its status.";
    GRPC_STREAMS "grpc_streams" Counter Plain "gRPC streams begun.";
    GRPC_STREAMS_MSGS_RECEIVED "grpc_streams_msgs_received" Counter Plain "Messages received over gRPC streams.";
    GRPC_STREAMS_MSGS_SENT "grpc_streams_msgs_sent" Counter Plain "Messages sent over gRPC streams.";
    GRPC_CONNECTING "grpc_connecting" Trend Time "Making a connection for gRPC: DNS, TCP and TLS.";
    GRPC_REQ_FAILED "grpc_req_failed" Rate Plain "gRPC calls with an error or an unexpected status.";
    GRPC_REQ_RESPONSE_TIME "grpc_req_response_time" Trend Time "From when a gRPC call was due until its status.";
    GRPC_REQS "grpc_reqs" Counter Plain "gRPC calls.";
    GRPC_STREAM_FIRST_MESSAGE "grpc_stream_first_message" Trend Time "From the beginning of a gRPC stream, or a send, to the first message that answers it.";
    GRPC_STREAM_MESSAGE_GAP "grpc_stream_message_gap" Trend Time "Between two messages of a gRPC stream.";
    GRPC_STREAM_OPEN "grpc_stream_open" Gauge Plain "gRPC streams whose flow is running.";
    GRPC_STREAM_RECEIVE_FAILED "grpc_stream_receive_failed" Rate Plain "Receives on a gRPC stream that timed out or whose stream ended.";
}
