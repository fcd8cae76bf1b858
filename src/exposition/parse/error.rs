//! What is wrong with a body, and where.

use std::fmt;

/// The first fault of a body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: {kind}")]
pub struct ParseError {
    /// From 1.
    pub line: usize,
    /// In characters, from 1.
    pub column: usize,
    pub kind: ParseErrorKind,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ParseErrorKind {
    #[error("the body is longer than {limit} bytes")]
    BodyTooLarge { limit: usize },
    #[error("more than {limit} samples")]
    TooManySamples { limit: usize },
    #[error("metadata for more than {limit} names")]
    TooManyNames { limit: usize },
    #[error("a series with more than {limit} labels")]
    TooManyLabels { limit: usize },
    #[error("a name or label value longer than {limit} bytes")]
    LabelTooLong { limit: usize },
    #[error("not UTF-8")]
    NotUtf8,
    #[error("expected {expected}, found {found}")]
    Unexpected { expected: &'static str, found: Found },
    #[error("the string does not end")]
    UnterminatedString,
    #[error("the sample has no metric name")]
    NoMetricName,
    #[error("the metric name is given twice")]
    SecondMetricName,
    #[error("the metric name is empty")]
    EmptyMetricName,
    #[error("label {0:?} is given twice")]
    DuplicateLabel(String),
    #[error("unknown metric type {0:?}")]
    UnknownType(String),
    #[error("unit {unit:?} is not the ending of metric name {name:?}")]
    UnitNotInName { unit: String, name: String },
    #[error("{0:?} is not a number")]
    NotANumber(String),
    #[error("{0:?} is beyond the range of a 64-bit float")]
    OutOfRange(String),
    #[error("{0:?} is not a timestamp")]
    NotATimestamp(String),
    #[error("the line ends in a carriage return; lines end in a line feed alone")]
    CarriageReturn,
    #[error("the body does not end in # EOF")]
    NoEof,
    #[error("there is more after # EOF")]
    AfterEof,
}

/// What stood where something else was expected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Found {
    End,
    Byte(u8),
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Found::End => f.write_str("the end"),
            Found::Byte(b'\n') => f.write_str("the end of the line"),
            Found::Byte(b' ') => f.write_str("a space"),
            Found::Byte(byte) if byte.is_ascii() => write!(f, "{:?}", char::from(*byte)),
            Found::Byte(byte) => write!(f, "byte 0x{byte:02x}"),
        }
    }
}

/// A fault at a byte of the body; line and column are counted only when there is one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub at: usize,
    pub kind: ParseErrorKind,
}

impl Fault {
    pub(super) fn new(at: usize, kind: ParseErrorKind) -> Self {
        Fault { at, kind }
    }

    pub(super) fn in_body(self, body: &[u8]) -> ParseError {
        let before = body.get(..self.at).unwrap_or(body);
        let line_start = before.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
        let is_character_start = |byte: &&u8| (**byte & 0b1100_0000) != 0b1000_0000;
        ParseError {
            line: before.iter().filter(|byte| **byte == b'\n').count() + 1,
            column: before.get(line_start..).unwrap_or_default().iter().filter(is_character_start).count()
                + 1,
            kind: self.kind,
        }
    }
}

/// At most 40 characters of what a target sent, for a message.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    let short = bytes.get(..160).unwrap_or(bytes);
    let text = String::from_utf8_lossy(short);
    if short.len() == bytes.len() && text.chars().count() <= 40 {
        return text.into_owned();
    }
    text.chars().take(40).chain(['…']).collect()
}
