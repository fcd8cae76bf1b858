//! One hop of a request, and where its answer leads.

use std::borrow::Cow;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, COOKIE, LOCATION};
use http::{HeaderMap, Method, StatusCode};

use crate::protocol::Target;
use crate::sample::{ErrorCode, Exchange};

pub(super) struct Hop<'a> {
    pub(super) method: Cow<'a, Method>,
    pub(super) target: Target,
    pub(super) body: Bytes,
}

impl<'a> Hop<'a> {
    /// 301, 302 and 303 turn into GET without a body, as browsers and Go's client do; 307 and 308 repeat the
    /// request. A `Location` that is no URL of ours is an error.
    pub(super) fn redirect(
        &self,
        exchange: &Exchange,
        headers: &HeaderMap,
    ) -> Option<Result<Hop<'a>, ErrorCode>> {
        let location = headers.get(LOCATION)?;
        let target =
            || location.to_str().ok().and_then(|to| self.target.join(to)).ok_or(ErrorCode::INVALID_URL);
        let (method, body) = match StatusCode::from_u16(exchange.status).ok()? {
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

    /// Takes out the headers that this hop may not have from the one before: what was meant for one host is
    /// not for another (Go's client does the same). Whether it is another host.
    pub(super) fn forget(&self, before: &Hop<'_>, headers: &mut HeaderMap) -> bool {
        let elsewhere = self.target.origin() != before.target.origin();
        if elsewhere {
            headers.remove(AUTHORIZATION);
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
