//! What an expression may read: the VU, the plan's variables, captured values, the last exchange.

use std::borrow::Cow;
use std::cell::{OnceCell, RefCell};
use std::fmt;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use http::HeaderMap;
use minijinja::Value;
use minijinja::value::{Enumerator, Object};

use super::document;
use super::error::EvalError;
use crate::budget::{Charge, FREE_BYTES, Purse, Spent};

/// All that is visible to one evaluation. Made for each use: it only borrows.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The VU's number, from 1.
    pub vu: u64,
    /// The VU's iteration, from 0.
    pub iteration: u64,
    pub scenario: &'a str,
    /// The plan's `vars` after filling in: a map.
    pub vars: &'a Value,
    /// The rows of this iteration, by table: a map, undefined where it takes none.
    pub data: &'a Value,
    /// What this VU has captured or `set`.
    pub locals: &'a Locals,
    /// The exchange just made, where the expression follows one.
    pub exchange: Option<&'a ExchangeView>,
}

/// A VU's captured and `set` values, above those that all VUs were given. Few, so a list is faster than a hash map.
#[derive(Debug, Clone, Default)]
pub struct Locals {
    own: Vec<Local>,
    given: Option<Arc<Locals>>,
}

#[derive(Debug, Clone)]
struct Local {
    name: Arc<str>,
    value: Value,
    /// What a large value costs, for as long as it is held.
    _charge: Option<Arc<Charge>>,
}

impl Locals {
    pub fn new() -> Self {
        Locals::default()
    }

    /// No values yet but those `given`, which are shared, and hidden by own ones of the same name.
    pub fn above(given: &Arc<Locals>) -> Self {
        Locals { own: Vec::new(), given: (!given.own.is_empty()).then(|| Arc::clone(given)) }
    }

    pub fn get(&self, name: &str) -> Option<&Value> {
        let own = self.own.iter().find(|local| &*local.name == name).map(|local| &local.value);
        own.or_else(|| self.given.as_ref()?.get(name))
    }

    /// In the order in which they were first set, those given before those of one's own.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        let given = self.given.iter().flat_map(|given| &given.own);
        given.chain(&self.own).map(|local| (&*local.name, &local.value))
    }

    /// Sets `name`, whatever it held before. The name is shared, not copied.
    pub fn set(&mut self, name: &Arc<str>, value: Value) {
        self.put(Local { name: Arc::clone(name), value, _charge: None });
    }

    /// As [`set`](Self::set), and pays for what the value holds: a captured body outlives its exchange.
    ///
    /// # Errors
    /// When the budget has no room for it; then nothing changes.
    pub fn capture(&mut self, name: &Arc<str>, value: Value, purse: &Purse) -> Result<(), EvalError> {
        let held = document::size(&value);
        let mut charge = None;
        if held > FREE_BYTES {
            let mut paid = Charge::default();
            paid.cover(held, purse).map_err(|spent| EvalError::new(format!("`{name}`: {spent}")))?;
            charge = Some(Arc::new(paid));
        }
        self.put(Local { name: Arc::clone(name), value, _charge: charge });
        Ok(())
    }

    fn put(&mut self, local: Local) {
        match self.own.iter_mut().find(|known| known.name == local.name) {
            Some(known) => *known = local,
            None => self.own.push(local),
        }
    }

    /// Forgets all own values: what one iteration captured the next must not see.
    pub fn clear(&mut self) {
        self.own.clear();
    }
}

/// An exchange as expressions see it. What is costly to make is made at its first use, once.
#[derive(Debug)]
pub struct ExchangeView {
    status: u16,
    status_name: Option<&'static str>,
    headers: HeaderMap,
    body: Bytes,
    duration: Duration,
    error: Option<u16>,
    received_ms: Option<f64>,
    header_object: OnceCell<Value>,
    text: OnceCell<Value>,
    json: OnceCell<Result<Value, Spent>>,
    /// For the body, and for what is made of it.
    charge: RefCell<Charge>,
    /// `None`: whatever is made of the body costs nothing.
    purse: Option<Purse>,
}

impl ExchangeView {
    /// `duration` is what the expression `duration` gives in milliseconds, as k6's
    /// `res.timings.duration`; `error` is the numeric code, `none` in an expression where there was none.
    pub fn new(status: u16, headers: HeaderMap, body: Bytes, duration: Duration, error: Option<u16>) -> Self {
        ExchangeView {
            status,
            status_name: None,
            headers,
            body,
            duration,
            error,
            received_ms: None,
            header_object: OnceCell::new(),
            text: OnceCell::new(),
            json: OnceCell::new(),
            charge: RefCell::default(),
            purse: None,
        }
    }

    /// `charge` is what the body costs; what is made of it is paid from `purse` too.
    #[must_use]
    pub fn paid(self, charge: Charge, purse: &Purse) -> Self {
        ExchangeView { charge: RefCell::new(charge), purse: Some(purse.clone()), ..self }
    }

    /// Of a protocol whose statuses have names: what `status` gives.
    #[must_use]
    pub fn named(self, status: &'static str) -> Self {
        ExchangeView { status_name: Some(status), ..self }
    }

    /// Says when it came in, by the wall clock: what `received_ms` gives, in milliseconds since 1970.
    #[must_use]
    pub fn received_at(mut self, wall: SystemTime) -> Self {
        self.received_ms = wall.duration_since(UNIX_EPOCH).ok().map(|since| since.as_secs_f64() * 1_000.0);
        self
    }

