//! A daemon, asked over HTTP: where it is, the token for it, one request and its answer.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderValue, Method, Response};
use hyper::body::Incoming;
use rustls::ClientConfig;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::cli::Failure;
use crate::cli::files::read_text;
use crate::notify::{base_url, shown_url};
use crate::protocol::tls::{TlsOptions, client_config};
use crate::scrape::ScrapeError;
use crate::scrape::body;
use crate::scrape::connection::{Connection, exchange, to, whole};

/// Where a daemon listens unless it is told otherwise.
pub(in crate::cli) const DEFAULT_SERVER: &str = "http://127.0.0.1:5665";

/// Of an answer: a summary with thousands of metrics fits.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// For an answer to be whole. Plans with large data files go up meanwhile.
const TIMEOUT: Duration = Duration::from_secs(120);
const MAX_TOKEN_BYTES: usize = 4 << 10;
/// Of an answer that is none of ours, in messages.
const SHOWN_CHARACTERS: usize = 200;

/// Whom to ask.
#[derive(Debug, Clone, clap::Args)]
pub(in crate::cli) struct ServerArgs {
    /// The daemon
    #[arg(long, env = "LOADGATE_SERVER", value_name = "URL", default_value = DEFAULT_SERVER, value_parser = base_url)]
    pub(super) server: Url,
    #[command(flatten)]
    pub(super) token: TokenArgs,
}

/// The token itself is never an argument: whoever lists processes would see it.
#[derive(Debug, Clone, Default, clap::Args)]
pub(in crate::cli) struct TokenArgs {
    /// The file that holds the token for the daemon (or the environment variable LOADGATE_TOKEN the token itself)
    #[arg(long, env = "LOADGATE_TOKEN_FILE", value_name = "FILE")]
    token_file: Option<PathBuf>,
}

pub(in crate::cli) struct Server {
    base: Url,
    authorization: Option<HeaderValue>,
    tls: Option<Arc<ClientConfig>>,
}

/// Why there is no answer, or not the one that was hoped for.
#[derive(Debug, thiserror::Error)]
pub(in crate::cli) enum AskError {
    /// Nothing was sent.
    #[error("failed to reach {server}: {source} (is `loadgate serve` running there?)")]
    Unreachable { server: String, source: ScrapeError },
    /// Something may have been sent.
    #[error("{server}: {source}")]
    Broken { server: String, source: ScrapeError },
    #[error("{server}: no answer within {TIMEOUT:?}")]
    Late { server: String },
    #[error("{server} answered {status}: {message}")]
    Refused { server: String, status: u16, message: String },
    #[error("{server}: this is not how loadgate answers: {why}")]
    Strange { server: String, why: String },
}

impl AskError {
    /// Whether the same request may succeed a moment later.
    pub(in crate::cli) fn may_pass(&self) -> bool {
        match self {
            AskError::Unreachable { .. } | AskError::Broken { .. } | AskError::Late { .. } => true,
            AskError::Refused { status, .. } => matches!(status, 429 | 502 | 503 | 504),
            AskError::Strange { .. } => false,
        }
    }

    pub(in crate::cli) fn status(&self) -> Option<u16> {
        match self {
            AskError::Refused { status, .. } => Some(*status),
            _ => None,
        }
    }
}

impl From<AskError> for Failure {
    fn from(error: AskError) -> Failure {
        let help = match error.status() {
            Some(401) => "\n  help: put the token into LOADGATE_TOKEN, or name its file with --token-file",
            _ => "",
        };
        Failure { message: format!("error: {error}{help}"), code: crate::cli::INTERNAL }
    }
}

/// A response whose body is still to come.
pub(super) struct Answer {
    pub(super) response: Response<Incoming>,
    /// Closes when it is dropped.
    pub(super) _connection: Connection,
}

impl TokenArgs {
    fn authorization(&self) -> Result<Option<HeaderValue>, Failure> {
        let token = match (&self.token_file, std::env::var("LOADGATE_TOKEN")) {
            (Some(file), _) => read_token(file)?,
            (None, Ok(token)) if !token.trim().is_empty() => token,
            _ => return Ok(None),
        };
        let mut value = HeaderValue::try_from(format!("Bearer {}", token.trim()))
            .map_err(|_| Failure::usage("error: the token holds what cannot be sent in a header"))?;
        value.set_sensitive(true);
        Ok(Some(value))
    }
}

