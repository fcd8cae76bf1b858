//! Statuses of gRPC, a closed set: what a server says, and what a client makes of an answer that says nothing
//! (<https://grpc.github.io/grpc/core/md_doc_statuscodes.html>,
//! <https://grpc.github.io/grpc/core/md_doc_http-grpc-status-mapping.html>).

use http::HeaderValue;

use crate::sample::ErrorCode;

/// How a call ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Status(u16);

impl Status {
    pub const OK: Status = Status(0);
    pub const CANCELLED: Status = Status(1);
    pub const UNKNOWN: Status = Status(2);
    pub const DEADLINE_EXCEEDED: Status = Status(4);
    pub const NOT_FOUND: Status = Status(5);
    pub const PERMISSION_DENIED: Status = Status(7);
    pub const RESOURCE_EXHAUSTED: Status = Status(8);
    pub const UNIMPLEMENTED: Status = Status(12);
    pub const INTERNAL: Status = Status(13);
    pub const UNAVAILABLE: Status = Status(14);
    pub const UNAUTHENTICATED: Status = Status(16);

    /// By number.
    pub const NAMES: [&str; 17] = [
        "OK",
        "CANCELLED",
        "UNKNOWN",
        "INVALID_ARGUMENT",
        "DEADLINE_EXCEEDED",
        "NOT_FOUND",
        "ALREADY_EXISTS",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "ABORTED",
        "OUT_OF_RANGE",
        "UNIMPLEMENTED",
        "INTERNAL",
        "UNAVAILABLE",
        "DATA_LOSS",
        "UNAUTHENTICATED",
    ];

    pub fn from_name(name: &str) -> Option<Status> {
        let number = Self::NAMES.iter().position(|known| *known == name)?;
        u16::try_from(number).ok().map(Status)
    }

    pub fn name(self) -> &'static str {
        Self::NAMES[usize::from(self.0)]
    }

    pub fn number(self) -> u16 {
        self.0
    }

    /// Of `grpc-status`; a number that gRPC does not know is `UNKNOWN`.
    pub(super) fn from_header(value: &HeaderValue) -> Status {
        let number = value.to_str().ok().and_then(|text| text.parse().ok());
        number.filter(|number| usize::from(*number) < Self::NAMES.len()).map_or(Self::UNKNOWN, Status)
    }

    /// Of an answer that is HTTP's alone: a proxy's, most often.
    pub(super) fn from_http(status: u16) -> Status {
        match status {
            400 => Self::INTERNAL,
            401 => Self::UNAUTHENTICATED,
            403 => Self::PERMISSION_DENIED,
            404 => Self::UNIMPLEMENTED,
            429 | 502 | 503 | 504 => Self::UNAVAILABLE,
            _ => Self::UNKNOWN,
        }
    }

    /// What clients of gRPC say where no status came.
    pub fn from_error(error: ErrorCode) -> Status {
        match error {
            ErrorCode::TIMEOUT | ErrorCode::DIAL_TIMEOUT => Self::DEADLINE_EXCEEDED,
            ErrorCode::GRPC_TOO_LARGE | ErrorCode::RESPONSE_TOO_LARGE | ErrorCode::MEMORY_SPENT => {
                Self::RESOURCE_EXHAUSTED
            }
            ErrorCode::GRPC_MALFORMED
            | ErrorCode::GRPC_BAD_MESSAGE
            | ErrorCode::GRPC_COMPRESSION
            | ErrorCode::GRPC_MESSAGE_COUNT => Self::INTERNAL,
            ErrorCode::GRPC_STREAM_ENDED => Self::CANCELLED,
            code => Self::from_http2(code).unwrap_or(Self::UNAVAILABLE),
        }
    }

    /// Of a stream that was reset; the reasons count from 1 on.
    fn from_http2(error: ErrorCode) -> Option<Status> {
        let reason = (0..=0xd).find(|reason| ErrorCode::http2_stream(*reason) == error)?;
        Some(match h2::Reason::from(reason) {
            h2::Reason::REFUSED_STREAM => Self::UNAVAILABLE,
            h2::Reason::CANCEL => Self::CANCELLED,
            h2::Reason::ENHANCE_YOUR_CALM => Self::RESOURCE_EXHAUSTED,
            h2::Reason::INADEQUATE_SECURITY => Self::PERMISSION_DENIED,
            _ => Self::INTERNAL,
        })
    }

    pub(super) fn error(self) -> Option<ErrorCode> {
        ErrorCode::from_grpc_status(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_has_its_number_its_name_and_its_error_code() {
        for (name, number, code) in
            [("OK", 0, None), ("CANCELLED", 1, Some(1861)), ("UNAVAILABLE", 14, Some(1874))]
        {
            let status = Status::from_name(name).unwrap();
            assert_eq!((status.number(), status.name()), (number, name));
            assert_eq!(status.error().map(ErrorCode::number), code, "{name}");
            assert_eq!(Status::from_header(&HeaderValue::from(number)), status);
        }
        assert_eq!(Status::from_header(&HeaderValue::from(99)), Status::UNKNOWN);
        assert_eq!(Status::from_name("ok"), None);
    }

    #[test]
    fn what_no_server_said_is_named_as_clients_of_grpc_name_it() {
        for (error, name) in [
            (ErrorCode::TIMEOUT, "DEADLINE_EXCEEDED"),
            (ErrorCode::CONNECTION_REFUSED, "UNAVAILABLE"),
            (ErrorCode::GRPC_TOO_LARGE, "RESOURCE_EXHAUSTED"),
            (ErrorCode::http2_stream(8), "CANCELLED"),
            (ErrorCode::http2_stream(11), "RESOURCE_EXHAUSTED"),
            (ErrorCode::http2_stream(2), "INTERNAL"),
            (ErrorCode::http2_go_away(0), "UNAVAILABLE"),
        ] {
            assert_eq!(Status::from_error(error).name(), name, "{}", error.describe());
        }
    }
}
