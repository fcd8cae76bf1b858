//! The series of a run: a frame every few seconds, so that an old run can be asked as one that is going on.
//!
//! Each frame is a row, so that a crash costs none; every [`BLOCK_FRAMES`] of them become one block, in which a
//! sample takes a byte or two. Label sets are kept once, by number.

mod codec;
mod names;
mod recorder;
mod replay;
#[cfg(test)]
mod tests;

use std::time::Duration;

use rusqlite::{OptionalExtension as _, Transaction, params};

use super::packed::{pack, unpack};
use super::runs::{Durability, Failure, find_live, lock};
use super::{RunId, Runs, StoreError};
use crate::family::Family;
use crate::promql::{Matcher, Source as _, TimeRange, is_stale};
use crate::tsdb::Store;
use codec::Frame;
use names::{Names, flat};
use recorder::Recorder;
pub(super) use recorder::Recorders;
pub use replay::Replayed;

/// Five minutes of frames five seconds apart.
const BLOCK_FRAMES: usize = 60;
/// A run longer than this is kept in [`WIDE_STEP`]s: from then on at once, what came before when it ends.
const DENSE_MS: i64 = 3_600_000;
/// A run no longer than this has frames [`FINE_STEP`] apart.
const FINE_MS: i64 = 120_000;
const FINE_STEP: Duration = Duration::from_secs(1);
/// How often frames come of a longer one.
const STEP: Duration = Duration::from_secs(5);
/// How often those of a long run.
const WIDE_STEP: Duration = Duration::from_secs(15);
/// Two frames are as far apart if little is missing.
const WIDE_MS: i64 = 15_000 - 500;
/// Of a run; what the embedded store holds at most is of that order.
const MAX_SERIES: usize = 100_000;

/// What became of a frame.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Appended {
    /// 0 if it came too soon after the last to be kept.
    pub samples: usize,
    /// Samples of series beyond the 100,000 that are kept of a run.
    pub left_out: usize,
}

impl Runs {
    /// Adds what `families` show at a moment; meant to be called every 5 s. Frames that are not after the last are
    /// left out, and above an hour those less than 15 s after it.
    ///
    /// # Errors
    /// [`StoreError::Ended`] for a run that has ended.
    pub fn append_frame(&self, id: &RunId, at_ms: i64, families: &[Family]) -> Result<Appended, StoreError> {
        self.record_frame(id, at_ms, &Names::of_families(families), flat(families))
    }

    /// As [`Runs::append_frame`], of what an embedded store holds at the end of `range`: the latest sample in it of each
    /// series that the matchers match (`testid="…"`; none: all) and that has not ended, and what is said of all families.
    pub fn append_snapshot(
        &self,
        id: &RunId,
        range: TimeRange,
        store: &Store,
        matchers: &[Matcher],
    ) -> Result<Appended, StoreError> {
        let latest = store
            .latest(matchers, range)
            .map_err(|error| StoreError::Other { path: self.path.clone(), why: error.to_string() })?;
        let there = latest.into_iter().filter(|sample| !is_stale(sample.point.value));
        let samples = there.map(|sample| (sample.labels, sample.point.value)).collect();
        self.record_frame(id, range.to_ms, &Names::of_store(store), samples)
    }

    fn record_frame(
        &self,
        id: &RunId,
        at_ms: i64,
        names: &Names,
        samples: Vec<(crate::labels::Labels, f64)>,
    ) -> Result<Appended, StoreError> {
        let mut recorders = lock(&self.recorders);
        let (appended, recorder) = self.write(Durability::Soon, |transaction| {
            let number = find_live(transaction, id)?;
            let mut recorder = match recorders.take(id) {
                Some(recorder) => recorder,
                None => Recorder::load(transaction, number)?,
            };
            let appended = recorder.append(transaction, number, at_ms, names, samples)?;
            Ok((appended, recorder))
        })?;
        recorders.keep(id, recorder);
        Ok(appended)
    }

