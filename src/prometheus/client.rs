//! The client of the HTTP API: one connection, which is kept and made anew after an error.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::header::{ACCEPT, CONTENT_TYPE};
use rustls::ClientConfig;
use serde::de::DeserializeOwned;
use url::{Url, form_urlencoded};

use super::Address;
use super::answer::Envelope;
use crate::notify::shown_url;
use crate::scrape::ScrapeError;
use crate::scrape::body;
use crate::scrape::connection::{Connection, exchange, to, whole};

/// Of an answer.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// Of an answer that is none, in messages.
const SHOWN_CHARACTERS: usize = 200;

pub(super) struct Client {
    address: Address,
    /// Needed for `https`.
    tls: Option<Arc<ClientConfig>>,
    kept: Option<Connection>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{method} {url}: {why}")]
pub(super) struct AskError {
    method: Method,
    /// Without user and password.
    url: String,
    why: String,
}

impl Client {
    pub(super) fn new(address: Address, tls: Option<Arc<ClientConfig>>) -> Self {
        Client { address, tls, kept: None }
    }

    pub(super) fn address(&self) -> &Address {
        &self.address
    }

    /// `path` is what follows `/api/v1/`.
    pub(super) async fn get<T: DeserializeOwned>(
        &mut self,
        path: &str,
        timeout: Duration,
    ) -> Result<T, AskError> {
        self.ask(Method::GET, self.address.api(path), String::new(), timeout).await
    }

    /// The value of an expression now, or at this moment in milliseconds since the Unix epoch.
    pub(super) async fn query<T: DeserializeOwned>(
        &mut self,
        expression: &str,
        at_ms: Option<i64>,
        timeout: Duration,
    ) -> Result<T, AskError> {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("query", expression);
        if let Some(at_ms) = at_ms {
            form.append_pair("time", &(at_ms as f64 / 1e3).to_string());
        }
        self.ask(Method::POST, self.address.api("query"), form.finish(), timeout).await
    }

    async fn ask<T: DeserializeOwned>(
        &mut self,
        method: Method,
        url: Url,
        form: String,
        timeout: Duration,
    ) -> Result<T, AskError> {
        let error = |why: String| AskError { method: method.clone(), url: shown_url(&url), why };
        // Taken, so that a request that is given up takes its connection along.
        let kept = self.kept.take();
        let exchanged = self.exchange(&method, &url, form.into(), kept);
        let (status, body, kept) = match tokio::time::timeout(timeout, exchanged).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(failed)) => return Err(error(failed.to_string())),
            Err(_) => return Err(error(format!("no answer within {timeout:?}"))),
        };
        self.kept = kept;
        let said = |body: &[u8]| {
            let text: String = String::from_utf8_lossy(body).trim().chars().take(SHOWN_CHARACTERS).collect();
            format!("answered {status}: {text}")
        };
        match serde_json::from_slice::<Envelope<T>>(&body) {
            Ok(Envelope { data: Some(data), error: None }) if status == 200 => Ok(data),
            Ok(Envelope { error: Some(why), .. }) => Err(error(format!("answered {status}: {why}"))),
            Ok(_) => Err(error(said(&body))),
            Err(_) if status != 200 => Err(error(said(&body))),
            Err(why) => Err(error(format!("this is not how Prometheus answers: {why}"))),
        }
    }

    async fn exchange(
        &self,
        method: &Method,
        url: &Url,
        form: Bytes,
        kept: Option<Connection>,
    ) -> Result<(u16, Vec<u8>, Option<Connection>), ScrapeError> {
        let request = || {
            let mut request = to(url, method.clone()).header(ACCEPT, "application/json");
            if *method == Method::POST {
                request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
            }
            whole(request, form.clone())
        };
        let (connection, response) = exchange(url, self.tls.as_ref(), kept, request).await?;
        let status = response.status().as_u16();
        let body = body::read(response.into_body(), false, MAX_ANSWER_BYTES).await?;
        Ok((status, body, connection.kept()))
    }
}
