//! Why a scrape failed: a reason fit for a label, and a message for people.

use std::io;
use std::time::Duration;

use crate::exposition::{ParseError, ParseErrorKind};

#[derive(Debug, thiserror::Error)]
pub enum ScrapeError {
    #[error("the scrape took longer than its timeout of {after:?}")]
    Timeout { after: Duration },
    #[error("failed to connect to {address}: {source}")]
    Connect { address: String, source: io::Error },
    #[error("failed to agree on TLS with {address}: {source}")]
    Tls { address: String, source: io::Error },
    /// The URL cannot be asked, whatever the target says.
    #[error("the URL cannot be asked: {0}")]
    Url(&'static str),
    /// What came is not HTTP, or its header is beyond our limits.
    #[error("the response is not as HTTP wants it: {0}")]
    Http(String),
    #[error("the connection ended before the response did: {0}")]
    Incomplete(String),
    #[error("answered {status}, a redirect to {location:?}, which is not followed: scrape that URL instead")]
    Redirect { status: u16, location: String },
    #[error("answered {0} instead of 200")]
    Status(u16),
    #[error("the body is longer than {limit} bytes")]
    BodyTooLarge { limit: usize },
    #[error("the body cannot be decompressed: {0}")]
    Encoding(String),
    #[error("too much: {0}")]
    TooManySamples(#[source] ParseError),
    #[error("too much: {0}")]
    LabelLimit(#[source] ParseError),
    #[error("the body is malformed: {0}")]
    Malformed(#[source] ParseError),
}

impl ScrapeError {
    /// All values of [`reason`](Self::reason).
    pub const REASONS: [&'static str; 13] = [
        "timeout",
        "connect",
        "tls",
        "url",
        "http",
        "incomplete",
        "redirect",
        "status",
        "body_too_large",
        "encoding",
        "too_many_samples",
        "label_limit",
        "malformed",
    ];

    /// For a label.
    pub fn reason(&self) -> &'static str {
        match self {
            ScrapeError::Timeout { .. } => "timeout",
            ScrapeError::Connect { .. } => "connect",
            ScrapeError::Tls { .. } => "tls",
            ScrapeError::Url(_) => "url",
            ScrapeError::Http(_) => "http",
            ScrapeError::Incomplete(_) => "incomplete",
            ScrapeError::Redirect { .. } => "redirect",
            ScrapeError::Status(_) => "status",
            ScrapeError::BodyTooLarge { .. } => "body_too_large",
            ScrapeError::Encoding(_) => "encoding",
            ScrapeError::TooManySamples(_) => "too_many_samples",
            ScrapeError::LabelLimit(_) => "label_limit",
            ScrapeError::Malformed(_) => "malformed",
        }
    }

    /// What went wrong after the connection stood.
    pub(super) fn of_http(error: &hyper::Error) -> ScrapeError {
        let mut message = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(error) = cause {
            message = format!("{message}: {error}");
            cause = error.source();
        }
        if error.is_parse() { ScrapeError::Http(message) } else { ScrapeError::Incomplete(message) }
    }
}

impl From<ParseError> for ScrapeError {
    fn from(error: ParseError) -> Self {
        match error.kind {
            ParseErrorKind::BodyTooLarge { limit } => ScrapeError::BodyTooLarge { limit },
            ParseErrorKind::TooManySamples { .. } | ParseErrorKind::TooManyNames { .. } => {
                ScrapeError::TooManySamples(error)
            }
            ParseErrorKind::TooManyLabels { .. } | ParseErrorKind::LabelTooLong { .. } => {
                ScrapeError::LabelLimit(error)
            }
            _ => ScrapeError::Malformed(error),
        }
    }
}
