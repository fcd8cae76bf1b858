//! A parsed URL, split into what a connection needs and what a request needs.

use std::sync::Arc;

use base64::Engine;
use http::uri::PathAndQuery;
use http::{HeaderValue, Uri};

/// Why a URL cannot be a target.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    #[error("parse `{url}` as a URL: {reason}")]
    Malformed { url: String, reason: String },
    #[error("use the scheme of `{0}` (expected http, https, ws or wss)")]
    Scheme(String),
    #[error("find a host in `{0}`")]
    NoHost(String),
}

/// Where a connection goes: a connection that is kept alive serves every URL of its origin.
#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Origin {
    secure: bool,
    host: String,
    port: u16,
    host_header: HeaderValue,
}

impl Origin {
    /// Whether there is TLS on it.
    pub fn secure(&self) -> bool {
        self.secure
    }

    /// A name or an address; an IPv6 address without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// For the `Host` header: without the port when it is the scheme's own.
    pub fn host_header(&self) -> &HeaderValue {
        &self.host_header
    }

    /// `host:port`, as `CONNECT` names where it leads.
    pub(super) fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// One URL, ready to be sent to. Cheap to clone, and to parse where the URL is made anew for each request.
#[derive(Debug, Clone)]
pub struct Target {
    origin: Arc<Origin>,
    websocket: bool,
    uri: Uri,
    authorization: Option<HeaderValue>,
}

impl Target {
    /// Parses an absolute `http`, `https`, `ws` or `wss` URL; `grpc` and `grpcs` are other words for the first two. What a URL may not hold as it is (a space,
    /// a letter outside ASCII) is percent-encoded; a fragment is dropped; `user:password@` becomes basic
    /// authorization, as in k6.
    pub fn parse(text: &str) -> Result<Target, UrlError> {
        match text.parse::<Uri>() {
            Ok(uri) if text.is_ascii() => Self::from_uri(&uri, text),
            // The lenient parser takes five times as long and mends what the strict one refuses, or takes as
            // it is: servers refuse a request line that is not ASCII.
            _ => {
                let malformed = |reason: String| UrlError::Malformed { url: text.to_owned(), reason };
                let url = url::Url::parse(text).map_err(|error| malformed(error.to_string()))?;
                let uri = Uri::try_from(url.as_str()).map_err(|error| malformed(error.to_string()))?;
                Self::from_uri(&uri, text)
            }
        }
    }

    fn from_uri(uri: &Uri, text: &str) -> Result<Target, UrlError> {
        let (secure, websocket) = match uri.scheme_str() {
            Some("http" | "grpc") => (false, false),
            Some("https" | "grpcs") => (true, false),
            Some("ws") => (false, true),
            Some("wss") => (true, true),
            _ => return Err(UrlError::Scheme(text.to_owned())),
        };
        let malformed =
            |reason: &str| UrlError::Malformed { url: text.to_owned(), reason: reason.to_owned() };
        let authority = uri.authority().ok_or_else(|| UrlError::NoHost(text.to_owned()))?;
        let (user_info, host_and_port) = match authority.as_str().rsplit_once('@') {
            Some((user_info, rest)) => (Some(user_info), rest),
            None => (None, authority.as_str()),
        };
        let default_port = if secure { 443 } else { 80 };
        let port = match host_and_port.get(authority.host().len()..) {
            None | Some("" | ":") => default_port,
            Some(port) => port[1..].parse().map_err(|_| malformed("the port is not in 0–65535"))?,
        };
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_ascii_lowercase();
        if host.is_empty() {
            return Err(UrlError::NoHost(text.to_owned()));
        }
        let shown = if port == default_port {
            authority.host().to_ascii_lowercase()
        } else {
            format!("{}:{port}", authority.host().to_ascii_lowercase())
        };
        let host_header =
            HeaderValue::try_from(shown).map_err(|_| malformed("the host is no header value"))?;
        let path = uri.path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        // `http://host?query` parses to a path and query without its slash.
        let path = if path.as_str().starts_with('/') {
            path
        } else {
            PathAndQuery::try_from(format!("/{}", path.as_str()))
                .map_err(|_| malformed("the path is malformed"))?
        };
        Ok(Target {
            origin: Arc::new(Origin { secure, host, port, host_header }),
            websocket,
            uri: Uri::from(path),
            authorization: user_info.map(basic).transpose().map_err(malformed)?,
        })
    }

    /// Where a `Location` leads from here: absolute, or relative to this URL (RFC 9110, section 10.2.2).
    /// Credentials in the URL stay with its origin. `None` when it is no URL that can be requested.
    pub fn join(&self, location: &str) -> Option<Target> {
        let mut target = Target::parse(self.http_url()?.join(location).ok()?.as_str()).ok()?;
        if target.authorization.is_none() && target.origin == self.origin {
            target.authorization.clone_from(&self.authorization);
        }
        Some(target)
    }

