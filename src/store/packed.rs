//! How texts and blobs lie in columns: zstd with a checksum, so that what was damaged is not taken for data.

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde_json::Value as Json;
use std::io::{self, Read as _};

use super::{RunId, RunState, StoreError, Trigger};

/// More than anything kept in one piece has.
const MAX_BYTES: u64 = 256 << 20;

pub(super) fn pack(plain: &[u8]) -> Result<Vec<u8>, StoreError> {
    let compress = || {
        let mut encoder = zstd::Encoder::new(Vec::new(), zstd::DEFAULT_COMPRESSION_LEVEL)?;
        encoder.include_checksum(true)?;
        io::Write::write_all(&mut encoder, plain)?;
        encoder.finish()
    };
    compress().map_err(|error| StoreError::Other { path: "zstd".into(), why: error.to_string() })
}

pub(super) fn unpack(packed: &[u8]) -> io::Result<Vec<u8>> {
    let mut plain = Vec::new();
    zstd::Decoder::with_buffer(packed)?.take(MAX_BYTES).read_to_end(&mut plain)?;
    Ok(plain)
}

impl ToSql for RunState {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.label().into())
    }
}

impl FromSql for RunState {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        RunState::from_label(value.as_str()?).ok_or(FromSqlError::InvalidType)
    }
}

/// JSON in a column of text.
pub(super) struct Text(pub(super) Json);

impl FromSql for Text {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        serde_json::from_str(value.as_str()?).map(Text).map_err(FromSqlError::other)
    }
}

/// JSON in a column of packed bytes.
pub(super) struct Packed(pub(super) Json);

impl FromSql for Packed {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let plain = unpack(value.as_blob()?).map_err(FromSqlError::other)?;
        serde_json::from_slice(&plain).map(Packed).map_err(FromSqlError::other)
    }
}

/// As its two columns.
pub(super) fn trigger_columns(trigger: &Trigger) -> (&'static str, Option<&str>) {
    match trigger {
        Trigger::Api => ("api", None),
        Trigger::Schedule(name) => ("schedule", Some(name)),
        Trigger::Rerun(of) => ("rerun", Some(&of.0)),
    }
}

pub(super) fn trigger_of(kind: &str, of: Option<String>) -> Option<Trigger> {
    match (kind, of) {
        ("api", None) => Some(Trigger::Api),
        ("schedule", Some(name)) => Some(Trigger::Schedule(name)),
        ("rerun", Some(of)) => Some(Trigger::Rerun(RunId(of))),
        _ => None,
    }
}
