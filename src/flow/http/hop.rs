//! One hop of a request, and where its answer leads.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, HOST, LOCATION};
use http::{HeaderMap, Method, StatusCode};

use crate::protocol::Target;
use crate::sample::ErrorCode;

pub(super) struct Hop<'a> {
    pub(super) method: Cow<'a, Method>,
    pub(super) target: Target,
    pub(super) body: Bytes,
}

impl<'a> Hop<'a> {
    /// 301, 302 and 303 turn into GET without a body, as browsers and Go's client do; 307 and 308 repeat the
    /// request. A `Location` that is no URL of ours is an error.
    pub(super) fn redirect(&self, status: u16, headers: &HeaderMap) -> Option<Result<Hop<'a>, ErrorCode>> {
        let location = headers.get(LOCATION)?;
        // Servers write letters outside ASCII too, and clients take them.
        let location = std::str::from_utf8(location.as_bytes()).ok();
        let target = || location.and_then(|to| self.target.join(to)).ok_or(ErrorCode::INVALID_URL);
        let (method, body) = match StatusCode::from_u16(status).ok()? {
            StatusCode::MOVED_PERMANENTLY | StatusCode::FOUND | StatusCode::SEE_OTHER => {
                let method = if self.method.as_ref() == Method::HEAD { Method::HEAD } else { Method::GET };
                (Cow::Owned(method), Bytes::new())
            }
            StatusCode::TEMPORARY_REDIRECT | StatusCode::PERMANENT_REDIRECT => {
                (self.method.clone(), self.body.clone())
            }
            _ => return None,
        };
        Some(target().map(|target| Hop { method, target, body }))
    }

    /// Takes out the headers that this hop may not have from the one before: what was meant for one origin is
    /// not for another, as in browsers (Go's client goes by the host alone). Whether it is another origin.
    pub(super) fn forget(&self, before: &Hop<'_>, headers: &mut HeaderMap) -> bool {
        let elsewhere = self.target.origin() != before.target.origin();
        if elsewhere {
            headers.remove(AUTHORIZATION);
            headers.remove(HOST);
        }
        if self.body.is_empty() && !before.body.is_empty() {
            headers.remove(CONTENT_TYPE);
            headers.remove(CONTENT_ENCODING);
        }
        // It is written anew for each hop.
        headers.remove(COOKIE);
        elsewhere
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    fn hop(url: &str) -> Hop<'static> {
        Hop { method: Cow::Owned(Method::GET), target: Target::parse(url).unwrap(), body: Bytes::new() }
    }

    /// Where a redirect from `http://h:81/a/b` leads; its headers, and whether it carries the URL's credentials.
    fn follow(location: &[u8]) -> (String, Vec<String>, bool) {
        let before = hop("http://user:pass@h:81/a/b");
        let target = before.target.clone();
        let answer = HeaderMap::from_iter([(LOCATION, HeaderValue::from_bytes(location).unwrap())]);
        let next = before.redirect(302, &answer).unwrap().unwrap();
        let mut headers: HeaderMap = [(AUTHORIZATION, "a"), (HOST, "virtual"), (COOKIE, "c=1")]
            .map(|(name, value)| (name, HeaderValue::from_static(value)))
            .into_iter()
            .collect();
        assert_eq!(next.forget(&before, &mut headers), next.target.origin() != target.origin());
        let names = headers.keys().map(ToString::to_string).collect();
        (next.target.http_url().unwrap().into(), names, next.target.has_credentials())
    }

    #[test]
    fn what_was_meant_for_one_origin_is_not_sent_to_another() {
        for (location, url, headers, credentials) in [
            ("c", "http://h:81/a/c", vec!["authorization", "host"], true),
            ("http://h:81/c", "http://h:81/c", vec!["authorization", "host"], true),
            ("http://other@h:81/c", "http://h:81/c", vec!["authorization", "host"], true),
            ("//h/c", "http://h/c", vec![], false),
            ("https://h:81/c", "https://h:81/c", vec![], false),
            ("http://other/c", "http://other/c", vec![], false),
            ("/ü", "http://h:81/%C3%BC", vec!["authorization", "host"], true),
        ] {
            let (to, kept, with_credentials) = follow(location.as_bytes());
            assert_eq!((to.as_str(), with_credentials), (url, credentials), "{location}");
            assert_eq!(kept, headers, "{location}");
        }
    }
}
