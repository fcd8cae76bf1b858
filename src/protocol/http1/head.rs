//! The head of a message: the request's written, the response's parsed.

use std::mem::MaybeUninit;

use http::header::{CONNECTION, CONTENT_LENGTH, HOST, PROXY_AUTHORIZATION, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method};

use super::Call;
use super::framing::Framing;
use crate::protocol::proxy::Proxy;
use crate::sample::ErrorCode;

/// A response's head may be this large: 64 KiB.
pub(in crate::protocol) const MAX_HEAD_BYTES: usize = 64 << 10;
const MAX_HEADERS: usize = 256;

/// Writes a request's head, for the origin or for a proxy on the way to it. `Host` comes first, as RFC 9110
/// advises.
pub(super) fn write(call: &Call<'_>, proxy: Option<&Proxy>, out: &mut Vec<u8>) {
    out.extend_from_slice(call.method.as_str().as_bytes());
    out.push(b' ');
    if proxy.is_some() {
        begin_proxied_target(call, out);
    }
    if proxy.is_none() || *call.method != Method::CONNECT {
        out.extend_from_slice(call.target.path_and_query().as_bytes());
    }
    out.extend_from_slice(b" HTTP/1.1\r\n");
    let host = call.headers.get(HOST).unwrap_or(call.target.origin().host_header());
    line(&HOST, host, out);
    let (mut authorized, mut upgrade) = (false, false);
    for (name, value) in call.headers {
        match *name {
            // The body's length is what it is, as in Go.
            HOST | CONTENT_LENGTH | TRANSFER_ENCODING => continue,
            http::header::AUTHORIZATION => authorized = true,
            http::header::UPGRADE => upgrade = true,
            _ => {}
        }
        line(name, value, out);
    }
    if let (false, Some(value)) = (authorized, call.target.authorization()) {
        line(&http::header::AUTHORIZATION, value, out);
    }
    if let Some(value) = proxy.and_then(Proxy::authorization)
        && !call.headers.contains_key(PROXY_AUTHORIZATION)
    {
        line(&PROXY_AUTHORIZATION, value, out);
    }
    // As in Go, a body that is not there is said to be of length 0 where the method would have one.
    let has_length =
        !call.body.is_empty() || matches!(*call.method, Method::POST | Method::PUT | Method::PATCH);
    if has_length && !upgrade {
        out.extend_from_slice(format!("content-length: {}\r\n", call.body.len()).as_bytes());
    }
    out.extend_from_slice(b"\r\n");
}

/// RFC 9112, section 3.2: a proxy is told where to go, in absolute form or, for `CONNECT`, as an authority.
fn begin_proxied_target(call: &Call<'_>, out: &mut Vec<u8>) {
    let origin = call.target.origin();
    if *call.method == Method::CONNECT {
        out.extend_from_slice(origin.authority().as_bytes());
    } else {
        out.extend_from_slice(b"http://");
        out.extend_from_slice(origin.host_header().as_bytes());
    }
}

fn line(name: &HeaderName, value: &HeaderValue, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_bytes());
    out.extend_from_slice(b"\r\n");
}

/// Whether a request says that its connection is not to be kept.
pub(super) fn asks_to_close(headers: &HeaderMap) -> bool {
    headers.get_all(CONNECTION).iter().any(|value| has_token(value.as_bytes(), "close"))
}

/// A response's head.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    pub(super) framing: Framing,
    pub(super) keep_alive: bool,
    /// Empty unless they were to be kept.
    pub(super) headers: HeaderMap,
}

