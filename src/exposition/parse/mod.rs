//! Bytes from a target to families: hostile input costs an error, never a panic, and time and memory
//! in proportion to its length.
//!
//! What is accepted follows Prometheus 3's `model/textparse` (`promlex.l`, `openmetricslex.l`), with one
//! exception: a NUL byte is an error here, where Prometheus takes it for the end.

mod assemble;
mod cursor;
mod error;
mod lines;

pub use error::{ParseError, ParseErrorKind};

use super::Format;
use crate::family::Family;

/// What a target may send in one scrape. Beyond a limit the whole scrape is an error, as in Prometheus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Of the body, after decompression (default 10 MiB).
    pub max_body_bytes: usize,
    /// Lines with a value, and likewise names with metadata (default 50,000).
    pub max_samples: usize,
    /// Of one series, as written (default 30).
    pub max_labels: usize,
    /// Of one label's value, and likewise of any name (default 1 KiB).
    pub max_label_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits { max_body_bytes: 10 << 20, max_samples: 50_000, max_labels: 30, max_label_bytes: 1024 }
    }
}

/// What a body said.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Parsed {
    /// In the order of their first samples; a family without samples is left out.
    pub families: Vec<Family>,
    /// Lines with a value, duplicates included.
    pub samples: usize,
    /// Samples whose series had come before in this body. The first is kept, as in Prometheus.
    pub duplicates: usize,
}

/// Reads a whole body.
///
/// Timestamps, exemplars and units are checked and dropped. Histograms and summaries are assembled; where
/// a part is missing or contradicts another, the samples are kept as they are, each name a family of
/// unknown kind. `le` and `quantile` of what is declared a histogram or summary are brought to float form.
///
/// # Errors
/// The first thing that is not in order, and where.
pub fn parse(body: &[u8], format: Format, limits: &Limits) -> Result<Parsed, ParseError> {
    lines::read(body, format, limits)
        .map(|lines| assemble::families(lines, format))
        .map_err(|fault| fault.in_body(body))
}

#[cfg(test)]
mod tests;
