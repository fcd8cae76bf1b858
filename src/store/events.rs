//! What happened to a run, numbered, so that who was cut off can go on where it was.

use rusqlite::{Connection, params};
use serde_json::Value as Json;

use super::packed::Text;
use super::runs::{Durability, Failure, find};
use super::{RunId, Runs, StoreError, StoredEvent};

/// How many of a kind are kept of a run.
fn kept(kind: &str) -> i64 {
    match kind {
        // The newest says all that the older ones did; a page that was away draws its charts from series.
        "progress" => 600,
        // The log itself is kept elsewhere, whole.
        "log" => 10_000,
        // There are few of them, unless somebody pauses and resumes for fun.
        _ => 50_000,
    }
}

/// So many events are added before it is looked whether there are too many.
const LOOK_EVERY: i64 = 64;

impl Runs {
    /// Answers the event's number: 1, 2, 3, … for each run.
    ///
    /// Of `progress` events only the last 600 of a run are kept, of `log` events the last 10,000; all others stay. A
    /// number is never given twice, so who comes back later sees that numbers are left out, and knows by that which
    /// events it will not get any more; `state` and `finished` are never among them.
    pub fn append_event(&self, id: &RunId, kind: &str, data: &Json, at_ms: i64) -> Result<u64, StoreError> {
        self.write(Durability::Soon, |transaction| {
            let (number, _) = find(transaction, id)?;
            append(transaction, number, kind, data, at_ms)
        })
    }

    /// Those after the number `after` (0: from the first), at most `limit`, in their order.
    pub fn events(&self, id: &RunId, after: u64, limit: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let (after, limit) =
            (i64::try_from(after).unwrap_or(i64::MAX), i64::try_from(limit).unwrap_or(i64::MAX));
        self.read(|connection| {
            let (number, _) = find(connection, id)?;
            let mut statement = connection.prepare_cached(
                "SELECT seq, at_ms, kind, data FROM event WHERE run = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
            )?;
            let rows = statement.query_map(params![number, after, limit], |row| {
                let Text(data) = row.get(3)?;
                Ok(StoredEvent {
                    seq: row.get::<_, i64>(0)?.cast_unsigned(),
                    at_ms: row.get(1)?,
                    kind: row.get(2)?,
                    data,
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Within a transaction.
pub(super) fn append(
    transaction: &Connection,
    number: i64,
    kind: &str,
    data: &Json,
    at_ms: i64,
) -> Result<u64, Failure> {
    let seq: i64 = transaction
        .prepare_cached(
            "INSERT INTO event (run, seq, at_ms, kind, data)
             VALUES (?1, (SELECT coalesce(max(seq), 0) + 1 FROM event WHERE run = ?1), ?2, ?3, ?4)
             RETURNING seq",
        )?
        .query_row(params![number, at_ms, kind, data.to_string()], |row| row.get(0))?;
    if seq % LOOK_EVERY == 0 {
        transaction
            .prepare_cached(
                "DELETE FROM event WHERE run = ?1 AND kind = ?2 AND seq <=
                   (SELECT seq FROM event WHERE run = ?1 AND kind = ?2 ORDER BY seq DESC LIMIT 1 OFFSET ?3)",
            )?
            .execute(params![number, kind, kept(kind)])?;
    }
    Ok(seq.cast_unsigned())
}
