//! A response as it comes in: informational ones skipped, then head and body, in pieces of any size.

use http::HeaderMap;

use super::Call;
use super::framing::Framing;
use super::head;
use crate::sample::ErrorCode;

/// Takes what comes back.
pub(in crate::protocol) trait Receive {
    /// The final response's head; the headers are empty unless the call keeps them. Whether its body is
    /// wanted.
    fn head(&mut self, status: u16, headers: HeaderMap) -> bool;
    /// A piece of the body; an error ends the exchange.
    fn body(&mut self, piece: &[u8]) -> Result<(), ErrorCode>;
}

/// How much of the response has come.
#[derive(Debug)]
pub(super) enum Receiving {
    Head {
        partial: Vec<u8>,
        /// What the informational responses before it took.
        informational_bytes: usize,
    },
    Body {
        framing: Framing,
        keep_alive: bool,
    },
}

impl Default for Receiving {
    fn default() -> Self {
        Receiving::Head { partial: Vec::new(), informational_bytes: 0 }
    }
}

impl Receiving {
    /// How many of `bytes` are left once the response is complete; nothing if it is not.
    pub(super) fn read(
        &mut self,
        mut bytes: &[u8],
        call: Call<'_>,
        receive: &mut impl Receive,
    ) -> Result<Option<usize>, ErrorCode> {
        while let Receiving::Head { partial, informational_bytes } = self {
            let before = partial.len();
            // Most heads come in one piece, which is parsed where it is.
            let whole = if partial.is_empty() {
                bytes
            } else {
                partial.extend_from_slice(bytes);
                // Without this, a head that comes byte by byte would be parsed as often.
                if !may_end_head(&partial[before.saturating_sub(3)..]) && partial.len() < head::MAX_HEAD_BYTES
                {
                    return Ok(None);
                }
                partial.as_slice()
            };
            let Some((head, length)) = head::parse(whole, call.method, call.keep_headers)? else {
                if before == 0 {
                    *partial = bytes.to_vec();
                }
                return Ok(None);
            };
            bytes = &bytes[length.saturating_sub(before)..];
            if (100..200).contains(&head.status) && head.status != 101 {
                partial.clear();
                // Together no more than one head, as in Go: else a server could send them for ever.
                *informational_bytes += length;
                if *informational_bytes > head::MAX_HEAD_BYTES {
                    return Err(ErrorCode::MALFORMED_RESPONSE);
                }
                if bytes.is_empty() {
                    return Ok(None);
                }
                continue;
            }
            let wanted = receive.head(head.status, head.headers);
            let framing = if wanted { head.framing } else { Framing::Done };
            *self = Receiving::Body { framing, keep_alive: head.keep_alive && wanted };
        }
        let Receiving::Body { framing, .. } = self else { return Ok(None) };
        let read = framing.read(bytes, |piece| receive.body(piece))?;
        Ok((*framing == Framing::Done).then_some(bytes.len() - read))
    }

    /// The connection has ended.
    pub(super) fn end(&self) -> Result<(), ErrorCode> {
        match self {
            Receiving::Body { framing, .. } if framing.ends_with_connection() => Ok(()),
            _ => Err(ErrorCode::INCOMPLETE_RESPONSE),
        }
    }

    pub(super) fn keep_alive(&self) -> bool {
        matches!(self, Receiving::Body { keep_alive: true, .. })
    }

    /// The final response's head has come.
    pub(super) fn is_answered(&self) -> bool {
        matches!(self, Receiving::Body { .. })
    }
}

/// Whether an empty line, with or without its carriage return, is among `bytes`.
fn may_end_head(bytes: &[u8]) -> bool {
    bytes.windows(2).any(|pair| pair == b"\n\n") || bytes.windows(3).any(|triple| triple == b"\n\r\n")
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Method;
    use proptest::prelude::*;

    use super::*;
    use crate::protocol::target::Target;

    #[derive(Default, PartialEq, Debug)]
    struct Heard {
        status: u16,
        headers: usize,
        body: Vec<u8>,
    }

    impl Receive for Heard {
        fn head(&mut self, status: u16, headers: HeaderMap) -> bool {
            self.status = status;
            self.headers = headers.len();
            true
        }

        fn body(&mut self, piece: &[u8]) -> Result<(), ErrorCode> {
            self.body.extend_from_slice(piece);
            Ok(())
        }
    }

    /// What is heard of `bytes` that come in pieces of `size`, and how many are left after the response.
    fn hear(bytes: &[u8], size: usize) -> (Heard, Result<Option<usize>, ErrorCode>) {
        let target = Target::parse("http://host/").unwrap();
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        let call = Call {
            method: &Method::GET,
            target: &target,
            headers: &headers,
            body: &body,
            keep_headers: true,
        };
        let mut receiving = Receiving::default();
        let mut heard = Heard::default();
        let mut unread = bytes.len();
        for piece in bytes.chunks(size) {
            unread -= piece.len();
            match receiving.read(piece, call, &mut heard) {
                Ok(None) => {}
                Ok(Some(rest)) => return (heard, Ok(Some(unread + rest))),
                Err(code) => return (heard, Err(code)),
            }
        }
        (heard, Ok(None))
    }

    const RESPONSE: &str = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n\
        HTTP/1.1 200 OK\r\na: b\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\nrest";

    #[test]
    fn a_response_is_the_same_in_pieces_of_any_size() {
        for size in 1..=RESPONSE.len() {
            let (heard, left) = hear(RESPONSE.as_bytes(), size);
            assert_eq!(heard, Heard { status: 200, headers: 2, body: b"hello".to_vec() }, "pieces of {size}");
            assert_eq!(left, Ok(Some(4)), "pieces of {size}");
        }
    }

    #[test]
    fn an_endless_head_is_too_large_in_pieces_of_any_size() {
        let endless = format!("HTTP/1.1 200 OK\r\nx: {}", "a".repeat(head::MAX_HEAD_BYTES));
        for size in [1000, endless.len()] {
            assert_eq!(hear(endless.as_bytes(), size).1, Err(ErrorCode::RESPONSE_TOO_LARGE));
        }
    }

    #[test]
    fn informational_responses_without_end_are_malformed_in_pieces_of_any_size() {
        let flood = "HTTP/1.1 103 Early Hints\r\n\r\n".repeat(head::MAX_HEAD_BYTES / 28 + 1);
        for size in [1, 1000, flood.len()] {
            assert_eq!(
                hear(flood.as_bytes(), size).1,
                Err(ErrorCode::MALFORMED_RESPONSE),
                "pieces of {size}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_garbled_response_is_read_or_refused(
            at in 0..RESPONSE.len(),
            garbage in proptest::collection::vec(any::<u8>(), 0..8),
            size in 1_usize..200,
        ) {
            let mut bytes = RESPONSE.as_bytes().to_vec();
            let end = (at + garbage.len()).min(bytes.len());
            bytes.splice(at..end, garbage);
            let (_, left) = hear(&bytes, size);
            prop_assert!(left.is_err() || left.is_ok_and(|left| left.is_none_or(|left| left <= bytes.len())));
        }
    }
}
