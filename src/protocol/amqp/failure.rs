//! What an AMQP server says, as [`ErrorCode`]s (<https://www.rabbitmq.com/amqp-0-9-1-reference#constants>).

use crate::sample::ErrorCode;

/// Of `channel.close`.
pub(super) fn of_channel(reply_code: u16, text: &str) -> ErrorCode {
    match reply_code {
        // RabbitMQ has no code of its own for it.
        406 if text.contains("message size") => ErrorCode::AMQP_TOO_LARGE,
        311 => ErrorCode::AMQP_TOO_LARGE,
        403 => ErrorCode::AMQP_NOT_PERMITTED,
        404 => ErrorCode::AMQP_NOT_FOUND,
        406 => ErrorCode::AMQP_PRECONDITION,
        _ => ErrorCode::AMQP_REFUSED,
    }
}

/// Of `connection.close`.
pub(super) fn of_connection(reply_code: u16) -> ErrorCode {
    match reply_code {
        320 => ErrorCode::AMQP_SHUTDOWN,
        402 => ErrorCode::AMQP_VHOST,
        403 => ErrorCode::AMQP_UNAUTHORIZED,
        501 | 502 | 505 => ErrorCode::AMQP_MALFORMED,
        _ => ErrorCode::AMQP_REFUSED,
    }
}

/// Of `connection.close` while the virtual host is being opened.
pub(super) fn of_opening(reply_code: u16) -> ErrorCode {
    match reply_code {
        // No such one, or not for this user.
        530 => ErrorCode::AMQP_VHOST,
        code => of_connection(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_a_channel_was_closed_has_a_class() {
        for (code, text, class) in [
            (404, "NOT_FOUND - no exchange 'x' in vhost '/'", ErrorCode::AMQP_NOT_FOUND),
            (403, "ACCESS_REFUSED - access to queue", ErrorCode::AMQP_NOT_PERMITTED),
            (406, "PRECONDITION_FAILED - inequivalent arg", ErrorCode::AMQP_PRECONDITION),
            (406, "PRECONDITION_FAILED - message size 9 is larger than", ErrorCode::AMQP_TOO_LARGE),
            (405, "RESOURCE_LOCKED", ErrorCode::AMQP_REFUSED),
        ] {
            assert_eq!(of_channel(code, text), class, "{text}");
        }
    }

    #[test]
    fn why_a_connection_was_closed_has_a_class() {
        assert_eq!(of_opening(530), ErrorCode::AMQP_VHOST);
        assert_eq!(of_connection(530), ErrorCode::AMQP_REFUSED);
        assert_eq!(of_opening(403), ErrorCode::AMQP_UNAUTHORIZED);
        assert_eq!(of_connection(320), ErrorCode::AMQP_SHUTDOWN);
        assert_eq!(of_connection(501), ErrorCode::AMQP_MALFORMED);
    }
}
