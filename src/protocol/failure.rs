//! Errors of the libraries below, as [`ErrorCode`]s. The one place that knows their types.

use std::io;

use rustix::io::Errno;
use rustls::CertificateError;
use tokio_tungstenite::tungstenite;

use crate::sample::ErrorCode;

pub(super) fn of_lookup(error: &io::Error) -> ErrorCode {
    if let Some(ours) = of_our_limits(error) {
        return ours;
    }
    // `getaddrinfo`'s own codes are lost in `io::Error`; only the text is left to tell "try again later"
    // from "no such host".
    if error.to_string().contains("Temporary failure") { ErrorCode::DNS } else { ErrorCode::DNS_NO_SUCH_HOST }
}

pub(super) fn of_connect(error: &io::Error) -> ErrorCode {
    if let Some(ours) = of_our_limits(error) {
        return ours;
    }
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ErrorCode::CONNECTION_REFUSED,
        io::ErrorKind::TimedOut => ErrorCode::DIAL_TIMEOUT,
        io::ErrorKind::ConnectionReset => ErrorCode::CONNECTION_RESET,
        _ => ErrorCode::DIAL,
    }
}

pub(super) fn of_tls(error: &io::Error) -> ErrorCode {
    match rustls_error(error) {
        Some(rustls::Error::InvalidCertificate(certificate)) => match certificate {
            // An issuer of the same name with another key is no less unknown.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                ErrorCode::TLS_UNKNOWN_AUTHORITY
            }
            // What `openssl req -x509` makes: refused before its issuer is looked for. rustls has no name
            // for it.
            CertificateError::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
                ErrorCode::TLS_UNKNOWN_AUTHORITY
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                ErrorCode::TLS_WRONG_HOST
            }
            _ => ErrorCode::TLS,
        },
        Some(_) => ErrorCode::TLS,
        None => match error.kind() {
            io::ErrorKind::ConnectionReset => ErrorCode::CONNECTION_RESET,
            _ => ErrorCode::TLS,
        },
    }
}

/// On a connection that was made.
pub(super) fn of_io(error: &io::Error) -> ErrorCode {
    if rustls_error(error).is_some() {
        return ErrorCode::TLS;
    }
    match error.kind() {
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => ErrorCode::CONNECTION_RESET,
        io::ErrorKind::BrokenPipe | io::ErrorKind::NotConnected => ErrorCode::TCP_BROKEN_PIPE,
        io::ErrorKind::TimedOut => ErrorCode::TIMEOUT,
        // No system call says so: it is what a reader of ours says when the budget is spent.
        io::ErrorKind::OutOfMemory => ErrorCode::MEMORY_SPENT,
        io::ErrorKind::UnexpectedEof => ErrorCode::INCOMPLETE_RESPONSE,
        _ => ErrorCode::TCP,
    }
}

pub(super) fn of_http2(error: &h2::Error) -> ErrorCode {
    let reason = error.reason().map(u32::from);
    match reason {
        Some(reason) if error.is_reset() => ErrorCode::http2_stream(reason),
        Some(reason) if error.is_go_away() && error.is_remote() => ErrorCode::http2_go_away(reason),
        Some(reason) if error.is_go_away() => ErrorCode::http2_connection(reason),
        _ => match error.get_io() {
            // What h2 says of streams whose connection ended.
            Some(io) if io.kind() == io::ErrorKind::BrokenPipe => ErrorCode::INCOMPLETE_RESPONSE,
            Some(io) => of_io(io),
            None => ErrorCode::GENERIC,
        },
    }
}

/// Of connecting to a proxy: its failures are not the target's.
pub(super) fn of_proxy(code: ErrorCode) -> ErrorCode {
    match code {
        ErrorCode::DESCRIPTORS_SPENT
        | ErrorCode::PORTS_SPENT
        | ErrorCode::BLOCKED_ADDRESS
        | ErrorCode::BLOCKED_HOST => code,
        _ => ErrorCode::PROXY_UNREACHABLE,
    }
}

pub(super) fn of_websocket(error: &tungstenite::Error) -> ErrorCode {
    use tungstenite::error::ProtocolError;
    match error {
        tungstenite::Error::ConnectionClosed
        | tungstenite::Error::AlreadyClosed
        | tungstenite::Error::Protocol(
            ProtocolError::ResetWithoutClosingHandshake | ProtocolError::SendAfterClosing,
        ) => ErrorCode::WEBSOCKET_CLOSED,
        tungstenite::Error::Capacity(_) => ErrorCode::WEBSOCKET_TOO_LARGE,
        tungstenite::Error::Io(io) => match of_io(io) {
            ErrorCode::INCOMPLETE_RESPONSE => ErrorCode::WEBSOCKET_CLOSED,
            code => code,
        },
        _ => ErrorCode::WEBSOCKET_PROTOCOL,
    }
}

/// What this machine ran out of: not the target's fault.
fn of_our_limits(error: &io::Error) -> Option<ErrorCode> {
    match Errno::from_io_error(error)? {
        Errno::MFILE | Errno::NFILE => Some(ErrorCode::DESCRIPTORS_SPENT),
        Errno::ADDRNOTAVAIL => Some(ErrorCode::PORTS_SPENT),
        _ => None,
    }
}

fn rustls_error(error: &io::Error) -> Option<&rustls::Error> {
    error.get_ref()?.downcast_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn os(errno: Errno) -> io::Error {
        errno.into()
    }

    #[test]
    fn connecting_tells_the_targets_failures_from_ours() {
        for (errno, code) in [
            (Errno::CONNREFUSED, ErrorCode::CONNECTION_REFUSED),
            (Errno::TIMEDOUT, ErrorCode::DIAL_TIMEOUT),
            (Errno::CONNRESET, ErrorCode::CONNECTION_RESET),
            (Errno::NETUNREACH, ErrorCode::DIAL),
            (Errno::MFILE, ErrorCode::DESCRIPTORS_SPENT),
            (Errno::NFILE, ErrorCode::DESCRIPTORS_SPENT),
            (Errno::ADDRNOTAVAIL, ErrorCode::PORTS_SPENT),
        ] {
            assert_eq!(of_connect(&os(errno)), code, "{errno:?}");
        }
    }

    #[test]
    fn a_made_connection_that_breaks_says_how() {
        for (errno, code) in [
            (Errno::CONNRESET, ErrorCode::CONNECTION_RESET),
            (Errno::PIPE, ErrorCode::TCP_BROKEN_PIPE),
            (Errno::HOSTUNREACH, ErrorCode::TCP),
        ] {
            assert_eq!(of_io(&os(errno)), code, "{errno:?}");
            assert_eq!(of_websocket(&tungstenite::Error::Io(os(errno))), code, "{errno:?}");
        }
    }
}
