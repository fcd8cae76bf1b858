//! What a protocol's metrics mean, so that neither reports nor judgement have to know any protocol: a new one is a line
//! in [`PROTOCOLS`].

use super::builtin::{NAMES, *};
use crate::ids::MetricId;

/// The metrics of one protocol.
#[derive(Debug, Clone, Copy)]
pub struct Protocol {
    /// The first word of its metrics' names: `http`.
    pub word: &'static str,
    /// Of its section in the summary.
    pub title: &'static str,
    /// Counts requests, or messages sent.
    pub sent: MetricId,
    /// Counts what went wrong, by `error_code`; where it has a label `expected_response`, also what went well.
    pub errors: MetricId,
    /// The rate of exchanges that failed.
    pub failed: MetricId,
    /// What `failed` says, where no error and no status does.
    pub failure: Option<&'static str>,
    /// Counts connections that were tried, where `errors` counts those alone that could not be made or broke.
    pub connections: Option<MetricId>,
    /// From when it was due until it was answered, or the nearest to that: what a user waits for.
    pub felt: MetricId,
    /// How long the target took.
    pub service: MetricId,
    /// There from the start, with all labels that the plan gives.
    pub known: MetricId,
    /// The labels that come with what happens, from closed sets, of these metrics.
    pub later: &'static [(MetricId, &'static [&'static str])],
    /// Those of all others.
    pub later_of_others: &'static [&'static str],
    /// Count how often the generator came round.
    pub rounds: &'static [MetricId],
    /// Count what the target did then.
    pub done: &'static [MetricId],
    /// Grow only when something goes wrong.
    pub trouble: &'static [MetricId],
    /// Say how long the plan lets things last, and how many there are at a time.
    pub neither: &'static [MetricId],
}

/// As they are shown: the first before what the run itself has to say, as in k6's summary, the others after it.
pub const PROTOCOLS: [Protocol; 5] = [
    Protocol {
        word: "http",
        title: "HTTP",
        sent: HTTP_REQS,
        errors: HTTP_REQS,
        failed: HTTP_REQ_FAILED,
        failure: None,
        connections: None,
        felt: HTTP_REQ_RESPONSE_TIME,
        service: HTTP_REQ_DURATION,
        known: HTTP_REQ_FAILED,
        later: &[
            (HTTP_REQS, &["expected_response", "status", "error_code"]),
            (HTTP_REQ_DURATION, &["expected_response", "status", "error_code"]),
            (HTTP_REQ_FAILED, &[]),
        ],
        later_of_others: &["expected_response"],
        rounds: &[HTTP_REQS],
        done: &[],
        trouble: &[HTTP_REQ_FAILED],
        neither: &[],
    },
    Protocol {
        word: "ws",
        title: "WEBSOCKET",
        sent: WS_MSGS_SENT,
        errors: WS_CONNECTION_ERRORS,
        failed: WS_RECEIVE_FAILED,
        failure: Some("a `receive` did not get what it waited for"),
        connections: Some(WS_SESSIONS),
        felt: WS_FIRST_MESSAGE,
        service: WS_FIRST_MESSAGE,
        known: WS_SESSIONS,
        later: &[(WS_CONNECTION_ERRORS, &["error_code"])],
        later_of_others: &[],
        rounds: &[WS_SESSIONS, WS_MSGS_SENT],
        done: &[WS_MSGS_RECEIVED],
        trouble: &[WS_CONNECTION_ERRORS, WS_RECEIVE_FAILED, WS_MSGS_DISCARDED],
        neither: &[WS_SESSION_DURATION, WS_CONNECTED],
    },
    Protocol {
        word: "nats",
        title: "NATS",
        sent: NATS_MSGS_SENT,
        errors: NATS_ERRORS,
        failed: NATS_FAILED,
        failure: None,
        connections: None,
        felt: NATS_RESPONSE_TIME,
        service: NATS_ACK_DURATION,
        known: NATS_FAILED,
        later: &[(NATS_ERRORS, &["error_code"])],
        later_of_others: &[],
        rounds: &[NATS_MSGS_SENT],
        done: &[NATS_ACKS, NATS_MSGS_RECEIVED],
        trouble: &[NATS_FAILED, NATS_ERRORS, NATS_DUPLICATES, NATS_RECONNECTS],
        neither: &[NATS_CONNECTIONS],
    },
    Protocol {
        word: "amqp",
        title: "AMQP",
        sent: AMQP_MSGS_SENT,
        errors: AMQP_ERRORS,
        failed: AMQP_FAILED,
        failure: None,
        connections: None,
        felt: AMQP_RESPONSE_TIME,
        service: AMQP_ACK_DURATION,
        known: AMQP_FAILED,
        later: &[(AMQP_ERRORS, &["error_code"])],
        later_of_others: &[],
        rounds: &[AMQP_MSGS_SENT],
        done: &[AMQP_ACKS, AMQP_MSGS_RECEIVED],
        trouble: &[AMQP_FAILED, AMQP_ERRORS, AMQP_RETURNED, AMQP_RECONNECTS],
        neither: &[AMQP_CONNECTIONS],
    },
    Protocol {
        word: "grpc",
        title: "GRPC",
        sent: GRPC_REQS,
        errors: GRPC_REQS,
        failed: GRPC_REQ_FAILED,
        failure: None,
        connections: None,
        felt: GRPC_REQ_RESPONSE_TIME,
        service: GRPC_REQ_DURATION,
        known: GRPC_REQ_FAILED,
        later: &[
            (GRPC_REQS, &["expected_response", "status", "error_code"]),
            (GRPC_REQ_DURATION, &["expected_response", "status", "error_code"]),
            (GRPC_REQ_RESPONSE_TIME, &["expected_response"]),
        ],
        later_of_others: &[],
        rounds: &[GRPC_REQS, GRPC_STREAMS, GRPC_STREAMS_MSGS_SENT],
        done: &[GRPC_STREAMS_MSGS_RECEIVED],
        trouble: &[GRPC_REQ_FAILED, GRPC_STREAM_RECEIVE_FAILED],
        neither: &[GRPC_STREAM_OPEN],
    },
];

impl Protocol {
    /// Whose metric this is, by the first word of its name; `None` of the run's own and of the plan's.
    pub fn of(name: &str) -> Option<&'static Protocol> {
        let word = name.split('_').next();
        PROTOCOLS.iter().find(|protocol| Some(protocol.word) == word)
    }

    /// Whether this metric is in such a list of its protocol: `Protocol::lists("http_reqs", |it| it.rounds)`.
    pub fn lists(name: &str, list: impl Fn(&Protocol) -> &'static [MetricId]) -> bool {
        let is = |id: &MetricId| NAMES.get(usize::from(id.0)) == Some(&name);
        Protocol::of(name).is_some_and(|protocol| list(protocol).iter().any(is))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_listed_of_a_protocol_is_its_own() {
        for protocol in PROTOCOLS {
            for id in [protocol.rounds, protocol.done, protocol.trouble, protocol.neither].concat() {
                let name = NAMES[usize::from(id.0)];
                assert_eq!(Protocol::of(name).map(|of| of.word), Some(protocol.word), "{name}");
            }
        }
        assert!(
            Protocol::lists("http_reqs", |it| it.rounds) && !Protocol::lists("http_reqs", |it| it.trouble)
        );
        assert!(!Protocol::lists("orders", |it| it.rounds));
    }
}