/// The head at the start of `bytes` and its length; nothing if it is not complete.
pub(super) fn parse(
    bytes: &[u8],
    method: &Method,
    keep_headers: bool,
) -> Result<Option<(Head, usize)>, ErrorCode> {
    let mut fields = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default()
        .parse_response_with_uninit_headers(&mut response, bytes, &mut fields)
        .map_err(|error| match error {
            httparse::Error::TooManyHeaders => ErrorCode::RESPONSE_TOO_LARGE,
            _ => ErrorCode::MALFORMED_RESPONSE,
        })?;
    let length = match parsed {
        httparse::Status::Partial if bytes.len() < MAX_HEAD_BYTES => return Ok(None),
        httparse::Status::Complete(length) if length <= MAX_HEAD_BYTES => length,
        _ => return Err(ErrorCode::RESPONSE_TOO_LARGE),
    };
    let status = response.code.filter(|code| *code >= 100).ok_or(ErrorCode::MALFORMED_RESPONSE)?;
    let fields = Fields::read(response.headers)?;
    let http11 = response.version == Some(1);
    let framing = framing(status, method, http11, &fields)?;
    let keep_alive = !fields.close
        && (http11 || fields.keep_alive)
        && framing != Framing::UntilClose
        // Both say where the body ends; whoever wrote them is not to be trusted with another request.
        && !(fields.transfer_encoding && fields.length.is_some())
        && status != 101
        && *method != Method::CONNECT;
    let redirects = response.code.is_some_and(|code| (300..400).contains(&code));
    let kept = keep_headers || redirects || fields.sets_cookie;
    let headers = if kept { header_map(response.headers)? } else { HeaderMap::new() };
    Ok(Some((Head { status, framing, keep_alive, headers }, length)))
}

/// RFC 9112, section 6.3: where the body ends.
fn framing(status: u16, method: &Method, http11: bool, fields: &Fields) -> Result<Framing, ErrorCode> {
    if *method == Method::HEAD || matches!(status, 100..200 | 204 | 304) {
        return Ok(Framing::Done);
    }
    if *method == Method::CONNECT && (200..300).contains(&status) {
        return Ok(Framing::Done);
    }
    match (fields.transfer_encoding, fields.length) {
        (true, _) if !http11 => Err(ErrorCode::MALFORMED_RESPONSE),
        (true, _) if fields.chunked => Ok(Framing::chunked()),
        (true, _) | (false, None) => Ok(Framing::UntilClose),
        (false, Some(length)) => Ok(Framing::of_length(length)),
    }
}

/// What the fields say about the body and the connection.
#[derive(Debug, Default)]
struct Fields {
    length: Option<u64>,
    transfer_encoding: bool,
    /// The last transfer coding is `chunked`.
    chunked: bool,
    close: bool,
    keep_alive: bool,
    sets_cookie: bool,
}

