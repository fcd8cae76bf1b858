//! A request as HTTP/2 wants it (RFC 9113, section 8.3): what HTTP/1.1 says about its connection is left out.

use http::header::{
    AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, PROXY_AUTHENTICATE, PROXY_AUTHORIZATION, TE,
    TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};

use crate::protocol::http1::Call;
use crate::sample::ErrorCode;

/// The head of `call`. `Host` becomes `:authority`; what Go's client adds and leaves out is added and left out.
pub(super) fn of(call: &Call<'_>) -> Result<Request<()>, ErrorCode> {
    let authority = call.headers.get(HOST).unwrap_or(call.target.origin().host_header());
    let uri = Uri::builder()
        .scheme("https")
        .authority(authority.as_bytes())
        .path_and_query(call.target.path_and_query())
        .build()
        .map_err(|_| ErrorCode::INVALID_URL)?;
    let mut headers = HeaderMap::with_capacity(call.headers.len() + 2);
    for (name, value) in call.headers {
        if !is_of_http1(name, value) {
            headers.append(name.clone(), value.clone());
        }
    }
    if let (false, Some(value)) = (headers.contains_key(AUTHORIZATION), call.target.authorization()) {
        headers.insert(AUTHORIZATION, value.clone());
    }
    let has_length =
        !call.body.is_empty() || matches!(*call.method, Method::POST | Method::PUT | Method::PATCH);
    if has_length {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(call.body.len()));
    }
    let mut request = Request::new(());
    *request.method_mut() = call.method.clone();
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_2;
    *request.headers_mut() = headers;
    Ok(request)
}

/// What is about one HTTP/1.1 connection, or said otherwise in HTTP/2.
fn is_of_http1(name: &HeaderName, value: &HeaderValue) -> bool {
    match *name {
        HOST | CONNECTION | CONTENT_LENGTH | TRANSFER_ENCODING | UPGRADE => true,
        PROXY_AUTHENTICATE | PROXY_AUTHORIZATION => true,
        TE => value != "trailers",
        _ => matches!(name.as_str(), "keep-alive" | "proxy-connection"),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::protocol::target::Target;

    #[test]
    fn a_request_loses_what_is_about_its_connection() {
        let target = Target::parse("https://user:secret@shop.test/a?b=1").unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "other.test"),
            ("connection", "close"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("te", "gzip"),
            ("content-length", "99"),
            ("accept", "text/html"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let body = Bytes::from_static(b"body");
        let call = Call {
            method: &Method::POST,
            target: &target,
            headers: &headers,
            body: &body,
            keep_headers: false,
        };
        let request = of(&call).unwrap();
        assert_eq!(request.uri(), "https://other.test/a?b=1");
        let expected =
            [("accept", "text/html"), ("authorization", "Basic dXNlcjpzZWNyZXQ="), ("content-length", "4")];
        let got: Vec<_> =
            request.headers().iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        assert_eq!(got, expected);
    }

    #[test]
    fn a_get_has_no_length() {
        let target = Target::parse("https://shop.test").unwrap();
        let (headers, body) = (HeaderMap::new(), Bytes::new());
        let call = Call {
            method: &Method::GET,
            target: &target,
            headers: &headers,
            body: &body,
            keep_headers: false,
        };
        let request = of(&call).unwrap();
        assert_eq!(request.uri(), "https://shop.test/");
        assert!(request.headers().is_empty());
    }
}
