//! What a driver reports of one exchange. Small and `Copy`: no text from outside gets in here.

use std::time::Duration;

use crate::time::Elapsed;

/// The moments of one exchange. Phases that did not happen (a connection that was kept alive)
/// are zero, as in k6.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Phases {
    /// Waiting for a connection: DNS, TCP and TLS included when a new one was made (k6's `blocked`).
    pub blocked: Duration,
    pub looking_up: Duration,
    pub connecting: Duration,
    pub tls_handshaking: Duration,
    pub sending: Duration,
    /// Until the first byte of the response (TTFB).
    pub waiting: Duration,
    pub receiving: Duration,
}

impl Phases {
    /// k6's `http_req_duration`: without DNS, TCP and TLS.
    pub fn duration(&self) -> Duration {
        self.sending + self.waiting + self.receiving
    }
}

/// One exchange with the target: a request and its response, or a WebSocket handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// When a user wanted it; equals `started` but for the first exchange of an arrival-rate iteration.
    pub due: Elapsed,
    pub started: Elapsed,
    pub finished: Elapsed,
    pub phases: Phases,
    /// 0 when no response came.
    pub status: u16,
    pub error: Option<ErrorCode>,
    pub bytes_sent: u64,
    pub bytes_received: u64,
}

impl Exchange {
    /// From when it was due until it was done: what a user would have felt.
    pub fn response_time(&self) -> Duration {
        self.finished.since(self.due)
    }
}

/// Why an exchange failed, as a number fit for a label: k6's `error_code`s
/// (<https://grafana.com/docs/k6/latest/javascript-api/error-codes/>), and 18xx for what k6 does not tell apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ErrorCode(u16);

