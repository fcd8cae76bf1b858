//! What a request says beside its body: the run in its path, its query, its headers.

use axum::extract::{FromRequestParts, Path};
use axum::http::HeaderMap;
use axum::http::request::Parts;
use url::form_urlencoded;

use super::super::problem::Problem;
use crate::store::RunId;

/// Longer than any id, and than anything that is worth a look in the store.
const MAX_ID_BYTES: usize = 128;
const MAX_KEY_BYTES: usize = 255;

/// `{id}` of the path.
pub(super) struct Id(pub(super) RunId);

impl<S: Send + Sync> FromRequestParts<S> for Id {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let there_is_none = || Problem::not_found("there is no such run");
        let Path(id) = Path::<String>::from_request_parts(parts, state).await.map_err(|_| there_is_none())?;
        Id::read(&id).ok_or_else(there_is_none)
    }
}

impl Id {
    /// `None` where no run can have it.
    pub(super) fn read(text: &str) -> Option<Id> {
        let is_id = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let fits = !text.is_empty() && text.len() <= MAX_ID_BYTES && text.bytes().all(is_id);
        fits.then(|| Id(RunId(text.to_owned())))
    }
}

/// The pairs after `?`.
pub(super) struct Parameters(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Parameters {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Parameters(form_urlencoded::parse(query.as_bytes()).into_owned().collect()))
    }
}

impl Parameters {
    /// # Errors
    /// One that is not known here: a misspelt filter would filter nothing.
    pub(super) fn only(self, known: &[&str]) -> Result<Self, Problem> {
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_str())) {
            Some((name, _)) => Err(Problem::bad_data(format!(
                "there is no parameter {name:?} here, only {}",
                known.join(", ")
            ))),
            None => Ok(self),
        }
    }

    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// # Errors
    /// It is there twice.
    pub(super) fn one(&self, name: &str) -> Result<Option<&str>, Problem> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (value, None) => Ok(value),
            _ => Err(Problem::bad_data(format!("parameter {name:?} is given twice"))),
        }
    }

    pub(super) fn run(&self, name: &str) -> Result<Option<RunId>, Problem> {
        let no_id = || Problem::bad_data(format!("parameter {name:?}: expected the id of a run"));
        self.one(name)?.map(|text| Id::read(text).map(|Id(id)| id).ok_or_else(no_id)).transpose()
    }
}

/// `Idempotency-Key`.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut keys = headers.get_all("idempotency-key").iter();
    let Some(key) = keys.next() else { return Ok(None) };
    let key = key.to_str().ok().filter(|key| !key.is_empty() && key.len() <= MAX_KEY_BYTES);
    match (key, keys.next()) {
        (Some(key), None) => Ok(Some(key.to_owned())),
        _ => Err(Problem::bad_data(format!(
            "expected one Idempotency-Key, of 1 to {MAX_KEY_BYTES} visible characters"
        ))),
    }
}

/// `Last-Event-ID`: the sequence number of the last event that its sender has seen.
pub(super) fn last_event_id(headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    let Some(value) = headers.get("last-event-id") else { return Ok(None) };
    // The store counts in 64 bits with a sign.
    let seq = value.to_str().ok().and_then(|text| text.parse::<i64>().ok());
    match seq.and_then(|seq| u64::try_from(seq).ok()) {
        Some(seq) => Ok(Some(seq)),
        None => Err(Problem::bad_data("expected the number of an event in Last-Event-ID")),
    }
}