impl Fields {
    fn read(headers: &[httparse::Header<'_>]) -> Result<Fields, ErrorCode> {
        let mut fields = Fields::default();
        for header in headers {
            let name = header.name;
            // By length first: the other fields, most of them, cost no comparison.
            match name.len() {
                14 if name.eq_ignore_ascii_case("content-length") => fields.add_length(header.value)?,
                17 if name.eq_ignore_ascii_case("transfer-encoding") => {
                    fields.transfer_encoding = true;
                    let last = header.value.rsplit(|byte| *byte == b',').next().unwrap_or_default();
                    fields.chunked = last.trim_ascii().eq_ignore_ascii_case(b"chunked");
                }
                10 if name.eq_ignore_ascii_case("set-cookie") => fields.sets_cookie = true,
                10 if name.eq_ignore_ascii_case("connection") => {
                    fields.close |= has_token(header.value, "close");
                    fields.keep_alive |= has_token(header.value, "keep-alive");
                }
                _ => {}
            }
        }
        Ok(fields)
    }

    /// Several lengths are one if they agree.
    fn add_length(&mut self, value: &[u8]) -> Result<(), ErrorCode> {
        for item in value.split(|byte| *byte == b',') {
            let item = item.trim_ascii();
            if item.is_empty() || !item.iter().all(u8::is_ascii_digit) {
                return Err(ErrorCode::MALFORMED_RESPONSE);
            }
            let length = item
                .iter()
                .try_fold(0_u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')))
                .ok_or(ErrorCode::MALFORMED_RESPONSE)?;
            if self.length.is_some_and(|other| other != length) {
                return Err(ErrorCode::MALFORMED_RESPONSE);
            }
            self.length = Some(length);
        }
        Ok(())
    }
}

fn has_token(value: &[u8], token: &str) -> bool {
    value.split(|byte| *byte == b',').any(|item| item.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
}

fn header_map(headers: &[httparse::Header<'_>]) -> Result<HeaderMap, ErrorCode> {
    let mut map = HeaderMap::with_capacity(headers.len());
    for header in headers {
        let name =
            HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| ErrorCode::MALFORMED_RESPONSE)?;
        let value = HeaderValue::from_bytes(header.value).map_err(|_| ErrorCode::MALFORMED_RESPONSE)?;
        map.append(name, value);
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(method: &Method, text: &str, expected: Result<(u16, Framing, bool), ErrorCode>) {
        let text = format!("HTTP/{text}\r\n\r\n");
        let parsed = parse(text.as_bytes(), method, false).map(|head| {
            let (head, length) = head.unwrap();
            assert_eq!(length, text.len());
            (head.status, head.framing, head.keep_alive)
        });
        assert_eq!(parsed, expected, "{text}");
    }

    #[test]
    fn a_body_ends_where_rfc_9112_says() {
        let get = &Method::GET;
        let malformed = Err(ErrorCode::MALFORMED_RESPONSE);
        check(get, "1.1 200 OK\r\nContent-Length: 12", Ok((200, Framing::of_length(12), true)));
        check(get, "1.1 200 OK\r\ncontent-length: 0", Ok((200, Framing::Done, true)));
        check(
            get,
            "1.1 200 OK\r\ncontent-length: 5, 5\r\ncontent-length:5",
            Ok((200, Framing::of_length(5), true)),
        );
        check(get, "1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6", malformed);
        check(get, "1.1 200 OK\r\ncontent-length: +5", malformed);
        check(get, "1.1 200 OK\r\ncontent-length: ", malformed);
        check(get, "1.1 200 OK\r\ncontent-length: 18446744073709551616", malformed);
        check(get, "1.1 200 OK\r\ntransfer-encoding: gzip, Chunked", Ok((200, Framing::chunked(), true)));
        check(get, "1.1 200 OK\r\ntransfer-encoding: gzip", Ok((200, Framing::UntilClose, false)));
        check(get, "1.0 200 OK\r\ntransfer-encoding: chunked", malformed);
        check(
            get,
            "1.1 200 OK\r\ntransfer-encoding: chunked\r\ncontent-length: 5",
            Ok((200, Framing::chunked(), false)),
        );
        check(get, "1.1 200", Ok((200, Framing::UntilClose, false)));
        check(get, "1.1 204 No Content\r\ncontent-length: 5", Ok((204, Framing::Done, true)));
        check(get, "1.1 304 Not Modified\r\ncontent-length: 5", Ok((304, Framing::Done, true)));
        check(get, "1.1 101 Switching Protocols", Ok((101, Framing::Done, false)));
        check(&Method::HEAD, "1.1 200 OK\r\ncontent-length: 5", Ok((200, Framing::Done, true)));
        check(&Method::CONNECT, "1.1 200 OK", Ok((200, Framing::Done, false)));
        check(get, "1.1 099 Low", malformed);
        check(get, "2.0 200 OK", malformed);
    }

    #[test]
    fn a_connection_is_kept_unless_one_side_says_otherwise() {
        let get = &Method::GET;
        let done = |kept| Ok((200, Framing::Done, kept));
        check(get, "1.1 200 OK\r\ncontent-length: 0\r\nconnection: x, Close", done(false));
        check(
            get,
            "1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\nconnection: keep-alive",
            done(false),
        );
        check(get, "1.0 200 OK\r\ncontent-length: 0", done(false));
        check(get, "1.0 200 OK\r\ncontent-length: 0\r\nconnection: Keep-Alive", done(true));
        let mut headers = HeaderMap::new();
        assert!(!asks_to_close(&headers));
        headers.insert(CONNECTION, HeaderValue::from_static("close"));
        assert!(asks_to_close(&headers));
    }
}