impl ErrorCode {
    pub const GENERIC: ErrorCode = ErrorCode(1000);
    pub const INVALID_URL: ErrorCode = ErrorCode(1020);
    pub const TIMEOUT: ErrorCode = ErrorCode(1050);
    pub const DNS: ErrorCode = ErrorCode(1100);
    pub const DNS_NO_SUCH_HOST: ErrorCode = ErrorCode(1101);
    /// The target's address is not on the allow-list.
    pub const BLOCKED_ADDRESS: ErrorCode = ErrorCode(1110);
    /// The target's host is not on the allow-list.
    pub const BLOCKED_HOST: ErrorCode = ErrorCode(1111);
    pub const TCP: ErrorCode = ErrorCode(1200);
    pub const TCP_BROKEN_PIPE: ErrorCode = ErrorCode(1201);
    pub const DIAL: ErrorCode = ErrorCode(1210);
    pub const DIAL_TIMEOUT: ErrorCode = ErrorCode(1211);
    pub const CONNECTION_REFUSED: ErrorCode = ErrorCode(1212);
    pub const CONNECTION_RESET: ErrorCode = ErrorCode(1220);
    pub const TLS: ErrorCode = ErrorCode(1300);
    pub const TLS_UNKNOWN_AUTHORITY: ErrorCode = ErrorCode(1310);
    pub const TLS_WRONG_HOST: ErrorCode = ErrorCode(1311);
    /// The response's body is not what its `Content-Encoding` says.
    pub const DECOMPRESSION: ErrorCode = ErrorCode(1701);
    /// The response broke HTTP's grammar.
    pub const MALFORMED_RESPONSE: ErrorCode = ErrorCode(1800);
    /// The connection ended before the response did.
    pub const INCOMPLETE_RESPONSE: ErrorCode = ErrorCode(1801);
    /// No descriptor was left for the connection: our own limit, not the target's fault.
    pub const DESCRIPTORS_SPENT: ErrorCode = ErrorCode(1802);
    /// No local port was left for the connection: our own limit, not the target's fault.
    pub const PORTS_SPENT: ErrorCode = ErrorCode(1803);
    /// The budget for bodies and messages is spent: our own limit, not the target's fault.
    pub const MEMORY_SPENT: ErrorCode = ErrorCode(1804);
    /// The response's head, or its body where a step reads it, is above our limits.
    pub const RESPONSE_TOO_LARGE: ErrorCode = ErrorCode(1805);
    /// The handshake was answered, but not with 101 and not with an error status.
    pub const UPGRADE_REFUSED: ErrorCode = ErrorCode(1810);
    /// 101, but the accept key, upgrade header or subprotocol was wrong.
    pub const UPGRADE_MALFORMED: ErrorCode = ErrorCode(1811);
    /// The peer broke RFC 6455.
    pub const WEBSOCKET_PROTOCOL: ErrorCode = ErrorCode(1820);
    /// The connection was closed before what a `receive` waited for arrived.
    pub const WEBSOCKET_CLOSED: ErrorCode = ErrorCode(1821);
    /// A frame or message is above our limit.
    pub const WEBSOCKET_TOO_LARGE: ErrorCode = ErrorCode(1822);
    /// No connection to the proxy that the environment names.
    pub const PROXY_UNREACHABLE: ErrorCode = ErrorCode(1830);
    /// The proxy answered `CONNECT` with anything but success.
    pub const PROXY_REFUSED: ErrorCode = ErrorCode(1831);
    /// The server answered, but not as a NATS server that takes us.
    pub const NATS_HANDSHAKE: ErrorCode = ErrorCode(1840);
    /// The server does not know who we are, or does not want us.
    pub const NATS_UNAUTHORIZED: ErrorCode = ErrorCode(1841);
    /// We may not publish or subscribe there.
    pub const NATS_NOT_PERMITTED: ErrorCode = ErrorCode(1842);
    /// The connection was lost, or is not there for now.
    pub const NATS_DISCONNECTED: ErrorCode = ErrorCode(1843);
    /// A JetStream message was sent, and no acknowledgement came in time.
    pub const NATS_ACK_TIMEOUT: ErrorCode = ErrorCode(1844);
    /// No acknowledgement had come when the VU, or the run, ended.
    pub const NATS_ACK_ABANDONED: ErrorCode = ErrorCode(1845);
    /// No stream takes the subject.
    pub const NATS_NO_STREAM: ErrorCode = ErrorCode(1846);
    /// The stream that took it, or would have, is another than the plan's.
    pub const NATS_WRONG_STREAM: ErrorCode = ErrorCode(1847);
    /// The stream, or the account, has no room.
    pub const NATS_STREAM_FULL: ErrorCode = ErrorCode(1848);
    /// JetStream refused for any other reason.
    pub const NATS_JETSTREAM: ErrorCode = ErrorCode(1849);
    /// Nobody answers requests there.
    pub const NATS_NO_RESPONDERS: ErrorCode = ErrorCode(1850);
    /// The message is larger than the server or the stream takes.
    pub const NATS_TOO_LARGE: ErrorCode = ErrorCode(1851);
    /// The subject cannot be one: empty, or with white space.
    pub const NATS_SUBJECT: ErrorCode = ErrorCode(1852);
    /// Messages came faster than the step took them, and were dropped on our side.
    pub const NATS_SLOW_CONSUMER: ErrorCode = ErrorCode(1853);
    /// Fewer messages came than were waited for.
    pub const NATS_TOO_FEW: ErrorCode = ErrorCode(1854);
    /// The answer is none of gRPC's: another content type, a frame that is none, no `grpc-status` at its end.
    pub const GRPC_MALFORMED: ErrorCode = ErrorCode(1880);
    /// A message that is not what its descriptor says.
    pub const GRPC_BAD_MESSAGE: ErrorCode = ErrorCode(1881);
    /// A message is above `max_receive_size` or `max_send_size`.
    pub const GRPC_TOO_LARGE: ErrorCode = ErrorCode(1882);
    /// A message is compressed in a way that was not agreed upon.
    pub const GRPC_COMPRESSION: ErrorCode = ErrorCode(1883);
    /// `OK`, but not with the one message that the method answers with.
    pub const GRPC_MESSAGE_COUNT: ErrorCode = ErrorCode(1884);
    /// The stream ended before what a `receive` waited for arrived.
    pub const GRPC_STREAM_ENDED: ErrorCode = ErrorCode(1885);
    /// No answer to a keep-alive ping.
    pub const GRPC_KEEP_ALIVE: ErrorCode = ErrorCode(1886);
    /// The server answered, but not as one of AMQP 0-9-1.
    pub const AMQP_HANDSHAKE: ErrorCode = ErrorCode(1890);
    /// The server does not know who we are.
    pub const AMQP_UNAUTHORIZED: ErrorCode = ErrorCode(1891);
    /// There is no such virtual host, or not for us.
    pub const AMQP_VHOST: ErrorCode = ErrorCode(1892);
    /// The connection was lost, or is not there for now.
    pub const AMQP_DISCONNECTED: ErrorCode = ErrorCode(1893);
    /// A message was sent, and no confirm came in time.
    pub const AMQP_ACK_TIMEOUT: ErrorCode = ErrorCode(1894);
    /// No confirm had come when the VU, or the run, ended.
    pub const AMQP_ACK_ABANDONED: ErrorCode = ErrorCode(1895);
    /// The connection or its channel ended before the confirm.
    pub const AMQP_ACK_LOST: ErrorCode = ErrorCode(1896);
    /// The server confirmed that it did not take the message (`basic.nack`).
    pub const AMQP_NACK: ErrorCode = ErrorCode(1897);
    /// No queue takes the message: it was returned, or the management API said `"routed": false`.
    pub const AMQP_RETURNED: ErrorCode = ErrorCode(1898);
    /// There is no such exchange or queue.
    pub const AMQP_NOT_FOUND: ErrorCode = ErrorCode(1899);
    /// We may not do that there.
    pub const AMQP_NOT_PERMITTED: ErrorCode = ErrorCode(1900);
    /// The exchange or the queue is not what was asked for, or a message is not what it takes.
    pub const AMQP_PRECONDITION: ErrorCode = ErrorCode(1901);
    /// The message is larger than the server takes.
    pub const AMQP_TOO_LARGE: ErrorCode = ErrorCode(1902);
    /// The server closed the channel or the connection for any other reason.
    pub const AMQP_REFUSED: ErrorCode = ErrorCode(1903);
    /// The server is shutting down, or an operator closed the connection.
    pub const AMQP_SHUTDOWN: ErrorCode = ErrorCode(1904);
    /// The server takes no messages for now: it is short of memory or disk.
    pub const AMQP_BLOCKED: ErrorCode = ErrorCode(1905);
    /// The queue went away while the step consumed from it.
    pub const AMQP_CANCELLED: ErrorCode = ErrorCode(1906);
    /// Messages came faster than the step took them, and were dropped on our side.
    pub const AMQP_SLOW_CONSUMER: ErrorCode = ErrorCode(1907);
    /// Fewer messages came than were waited for.
    pub const AMQP_TOO_FEW: ErrorCode = ErrorCode(1908);
    /// The server broke the rules of AMQP.
    pub const AMQP_MALFORMED: ErrorCode = ErrorCode(1909);