    pub fn status(&self) -> u16 {
        self.status
    }

    /// Its name, where it has one, else its number.
    pub(super) fn status_value(&self) -> Value {
        self.status_name.map_or_else(|| Value::from(self.status), Value::from)
    }

    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    pub fn body(&self) -> &Bytes {
        &self.body
    }

    pub fn duration(&self) -> Duration {
        self.duration
    }

    pub fn error(&self) -> Option<u16> {
        self.error
    }

    pub(super) fn received_ms(&self) -> Option<f64> {
        self.received_ms
    }

    pub(super) fn duration_ms(&self) -> f64 {
        self.duration.as_secs_f64() * 1_000.0
    }

    /// A header by name in any case; where there is none of that name, `_` may stand for `-`.
    pub(super) fn header(&self, name: &str) -> Option<Value> {
        header(&self.headers, name)
    }

    pub(super) fn header_object(&self) -> &Value {
        self.header_object.get_or_init(|| Value::from_object(Headers(self.headers.clone())))
    }

    /// The body as text; what is not UTF-8 becomes U+FFFD.
    pub(super) fn body_lossy(&self) -> Cow<'_, str> {
        String::from_utf8_lossy(&self.body)
    }

    /// Undefined where the budget has no room for it.
    pub(super) fn text(&self) -> &Value {
        self.text.get_or_init(|| match self.pay(self.body.len() as u64) {
            Ok(()) => Value::from(&*self.body_lossy()),
            Err(Spent) => Value::UNDEFINED,
        })
    }

    /// The parsed body; undefined when it is not JSON (or nested deeper than 128 levels), and where the
    /// budget has no room for it.
    pub(super) fn json(&self) -> Value {
        self.parsed().unwrap_or(Value::UNDEFINED)
    }

    /// Why the body, as JSON or as text, is undefined, if not for what it is.
    pub(super) fn spent(&self) -> Option<Spent> {
        let text_refused = self.text.get().is_some_and(Value::is_undefined);
        (text_refused || matches!(self.json.get(), Some(Err(Spent)))).then_some(Spent)
    }

    fn parsed(&self) -> Result<Value, Spent> {
        let parse = || document::parse(&self.body, &mut |bytes| self.pay(bytes));
        self.json.get_or_init(|| parse().map(Option::unwrap_or_default)).clone()
    }

    fn pay(&self, bytes: u64) -> Result<(), Spent> {
        self.purse.as_ref().map_or(Ok(()), |purse| self.charge.borrow_mut().add(bytes, purse))
    }
}

fn header(headers: &HeaderMap, name: &str) -> Option<Value> {
    let mut values = headers.get_all(name).iter();
    let Some(first) = values.next() else {
        return if name.contains('_') { header(headers, &name.replace('_', "-")) } else { None };
    };
    let first = String::from_utf8_lossy(first.as_bytes());
    match values.next() {
        None => Some(Value::from(&*first)),
        // A header sent several times is one list (RFC 9110, section 5.3).
        Some(second) => {
            let mut joined = first.into_owned();
            for value in std::iter::once(second).chain(values) {
                joined.push_str(", ");
                joined.push_str(&String::from_utf8_lossy(value.as_bytes()));
            }
            Some(Value::from(joined))
        }
    }
}

/// Headers as a map for minijinja: looked up in any case, listed in lower case.
struct Headers(HeaderMap);

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl Object for Headers {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        header(&self.0, key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, key: &str) -> Option<Value> {
        header(&self.0, key)
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.keys().map(|name| Value::from(name.as_str())).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_local_is_set_replaced_and_forgotten() {
        let mut locals = Locals::new();
        let token: Arc<str> = Arc::from("token");
        locals.set(&token, Value::from("a"));
        locals.set(&token, Value::from("b"));
        assert_eq!(locals.get("token"), Some(&Value::from("b")));
        assert_eq!(locals.get("other"), None);
        locals.clear();
        assert_eq!(locals.get("token"), None);
    }

    #[test]
    fn what_was_given_is_seen_hidden_by_own_values_and_never_forgotten() {
        let (token, id): (Arc<str>, Arc<str>) = (Arc::from("token"), Arc::from("id"));
        let mut given = Locals::new();
        given.set(&token, Value::from("given"));
        given.set(&id, Value::from(7));
        let mut locals = Locals::above(&Arc::new(given));
        locals.set(&token, Value::from("own"));
        assert_eq!(locals.get("token"), Some(&Value::from("own")));
        assert_eq!(locals.get("id"), Some(&Value::from(7)));
        locals.clear();
        assert_eq!(locals.get("token"), Some(&Value::from("given")));
    }

    #[test]
    fn a_header_is_found_in_any_case_and_with_underscores() {
        let mut headers = HeaderMap::new();
        headers.insert("content-type", "text/plain".parse().unwrap());
        headers.append("set-cookie", "a=1".parse().unwrap());
        headers.append("set-cookie", "b=2".parse().unwrap());
        let found = |name| header(&headers, name).map(|value| value.to_string());
        for name in ["content-type", "Content-Type", "content_type"] {
            assert_eq!(found(name).as_deref(), Some("text/plain"), "{name}");
        }
        assert_eq!(found("set_cookie").as_deref(), Some("a=1, b=2"));
        assert_eq!(found("not a header name"), None);
        assert_eq!(found("etag"), None);
    }
}