    /// Puts together what was still in single frames, and widens the steps of a long run.
    pub(super) fn seal_series(&self, transaction: &Transaction<'_>, number: i64) -> Result<(), Failure> {
        let span: (Option<i64>, Option<i64>) = transaction
            .prepare_cached("SELECT min(from_ms), max(from_ms) FROM series_block WHERE run = ?1")?
            .query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let (Some(first_ms), Some(last_ms)) = span else { return Ok(()) };
        compact(transaction, number)?;
        if last_ms.saturating_sub(first_ms) > DENSE_MS {
            widen(transaction, number, first_ms.saturating_add(DENSE_MS))?;
        }
        Ok(())
    }

    pub(super) fn forget_recorder(&self, id: &RunId) {
        let _ = lock(&self.recorders).take(id);
    }
}

/// When the run's last frame was. `None` if there is none, or none that can be read.
pub(super) fn last_frame_ms(transaction: &Transaction<'_>, number: i64) -> Result<Option<i64>, Failure> {
    let mut statement = transaction
        .prepare_cached("SELECT data FROM series_block WHERE run = ?1 ORDER BY from_ms DESC LIMIT 1")?;
    let data: Option<Vec<u8>> = statement.query_row([number], |row| row.get(0)).optional()?;
    Ok(data.and_then(|data| unpacked(&data)?.last().map(|frame| frame.at_ms)))
}

/// The single frames at the end become one block. What is damaged stays as it is: that is for those who read it.
fn compact(transaction: &Transaction<'_>, number: i64) -> Result<(), Failure> {
    let mut statement = transaction
        .prepare_cached("SELECT data FROM series_block WHERE run = ?1 AND frames = 1 ORDER BY from_ms")?;
    let single: Vec<Vec<u8>> = statement.query_map([number], |row| row.get(0))?.collect::<Result<_, _>>()?;
    let Some(blocks) = single.iter().map(|data| unpacked(data)).collect::<Option<Vec<_>>>() else {
        return Ok(());
    };
    let frames: Vec<Frame> = blocks.into_iter().flatten().collect();
    if frames.len() < 2 {
        return Ok(());
    }
    transaction
        .prepare_cached("DELETE FROM series_block WHERE run = ?1 AND frames = 1")?
        .execute([number])?;
    insert(transaction, number, &frames)
}

/// Of all blocks that begin before `until_ms`, frames less than [`WIDE_MS`] after the one before go.
fn widen(transaction: &Transaction<'_>, number: i64, until_ms: i64) -> Result<(), Failure> {
    let mut statement = transaction.prepare_cached(
        "SELECT from_ms, data FROM series_block WHERE run = ?1 AND from_ms < ?2 ORDER BY from_ms",
    )?;
    let dense: Vec<(i64, Vec<u8>)> = statement
        .query_map(params![number, until_ms], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    let mut last_ms = i64::MIN;
    let mut frames = Vec::new();
    for (from_ms, data) in dense {
        let Some(block) = unpacked(&data) else { continue };
        for frame in block {
            if frame.at_ms.saturating_sub(last_ms) >= WIDE_MS {
                last_ms = frame.at_ms;
                frames.push(frame);
            }
        }
        transaction
            .prepare_cached("DELETE FROM series_block WHERE run = ?1 AND from_ms = ?2")?
            .execute(params![number, from_ms])?;
        if frames.len() >= BLOCK_FRAMES {
            insert(transaction, number, &std::mem::take(&mut frames))?;
        }
    }
    insert(transaction, number, &frames)
}

fn insert(transaction: &Transaction<'_>, number: i64, frames: &[Frame]) -> Result<(), Failure> {
    let Some(first) = frames.first() else { return Ok(()) };
    transaction
        .prepare_cached("INSERT INTO series_block (run, from_ms, frames, data) VALUES (?1, ?2, ?3, ?4)")?
        .execute(params![number, first.at_ms, frames.len() as i64, pack(&codec::encode(frames))?])?;
    Ok(())
}

fn unpacked(data: &[u8]) -> Option<Vec<Frame>> {
    codec::decode(&unpack(data).ok()?)
}