    /// k6 reports a response of status 400 and above as `1000 + status`.
    pub fn from_status(status: u16) -> Option<ErrorCode> {
        (400..600).contains(&status).then_some(ErrorCode(1000 + status))
    }

    /// A call that ended with a status of gRPC's other than `OK`, from 1 on.
    pub fn from_grpc_status(status: u16) -> Option<ErrorCode> {
        (1..=16).contains(&status).then_some(ErrorCode(GRPC_OK + status))
    }

    /// The server said goodbye (GOAWAY) before it answered; `reason` as in RFC 9113, section 7.
    pub fn http2_go_away(reason: u32) -> ErrorCode {
        Self::http2(1610, reason)
    }

    /// A stream was reset, by the server or, where it broke the rules, by us.
    pub fn http2_stream(reason: u32) -> ErrorCode {
        Self::http2(1630, reason)
    }

    /// The server broke the rules of the whole connection.
    pub fn http2_connection(reason: u32) -> ErrorCode {
        Self::http2(1650, reason)
    }

    /// k6 counts the reasons from 1 on; one that RFC 9113 does not know is 0.
    fn http2(base: u16, reason: u32) -> ErrorCode {
        let offset = u16::try_from(reason).ok().filter(|reason| *reason <= HTTP2_LAST_REASON);
        ErrorCode(base + offset.map_or(0, |reason| reason + 1))
    }

    /// Whether it only repeats the response's status.
    pub fn is_status(self) -> bool {
        (1400..1600).contains(&self.0) || (GRPC_OK + 1..=GRPC_OK + 16).contains(&self.0)
    }

    /// Of a label's value.
    pub fn from_number(number: u16) -> ErrorCode {
        ErrorCode(number)
    }

    pub fn number(self) -> u16 {
        self.0
    }

