//! One GET to a service, within a time.

use std::sync::Arc;

use http::header::{CONNECTION, DATE, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::{HeaderValue, Method};
use rustls::ClientConfig;
use url::Url;

use super::PATIENCE;
use crate::protocol::Guard;
use crate::protocol::tls::{TlsOptions, client_config};
use crate::scrape::connection::{exchange_within, to, whole};
use crate::scrape::{ScrapeError, body};

const MAX_ANSWER_BYTES: usize = 16 << 20;

pub(super) struct Answer {
    pub(super) status: u16,
    /// The header `Date`.
    pub(super) date: Option<String>,
    pub(super) body: Vec<u8>,
}

/// How a service is reached.
#[derive(Default)]
pub(super) struct Way<'a> {
    pub(super) tls: Option<&'a Arc<ClientConfig>>,
    pub(super) guard: Option<&'a Guard>,
    /// Whether an upgrade to a WebSocket is asked for.
    pub(super) websocket: bool,
}

pub(super) async fn get(url: &Url, way: &Way<'_>) -> Result<Answer, ScrapeError> {
    let request = || {
        let mut request = to(url, Method::GET);
        if way.websocket {
            request = request
                .header(CONNECTION, "upgrade")
                .header(UPGRADE, "websocket")
                .header(SEC_WEBSOCKET_VERSION, "13")
                // RFC 6455's own.
                .header(SEC_WEBSOCKET_KEY, "dGhlIHNhbXBsZSBub25jZQ==");
        }
        whole(request, bytes::Bytes::new())
    };
    let asked = async {
        let (_connection, response) = exchange_within(url, way.tls, way.guard, None, request).await?;
        let status = response.status().as_u16();
        let date = response.headers().get(DATE).map(HeaderValue::to_str);
        let date = date.and_then(Result::ok).map(str::to_owned);
        // What follows an upgrade does not end.
        let body = match status {
            101 => Vec::new(),
            _ => body::read(response.into_body(), false, MAX_ANSWER_BYTES).await?,
        };
        Ok(Answer { status, date, body })
    };
    tokio::time::timeout(PATIENCE, asked).await.map_err(|_| ScrapeError::Timeout { after: PATIENCE })?
}

/// A service that the command line or the configuration named: `path` is added to its URL's.
pub(super) async fn service(base: &Url, path: &str) -> Result<Answer, String> {
    let mut url = base.clone();
    let (path, query) = path.split_once('?').map_or((path, None), |(path, query)| (path, Some(query)));
    url.set_path(&format!("{}{path}", base.path().trim_end_matches('/')));
    url.set_query(query);
    let tls = (url.scheme() == "https").then(|| client_config(&TlsOptions::default()));
    let tls = tls.transpose().map_err(|error| format!("failed to {error}"))?;
    let way = Way { tls: tls.as_ref().map(|tls| &tls.http1), ..Way::default() };
    get(&url, &way).await.map_err(|error| error.to_string())
}

/// The URL of a service.
pub(super) fn base(text: &str) -> Result<Url, String> {
    crate::notify::base_url(text)
        .map_err(|why| format!("{why}: expected a URL such as http://localhost:9090"))
}