    /// The URL that is requested, without credentials; of a WebSocket that of its handshake.
    pub fn http_url(&self) -> Option<url::Url> {
        let scheme = if self.origin.secure { "https" } else { "http" };
        let host = self.origin.host_header.to_str().ok()?;
        url::Url::parse(&format!("{scheme}://{host}{}", self.path_and_query())).ok()
    }

    /// The origin's own URL.
    pub(super) fn of_origin(origin: Arc<Origin>) -> Target {
        let uri = Uri::from(PathAndQuery::from_static("/"));
        Target { origin, websocket: false, uri, authorization: None }
    }

    pub fn origin(&self) -> &Arc<Origin> {
        &self.origin
    }

    /// Whether the scheme is `ws` or `wss`.
    pub fn is_websocket(&self) -> bool {
        self.websocket
    }

    /// Path and query, starting with a slash.
    pub fn path_and_query(&self) -> &str {
        self.uri.path_and_query().map_or("/", PathAndQuery::as_str)
    }

    /// Whether the URL holds `user:password@`.
    pub fn has_credentials(&self) -> bool {
        self.authorization.is_some()
    }

    /// From `user:password@`.
    pub(super) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }
}

fn basic(user_info: &str) -> Result<HeaderValue, &'static str> {
    let (user, password) = user_info.split_once(':').unwrap_or((user_info, ""));
    let mut plain = percent_decode(user);
    plain.push(b':');
    plain.extend(percent_decode(password));
    let mut value =
        HeaderValue::try_from(format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(plain)))
            .map_err(|_| "the credentials are malformed")?;
    value.set_sensitive(true);
    Ok(value)
}

fn percent_decode(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escaped = (bytes[at] == b'%')
            .then(|| text.get(at + 1..at + 3))
            .flatten()
            .and_then(|hex| u8::from_str_radix(hex, 16).ok());
        decoded.push(escaped.unwrap_or(bytes[at]));
        at += if escaped.is_some() { 3 } else { 1 };
    }
    decoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_url_splits_into_origin_and_request() {
        for (url, secure, host, port, header, path) in [
            ("http://localhost:4000/api?x=1#top", false, "localhost", 4000, "localhost:4000", "/api?x=1"),
            ("https://Example.com", true, "example.com", 443, "example.com", "/"),
            ("https://example.com:443/a", true, "example.com", 443, "example.com", "/a"),
            ("ws://[::1]:81/chat", false, "::1", 81, "[::1]:81", "/chat"),
            ("wss://[::1]/chat", true, "::1", 443, "[::1]", "/chat"),
            ("http://host?q", false, "host", 80, "host", "/?q"),
            ("http://host:/a", false, "host", 80, "host", "/a"),
            ("http://host/a b/ü", false, "host", 80, "host", "/a%20b/%C3%BC"),
            ("http://host/ü?q=ü", false, "host", 80, "host", "/%C3%BC?q=%C3%BC"),
            ("http://bücher.example/", false, "xn--bcher-kva.example", 80, "xn--bcher-kva.example", "/"),
        ] {
            let target = Target::parse(url).unwrap();
            let origin = target.origin();
            assert_eq!((origin.secure(), origin.host(), origin.port()), (secure, host, port), "{url}");
            assert_eq!(origin.host_header(), header, "{url}");
            assert_eq!(target.path_and_query(), path, "{url}");
            assert_eq!(target.is_websocket(), url.starts_with("ws"), "{url}");
        }
    }

    #[test]
    fn credentials_in_a_url_become_basic_authorization() {
        let target = Target::parse("http://user:p%40ss@host/").unwrap();
        assert_eq!(target.authorization().unwrap(), "Basic dXNlcjpwQHNz");
        assert_eq!(target.origin().host(), "host");
        assert_eq!(Target::parse("http://host/").unwrap().authorization(), None);
    }

    #[test]
    fn what_is_no_url_of_ours_is_refused_with_the_reason() {
        for (url, message) in [
            ("", "parse `` as a URL: relative URL without a base"),
            ("/path", "use the scheme of `/path` (expected http, https, ws or wss)"),
            ("ftp://host/", "use the scheme of `ftp://host/` (expected http, https, ws or wss)"),
            ("localhost:4000", "use the scheme of `localhost:4000` (expected http, https, ws or wss)"),
            ("http://host:70000/", "parse `http://host:70000/` as a URL: the port is not in 0–65535"),
            ("http://", "parse `http://` as a URL: empty host"),
        ] {
            assert_eq!(Target::parse(url).unwrap_err().to_string(), message, "{url}");
        }
    }
}