    /// For people; the label is the number.
    pub fn describe(self) -> &'static str {
        match self {
            Self::INVALID_URL => "invalid URL",
            Self::TIMEOUT => "timed out",
            Self::DNS => "DNS lookup failed",
            Self::DNS_NO_SUCH_HOST => "no such host",
            Self::BLOCKED_ADDRESS => "address not allowed",
            Self::BLOCKED_HOST => "host not allowed as a target (--allow-target)",
            Self::TCP => "TCP error",
            Self::TCP_BROKEN_PIPE => "broken pipe",
            Self::DIAL => "could not connect",
            Self::DIAL_TIMEOUT => "connecting timed out",
            Self::CONNECTION_REFUSED => "connection refused",
            Self::CONNECTION_RESET => "connection reset by peer",
            Self::TLS => "TLS handshake failed",
            Self::TLS_UNKNOWN_AUTHORITY => "certificate signed by an unknown authority",
            Self::TLS_WRONG_HOST => "certificate is for another host",
            Self(number @ 1610..=1624) => HTTP2_GO_AWAY[usize::from(number - 1610)],
            Self(number @ 1630..=1644) => HTTP2_STREAM[usize::from(number - 1630)],
            Self(number @ 1650..=1664) => HTTP2_CONNECTION[usize::from(number - 1650)],
            Self::DECOMPRESSION => "body is not what its Content-Encoding says",
            Self::MALFORMED_RESPONSE => "malformed response",
            Self::INCOMPLETE_RESPONSE => "connection closed before the response was complete",
            Self::DESCRIPTORS_SPENT => "no file descriptor left (raise ulimit -n)",
            Self::PORTS_SPENT => "no local port left",
            Self::MEMORY_SPENT => "no memory left for bodies and messages (raise limits.memory)",
            Self::RESPONSE_TOO_LARGE => "response too large",
            Self::UPGRADE_REFUSED => "WebSocket upgrade refused",
            Self::UPGRADE_MALFORMED => "malformed WebSocket handshake",
            Self::WEBSOCKET_PROTOCOL => "WebSocket protocol error",
            Self::WEBSOCKET_CLOSED => "WebSocket closed early",
            Self::WEBSOCKET_TOO_LARGE => "WebSocket message too large",
            Self::PROXY_UNREACHABLE => "proxy unreachable",
            Self::PROXY_REFUSED => "proxy refused to connect",
            Self::NATS_HANDSHAKE => "NATS handshake failed",
            Self::NATS_UNAUTHORIZED => "NATS server refused the credentials",
            Self::NATS_NOT_PERMITTED => "not permitted on this subject",
            Self::NATS_DISCONNECTED => "NATS connection lost",
            Self::NATS_ACK_TIMEOUT => "no acknowledgement in time",
            Self::NATS_ACK_ABANDONED => "no acknowledgement before the end",
            Self::NATS_NO_STREAM => "no stream takes the subject",
            Self::NATS_WRONG_STREAM => "another stream takes the subject",
            Self::NATS_STREAM_FULL => "the stream is full",
            Self::NATS_JETSTREAM => "JetStream refused",
            Self::NATS_NO_RESPONDERS => "nobody answers on the subject",
            Self::NATS_TOO_LARGE => "message too large",
            Self::NATS_SUBJECT => "invalid subject",
            Self::NATS_SLOW_CONSUMER => "messages came faster than they were taken",
            Self::NATS_TOO_FEW => "too few messages came",
            Self::AMQP_HANDSHAKE => "AMQP handshake failed",
            Self::AMQP_UNAUTHORIZED => "AMQP server refused the credentials",
            Self::AMQP_VHOST => "no such virtual host, or no access to it",
            Self::AMQP_DISCONNECTED => "AMQP connection lost",
            Self::AMQP_ACK_TIMEOUT => "no confirm in time",
            Self::AMQP_ACK_ABANDONED => "no confirm before the end",
            Self::AMQP_ACK_LOST => "connection lost before the confirm",
            Self::AMQP_NACK => "the server did not take the message",
            Self::AMQP_RETURNED => "no queue takes the message",
            Self::AMQP_NOT_FOUND => "no such exchange or queue",
            Self::AMQP_NOT_PERMITTED => "not permitted on this exchange or queue",
            Self::AMQP_PRECONDITION => "precondition failed",
            Self::AMQP_TOO_LARGE => "message larger than the server takes",
            Self::AMQP_REFUSED => "the server closed the channel or the connection",
            Self::AMQP_SHUTDOWN => "the server closed the connection: shutdown, or by an operator",
            Self::AMQP_BLOCKED => "the server takes no messages: short of memory or disk",
            Self::AMQP_CANCELLED => "the queue went away",
            Self::AMQP_SLOW_CONSUMER => "messages came faster than they were taken",
            Self::AMQP_TOO_FEW => "too few messages came",
            Self::AMQP_MALFORMED => "malformed AMQP",
            Self::GRPC_MALFORMED => "malformed gRPC response",
            Self::GRPC_BAD_MESSAGE => "gRPC message is not what its descriptor says",
            Self::GRPC_TOO_LARGE => "gRPC message too large (max_receive_size, max_send_size)",
            Self::GRPC_COMPRESSION => "gRPC message compressed in a way that was not agreed upon",
            Self::GRPC_MESSAGE_COUNT => "not the one message that the gRPC method answers with",
            Self::GRPC_STREAM_ENDED => "gRPC stream ended early",
            Self::GRPC_KEEP_ALIVE => "gRPC server silent: no answer to a ping in time (keep_alive_timeout)",
            Self(number @ 1861..=1876) => GRPC_STATUSES[usize::from(number - 1861)],
            code if code.is_status() => "error status",
            _ => "error",
        }
    }
}

