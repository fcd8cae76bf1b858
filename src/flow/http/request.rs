//! A request as the plan has it, and filled in.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::Method;
use http::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};

use super::super::cookies::{CookieJar, write_pair};
use super::super::ledger::Stamped;
use super::super::{Ended, PublishedEvents, Vu};
use super::body::Body;
use super::hop::Hop;
use crate::ids::StepId;
use crate::labels::Labels;
use crate::protocol::Target;
use crate::sample::ErrorCode;
use crate::template::Template;
use crate::time::Elapsed;

/// What a step sends.
#[derive(Debug)]
pub enum Requests {
    /// The same each time.
    One(Box<HttpRequest>),
    /// One after the other, over all VUs, then from the first again.
    Cycle { all: Vec<HttpRequest>, next: AtomicUsize },
}

#[derive(Debug)]
pub struct HttpRequest {
    pub id: StepId,
    /// scenario, name, method, group and the tags.
    pub labels: Labels,
    pub method: Method,
    pub url: Url,
    pub headers: Headers,
    /// Sent beside those of the jar.
    pub cookies: Vec<OwnCookie>,
    pub body: Body,
    /// Of a ledger: its templates say where an event's token stands.
    pub events: Option<PublishedEvents>,
}

#[derive(Debug)]
pub enum Url {
    Constant(Target),
    Template(Template),
}

/// Constant headers are made once; templates are evaluated for each request.
#[derive(Debug, Default)]
pub struct Headers {
    pub constant: HeaderMap,
    pub templates: Vec<(HeaderName, Template)>,
    pub basic: Option<BasicAuth>,
}

#[derive(Debug)]
pub struct BasicAuth {
    pub username: Template,
    pub password: Template,
}

/// A cookie that the plan sends.
#[derive(Debug)]
pub struct OwnCookie {
    pub name: String,
    pub value: Template,
    /// Instead of those of the same name that a server set.
    pub replace: bool,
}

/// A request that is filled in and has not been sent.
pub(in crate::flow) struct Errand<'a> {
    pub(super) request: &'a HttpRequest,
    pub(super) headers: Cow<'a, HeaderMap>,
    pub(super) first: Result<Hop<'a>, ErrorCode>,
    pub(super) own_cookies: OwnCookies<'a>,
    pub(super) due: Option<Elapsed>,
    /// Of a ledger.
    pub(super) event: Option<Stamped>,
}

/// The plan's own cookies of one request.
#[derive(Debug, Default)]
pub(super) struct OwnCookies<'a> {
    written: Vec<u8>,
    replaced: Vec<&'a str>,
}

impl Requests {
    pub(super) fn next(&self) -> &HttpRequest {
        match self {
            Requests::One(request) => request,
            Requests::Cycle { all, next } => &all[next.fetch_add(1, Ordering::Relaxed) % all.len()],
        }
    }
}

impl HttpRequest {
    pub(super) fn fill_in(&self, vu: &mut Vu) -> Result<Errand<'_>, Ended> {
        let event = self.events.and_then(|events| events.announce(vu));
        let mut headers = self.headers.render(vu)?;
        let body = self.body.render(vu, &mut headers)?;
        let own_cookies = OwnCookies::render(&self.cookies, vu)?;
        let first = self.url.resolve(vu)?;
        let first = first.map(|target| Hop { method: Cow::Borrowed(&self.method), target, body });
        Ok(Errand { request: self, headers, first, own_cookies, due: vu.take_due(), event })
    }
}

impl Errand<'_> {
    /// Where it goes first; nothing for a URL that is none.
    pub(in crate::flow) fn target(&self) -> Option<&Target> {
        self.first.as_ref().ok().map(|hop| &hop.target)
    }
}