fn read_token(file: &Path) -> Result<String, Failure> {
    read_text(file, MAX_TOKEN_BYTES).map_err(|error| {
        Failure::usage(format!("error: failed to read the token {}: {error}", file.display()))
    })
}

impl Server {
    pub(in crate::cli) fn new(base: &Url, token: &TokenArgs) -> Result<Self, Failure> {
        let tls = match base.scheme() {
            "https" => {
                let tls = client_config(&TlsOptions::default());
                Some(tls.map_err(|error| Failure::internal("prepare TLS", error))?.http1)
            }
            _ => None,
        };
        Ok(Server { base: base.clone(), authorization: token.authorization()?, tls })
    }

    /// For messages, and for commands that are to be copied.
    pub(in crate::cli) fn shown(&self) -> String {
        shown_url(&self.base).trim_end_matches('/').to_owned()
    }

    /// The answer as it is; `path` begins with `/`.
    pub(in crate::cli) async fn text(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<String, AskError> {
        self.text_with(method, path, &[], body).await
    }

    pub(super) async fn json<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<T, AskError> {
        self.read(&self.text(method, path, body).await?)
    }

    pub(in crate::cli) async fn json_with<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: Option<&Value>,
    ) -> Result<T, AskError> {
        self.read(&self.text_with(method, path, headers, body).await?)
    }

    fn read<T: DeserializeOwned>(&self, text: &str) -> Result<T, AskError> {
        serde_json::from_str(text)
            .map_err(|why| AskError::Strange { server: self.shown(), why: why.to_string() })
    }

    async fn text_with(
        &self,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: Option<&Value>,
    ) -> Result<String, AskError> {
        let asked = async {
            let Answer { response, _connection } = self.ask(method, path, headers, body).await?;
            let bytes = body::read(response.into_body(), false, MAX_ANSWER_BYTES).await;
            let bytes = bytes.map_err(|source| AskError::Broken { server: self.shown(), source })?;
            Ok(String::from_utf8_lossy(&bytes).into_owned())
        };
        match tokio::time::timeout(TIMEOUT, asked).await {
            Ok(answer) => answer,
            Err(_) => Err(AskError::Late { server: self.shown() }),
        }
    }

    /// As soon as the answer's head is there; any but a success is an error.
    pub(super) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&'static str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, AskError> {
        let json = body.map_or_else(Bytes::new, |body| body.to_string().into());
        let prefix = self.base.path().trim_end_matches('/');
        let url = self.base.join(&format!("{prefix}{path}"));
        let url = url.map_err(|why| AskError::Strange { server: self.shown(), why: why.to_string() })?;
        let request = || {
            let mut request = to(&url, method.clone());
            if let Some(authorization) = &self.authorization {
                request = request.header(AUTHORIZATION, authorization);
            }
            if body.is_some() {
                request = request.header(CONTENT_TYPE, "application/json");
            }
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            whole(request, json.clone())
        };
        let (connection, response) =
            exchange(&url, self.tls.as_ref(), None, request).await.map_err(|source| match source {
                ScrapeError::Connect { .. } | ScrapeError::Tls { .. } | ScrapeError::Url(_) => {
                    AskError::Unreachable { server: self.shown(), source }
                }
                source => AskError::Broken { server: self.shown(), source },
            })?;
        if response.status().is_success() {
            return Ok(Answer { response, _connection: connection });
        }
        let status = response.status().as_u16();
        let said = body::read(response.into_body(), false, MAX_ANSWER_BYTES).await.unwrap_or_default();
        Err(AskError::Refused { server: self.shown(), status, message: message(&said) })
    }
}

/// What a refusal says, be it one of ours or of something in between.
fn message(said: &[u8]) -> String {
    let ours = serde_json::from_slice::<Value>(said).ok();
    match ours.as_ref().and_then(|body| body.get("error")?.as_str()) {
        Some(message) => message.to_owned(),
        None => String::from_utf8_lossy(said).trim().chars().take(SHOWN_CHARACTERS).collect(),
    }
}

/// Runs a client's work to its end.
pub(in crate::cli) fn block_on<T>(work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal("start", error))?;
    runtime.block_on(work)
}
