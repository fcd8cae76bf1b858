//! Metric families as what Prometheus scrapes, text or protobuf, and its text as families. No IO.

mod negotiate;
mod openmetrics;
mod parse;
mod protobuf;
mod text;
mod write;

pub use negotiate::{Format, MediaType, negotiate};
pub use parse::{Limits, ParseError, ParseErrorKind, Parsed, parse};

use crate::family::Family;

/// The exposition of `families` as a whole body of this media type. All types say the same numbers; only
/// protobuf carries a histogram's native buckets.
pub fn body(families: &[Family], media_type: MediaType) -> Vec<u8> {
    body_by_family(families, media_type, || ())
}

/// The same; `written` is called after each family, for a thread that lets others run in between.
pub fn body_by_family(families: &[Family], media_type: MediaType, written: impl FnMut()) -> Vec<u8> {
    match media_type {
        MediaType::Text(format) => {
            let mut out = String::new();
            encode_by_family(families, format, &mut out, written);
            out.into_bytes()
        }
        MediaType::Protobuf => protobuf::encode(families, written),
    }
}

/// Appends the exposition of `families` to `out`.
///
/// Each family has its `# HELP` and `# TYPE`, its series stand together, and `le` and `quantile`
/// are in float form (`10.0`) in every format. Names should differ: a family whose name comes a
/// second time is written a second time.
pub fn encode(families: &[Family], format: Format, out: &mut String) {
    encode_by_family(families, format, out, || ());
}

fn encode_by_family(families: &[Family], format: Format, out: &mut String, written: impl FnMut()) {
    match format {
        Format::Text => text::encode(families, out, written),
        Format::OpenMetrics => openmetrics::encode(families, out, written),
    }
}

/// `[a-zA-Z_:][a-zA-Z0-9_:]*`: a metric name that needs no quotes.
pub(crate) fn is_plain_metric_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes.next().is_some_and(is_metric_name_start) && bytes.all(is_metric_name_byte)
}

/// `[a-zA-Z_][a-zA-Z0-9_]*`: a label name that needs no quotes.
pub(crate) fn is_plain_label_name(name: &str) -> bool {
    is_plain_metric_name(name) && !name.contains(':')
}

pub(crate) fn is_metric_name_start(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte == b':'
}

pub(crate) fn is_metric_name_byte(byte: u8) -> bool {
    is_metric_name_start(byte) || byte.is_ascii_digit()
}