impl Headers {
    pub(in crate::flow) fn render(&self, vu: &Vu) -> Result<Cow<'_, HeaderMap>, Ended> {
        if self.templates.is_empty() && self.basic.is_none() {
            return Ok(Cow::Borrowed(&self.constant));
        }
        let mut headers = self.constant.clone();
        for (name, template) in &self.templates {
            let mut value = header_value(name, &vu.render(template)?)?;
            value.set_sensitive(*name == AUTHORIZATION);
            headers.append(name.clone(), value);
        }
        if let Some(BasicAuth { username, password }) = &self.basic {
            headers.insert(AUTHORIZATION, basic(&vu.render(username)?, &vu.render(password)?)?);
        }
        Ok(Cow::Owned(headers))
    }
}

/// `Authorization: Basic …` (RFC 7617).
fn basic(username: &str, password: &str) -> Result<HeaderValue, Ended> {
    if username.contains(':') {
        // It would be read as the end of the name.
        return Err(Ended::Error("the username of `auth` holds a `:`".to_owned()));
    }
    let credentials = STANDARD.encode(format!("{username}:{password}"));
    let mut value = header_value(&AUTHORIZATION, &format!("Basic {credentials}"))?;
    value.set_sensitive(true);
    Ok(value)
}

pub(super) fn header_value(name: &HeaderName, value: &str) -> Result<HeaderValue, Ended> {
    HeaderValue::from_str(value).map_err(|_| {
        Ended::Error(format!("the value of header `{name}` has characters that a header cannot hold"))
    })
}

impl Url {
    pub(in crate::flow) fn resolve(&self, vu: &Vu) -> Result<Result<Target, ErrorCode>, Ended> {
        match self {
            Url::Constant(target) => Ok(Ok(target.clone())),
            Url::Template(template) => {
                Ok(Target::parse(&vu.render(template)?).map_err(|_| ErrorCode::INVALID_URL))
            }
        }
    }
}

impl OwnCookie {
    /// The value as it stands in a header: with a space or a comma it is quoted, as Go does it. Nothing
    /// where it has what no cookie can hold (RFC 6265, section 4.1.1, and what browsers let pass).
    pub fn value(text: &str) -> Option<Cow<'_, str>> {
        let allowed = |byte: u8| matches!(byte, 0x20..=0x7e) && !matches!(byte, b'"' | b';' | b'\\');
        if !text.bytes().all(allowed) {
            return None;
        }
        Some(if text.contains([' ', ',']) { Cow::Owned(format!("\"{text}\"")) } else { Cow::Borrowed(text) })
    }
}

impl<'a> OwnCookies<'a> {
    fn render(cookies: &'a [OwnCookie], vu: &Vu) -> Result<Self, Ended> {
        let mut own = OwnCookies::default();
        for cookie in cookies {
            let text = vu.render(&cookie.value)?;
            let value = OwnCookie::value(&text).ok_or_else(|| {
                let name = &cookie.name;
                Ended::Error(format!("the value of cookie `{name}` has characters that a cookie cannot hold"))
            })?;
            write_pair(&cookie.name, &value, &mut own.written);
            own.replaced.extend(cookie.replace.then_some(cookie.name.as_str()));
        }
        Ok(own)
    }

    /// The header `Cookie`: the one the plan has in `headers`, the step's own cookies, then the jar's; nothing
    /// where the last two add nothing.
    pub(super) fn header(
        &self,
        given: Option<&HeaderValue>,
        jar: &CookieJar,
        target: &Target,
    ) -> Option<HeaderValue> {
        if self.written.is_empty() && jar.is_empty() {
            return None;
        }
        let mut cookie = given.map_or_else(Vec::new, |given| given.as_bytes().to_vec());
        if !self.written.is_empty() {
            if !cookie.is_empty() {
                cookie.extend_from_slice(b"; ");
            }
            cookie.extend_from_slice(&self.written);
        }
        jar.write(target, &self.replaced, &mut cookie);
        HeaderValue::from_maybe_shared(Bytes::from(cookie)).ok().filter(|cookie| !cookie.is_empty())
    }
}

/// The header of a request that has no cookies of its own.
pub(in crate::flow) fn cookie_header(
    given: Option<&HeaderValue>,
    jar: &CookieJar,
    target: &Target,
) -> Option<HeaderValue> {
    OwnCookies::default().header(given, jar, target)
}
