//! The series of an old run, back in an embedded store: asked there as if the run had just ended.

use std::collections::HashSet;
use std::time::Duration;

use rusqlite::{OptionalExtension as _, params};

use super::{DENSE_MS, FINE_MS, FINE_STEP, STEP, WIDE_STEP, recorder, unpacked};
use crate::promql::{Point, STALE};
use crate::store::runs::find;
use crate::store::{RunId, Runs, StoreError};
use crate::tsdb::{Origin, Store};

/// What was brought back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Replayed {
    pub samples: usize,
    pub frames: usize,
    /// Samples for which the store had no room.
    pub refused: usize,
    /// The first and the last moment of which there is anything.
    pub range_ms: Option<(i64, i64)>,
}

impl Replayed {
    /// Between two samples of a series, at most.
    pub fn interval(&self) -> Duration {
        let span_ms = self.range_ms.map_or(0, |(from_ms, to_ms)| to_ms.saturating_sub(from_ms));
        let gaps = i64::try_from(self.frames.saturating_sub(1).max(1)).unwrap_or(i64::MAX);
        match span_ms {
            DENSE_MS.. => WIDE_STEP,
            FINE_MS.. => STEP,
            // Some were missed: the disk was too slow.
            _ if span_ms / gaps > 1_500 => STEP,
            _ => FINE_STEP,
        }
    }
}

impl Runs {
    /// Appends all that was kept of a run's series to `store`, in the order of time, with staleness where a series ended
    /// and after the last frame. Reads one block at a time. What is said of families comes under the origin `run/ID`.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] at a damaged block; what came before it is in the store then.
    pub fn replay(&self, id: &RunId, store: &Store) -> Result<Replayed, StoreError> {
        let (number, labels, names) = self.read(|connection| {
            let (number, _) = find(connection, id)?;
            Ok((number, recorder::labels(connection, number)?, recorder::names(connection, number)?))
        })?;
        let mut replayed = Replayed::default();
        let mut shown: HashSet<u32> = HashSet::new();
        let mut last_ms = i64::MIN;
        let mut append = |series: u32, at_ms: i64, value: f64| {
            let Some(labels) = labels.get(series as usize) else { return false };
            let intake = store.append(labels, Point { at_ms, value });
            replayed.samples += intake.samples;
            replayed.refused += intake.refused_series;
            true
        };
        let (mut first_ms, mut frames_read) = (None, 0);
        while let Some((from_ms, data)) = self.block_after(number, last_ms)? {
            let damaged = || self.corrupt(format!("the series of {id} from {from_ms} on"));
            let frames = unpacked(&data).filter(|frames| !frames.is_empty()).ok_or_else(damaged)?;
            for frame in frames {
                let there: HashSet<u32> = frame.samples.iter().map(|(series, _)| *series).collect();
                for gone in shown.difference(&there) {
                    append(*gone, frame.at_ms, STALE);
                }
                for (series, value) in frame.samples {
                    if !append(series, frame.at_ms, value) {
                        return Err(damaged());
                    }
                }
                shown = there;
                frames_read += 1;
                first_ms.get_or_insert(frame.at_ms);
                last_ms = last_ms.max(frame.at_ms);
            }
        }
        let Some(first_ms) = first_ms else { return Ok(replayed) };
        for gone in shown {
            append(gone, last_ms.saturating_add(1), STALE);
        }
        store.scrape(&Origin(format!("run/{id}")), last_ms, &names.families());
        replayed.frames = frames_read;
        replayed.range_ms = Some((first_ms, last_ms));
        Ok(replayed)
    }

    fn block_after(&self, number: i64, after_ms: i64) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT from_ms, data FROM series_block WHERE run = ?1 AND from_ms > ?2 ORDER BY from_ms LIMIT 1",
            )?;
            let row = statement.query_row(params![number, after_ms], |row| Ok((row.get(0)?, row.get(1)?)));
            Ok(row.optional()?)
        })
    }
}