/// Statuses of gRPC follow it, as those of HTTP follow 1000.
const GRPC_OK: u16 = 1860;

/// From `CANCELLED` (1) on, in gRPC's order.
const GRPC_STATUSES: [&str; 16] = [
    "gRPC status CANCELLED",
    "gRPC status UNKNOWN",
    "gRPC status INVALID_ARGUMENT",
    "gRPC status DEADLINE_EXCEEDED",
    "gRPC status NOT_FOUND",
    "gRPC status ALREADY_EXISTS",
    "gRPC status PERMISSION_DENIED",
    "gRPC status RESOURCE_EXHAUSTED",
    "gRPC status FAILED_PRECONDITION",
    "gRPC status ABORTED",
    "gRPC status OUT_OF_RANGE",
    "gRPC status UNIMPLEMENTED",
    "gRPC status INTERNAL",
    "gRPC status UNAVAILABLE",
    "gRPC status DATA_LOSS",
    "gRPC status UNAUTHENTICATED",
];

/// `HTTP_1_1_REQUIRED`: the last one of RFC 9113, section 7.
const HTTP2_LAST_REASON: u16 = 0xd;

/// What happened, with each of RFC 9113's reasons in their order, after one for a reason it does not know.
macro_rules! http2_reasons {
    ($what:literal) => {
        [
            concat!($what, " (unknown reason)"),
            concat!($what, " (NO_ERROR)"),
            concat!($what, " (PROTOCOL_ERROR)"),
            concat!($what, " (INTERNAL_ERROR)"),
            concat!($what, " (FLOW_CONTROL_ERROR)"),
            concat!($what, " (SETTINGS_TIMEOUT)"),
            concat!($what, " (STREAM_CLOSED)"),
            concat!($what, " (FRAME_SIZE_ERROR)"),
            concat!($what, " (REFUSED_STREAM)"),
            concat!($what, " (CANCEL)"),
            concat!($what, " (COMPRESSION_ERROR)"),
            concat!($what, " (CONNECT_ERROR)"),
            concat!($what, " (ENHANCE_YOUR_CALM)"),
            concat!($what, " (INADEQUATE_SECURITY)"),
            concat!($what, " (HTTP_1_1_REQUIRED)"),
        ]
    };
}

const HTTP2_GO_AWAY: [&str; 15] = http2_reasons!("HTTP/2 GOAWAY");
const HTTP2_STREAM: [&str; 15] = http2_reasons!("HTTP/2 stream reset");
const HTTP2_CONNECTION: [&str; 15] = http2_reasons!("HTTP/2 connection error");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_of_http2_are_k6s_numbers() {
        for (code, number, description) in [
            (ErrorCode::http2_go_away(0), 1611, "HTTP/2 GOAWAY (NO_ERROR)"),
            (ErrorCode::http2_stream(7), 1638, "HTTP/2 stream reset (REFUSED_STREAM)"),
            (ErrorCode::http2_stream(0xd), 1644, "HTTP/2 stream reset (HTTP_1_1_REQUIRED)"),
            (ErrorCode::http2_stream(0xe), 1630, "HTTP/2 stream reset (unknown reason)"),
            (ErrorCode::http2_connection(1), 1652, "HTTP/2 connection error (PROTOCOL_ERROR)"),
            (ErrorCode::http2_connection(u32::MAX), 1650, "HTTP/2 connection error (unknown reason)"),
        ] {
            assert_eq!((code.number(), code.describe()), (number, description));
        }
    }
}
