//! What has to be known to add the next frame of a run.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};

use super::codec::Frame;
use super::names::{Names, labels_from_json, labels_to_json};
use super::{Appended, BLOCK_FRAMES, DENSE_MS, MAX_SERIES, WIDE_MS, compact, insert};
use crate::labels::Labels;
use crate::store::RunId;
use crate::store::packed::{Packed, pack};
use crate::store::runs::Failure;

/// Of the runs that are going on. One that is not there is read from the disk.
#[derive(Debug, Default)]
pub(in crate::store) struct Recorders(HashMap<RunId, Recorder>);

impl Recorders {
    /// For a transaction: only once that is through is what it has become kept.
    pub(super) fn take(&mut self, id: &RunId) -> Option<Recorder> {
        self.0.remove(id)
    }

    pub(super) fn keep(&mut self, id: &RunId, recorder: Recorder) {
        self.0.insert(id.clone(), recorder);
    }
}

#[derive(Debug, Default)]
pub(super) struct Recorder {
    /// Numbers of series.
    known: HashMap<Labels, u32>,
    names: Names,
    first_ms: Option<i64>,
    last_ms: Option<i64>,
    /// Frames in rows of their own.
    single: usize,
}

impl Recorder {
    pub(super) fn load(connection: &Connection, number: i64) -> Result<Self, Failure> {
        let labels = labels(connection, number)?;
        let known = (0..).zip(labels).map(|(series, labels)| (labels, series)).collect();
        let (first_ms, last_ms, single): (_, _, i64) = connection
            .prepare_cached(
                "SELECT min(from_ms), max(from_ms), count(*) FILTER (WHERE frames = 1)
                 FROM series_block WHERE run = ?1",
            )?
            .query_row([number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
        let single = usize::try_from(single).unwrap_or_default();
        Ok(Recorder { known, names: names(connection, number)?, first_ms, last_ms, single })
    }

    pub(super) fn append(
        &mut self,
        transaction: &Transaction<'_>,
        number: i64,
        at_ms: i64,
        names: &Names,
        samples: Vec<(Labels, f64)>,
    ) -> Result<Appended, Failure> {
        if !self.is_due(at_ms) {
            return Ok(Appended::default());
        }
        let mut appended = Appended::default();
        let mut frame = Frame { at_ms, samples: Vec::with_capacity(samples.len()) };
        let mut new = Vec::new();
        for (labels, value) in samples {
            let next = self.known.len();
            let series = match self.known.get(&labels) {
                Some(series) => *series,
                None if next >= MAX_SERIES => {
                    appended.left_out += 1;
                    continue;
                }
                None => {
                    let series = next as u32;
                    new.push(labels.clone());
                    self.known.insert(labels, series);
                    series
                }
            };
            frame.samples.push((series, value));
        }
        // Of two samples of one series the first counts.
        frame.samples.sort_by_key(|(series, _)| *series);
        frame.samples.dedup_by_key(|(series, _)| *series);
        appended.samples = frame.samples.len();
        if !new.is_empty() {
            let first = (self.known.len() - new.len()) as i64;
            transaction
                .prepare_cached("INSERT INTO series_label (run, first, data) VALUES (?1, ?2, ?3)")?
                .execute(params![number, first, pack(labels_to_json(&new).to_string().as_bytes())?])?;
        }
        if self.names.learn(names) {
            transaction
                .prepare_cached("INSERT OR REPLACE INTO series_family (run, data) VALUES (?1, ?2)")?
                .execute(params![number, pack(self.names.to_json().to_string().as_bytes())?])?;
        }
        insert(transaction, number, &[frame])?;
        self.first_ms.get_or_insert(at_ms);
        self.last_ms = Some(at_ms);
        self.single += 1;
        if self.single >= BLOCK_FRAMES {
            compact(transaction, number)?;
            self.single = 0;
        }
        Ok(appended)
    }

    fn is_due(&self, at_ms: i64) -> bool {
        let (Some(first_ms), Some(last_ms)) = (self.first_ms, self.last_ms) else { return true };
        let is_long = at_ms.saturating_sub(first_ms) > DENSE_MS;
        at_ms.saturating_sub(last_ms) >= if is_long { WIDE_MS } else { 1 }
    }
}

/// By their numbers.
pub(super) fn labels(connection: &Connection, number: i64) -> Result<Vec<Labels>, Failure> {
    let mut statement =
        connection.prepare_cached("SELECT data FROM series_label WHERE run = ?1 ORDER BY first")?;
    let pieces = statement.query_map([number], |row| {
        let Packed(json) = row.get(0)?;
        labels_from_json(&json).ok_or(rusqlite::Error::FromSqlConversionFailure(
            0,
            rusqlite::types::Type::Blob,
            "no label sets".into(),
        ))
    })?;
    Ok(pieces.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
}

pub(super) fn names(connection: &Connection, number: i64) -> Result<Names, Failure> {
    let mut statement = connection.prepare_cached("SELECT data FROM series_family WHERE run = ?1")?;
    let found = statement.query_row([number], |row| row.get(0)).optional()?;
    Ok(found.and_then(|Packed(json)| Names::from_json(&json)).unwrap_or_default())
}
