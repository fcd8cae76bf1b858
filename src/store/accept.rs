//! A run is accepted: from then on it is never lost, and never there twice.

use rusqlite::{Connection, OptionalExtension as _, Transaction, params};
use serde_json::json;

use super::history::record;
use super::packed::{pack, trigger_columns, unpack};
use super::runs::{Durability, Failure, find};
use super::{Accepted, Idempotency, Meta, RunId, RunState, Runs, StoreError, Submission, events, sealed};

impl Runs {
    /// When it returns, the run is on the disk, queued, and its event `state` with it. What it was submitted with is
    /// sealed.
    ///
    /// # Errors
    /// [`StoreError::Exists`] for an id that is taken, [`StoreError::TooLarge`], or what the disk says.
    pub fn accept(
        &self,
        submission: &Submission,
        meta: &Meta,
        idempotency: Option<Idempotency<'_>>,
        id: &RunId,
        at_ms: i64,
    ) -> Result<Accepted, StoreError> {
        let packed = pack(&sealed::to_bytes(submission)?)?;
        let sealed = self
            .seal
            .seal(&id.0, &packed)
            .map_err(|why| StoreError::Other { path: self.path.clone(), why })?;
        self.write(Durability::Now, |transaction| {
            if let Some(idempotency) = idempotency
                && let Some(known) = self.known(transaction, idempotency)?
            {
                return Ok(known);
            }
            let number = insert(transaction, meta, id, at_ms, &sealed)?;
            if let Some(Idempotency { key, digest }) = idempotency {
                transaction.execute(
                    "INSERT INTO idempotency (key, digest, run) VALUES (?1, ?2, ?3)",
                    params![key, self.seal.digest(digest), number],
                )?;
            }
            events::append(transaction, number, "state", &json!({"state": "queued"}), at_ms)?;
            Ok(Accepted::Created(record(transaction, number)?))
        })
    }

    pub(super) fn known(
        &self,
        connection: &Connection,
        idempotency: Idempotency<'_>,
    ) -> Result<Option<Accepted>, Failure> {
        let mut statement =
            connection.prepare_cached("SELECT run, digest FROM idempotency WHERE key = ?1")?;
        let found = statement
            .query_row([idempotency.key], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, Vec<u8>>(1)?)))
            .optional()?;
        let Some((number, digest)) = found else { return Ok(None) };
        let run = record(connection, number)?;
        let is_same = digest == self.seal.digest(idempotency.digest);
        Ok(Some(if is_same { Accepted::Known(run) } else { Accepted::KeyConflict(run) }))
    }

    /// What a run was submitted with.
    ///
    /// # Errors
    /// [`StoreError::Sealed`] if the key that sealed it is gone: the rest of the run is still to be read.
    pub fn submission(&self, id: &RunId) -> Result<Submission, StoreError> {
        let sealed: Vec<u8> = self.read(|connection| {
            let (number, _) = find(connection, id)?;
            let mut statement = connection.prepare_cached("SELECT submission FROM run WHERE number = ?1")?;
            Ok(statement.query_row([number], |row| row.get(0))?)
        })?;
        let closed = |why| StoreError::Sealed { run: id.clone(), why };
        let packed = self.seal.open_sealed(&id.0, &sealed).map_err(closed)?;
        let plain = unpack(&packed).map_err(|error| closed(error.to_string()))?;
        sealed::from_bytes(&plain).ok_or_else(|| closed("it is damaged".to_owned()))
    }
}

fn insert(
    transaction: &Transaction<'_>,
    meta: &Meta,
    id: &RunId,
    at_ms: i64,
    sealed: &[u8],
) -> Result<i64, Failure> {
    let taken: bool = transaction
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM run WHERE id = ?1)")?
        .query_row([&id.0], |row| row.get(0))?;
    if taken {
        return Err(StoreError::Exists(id.clone()).into());
    }
    let (trigger, trigger_of) = trigger_columns(&meta.trigger);
    transaction
        .prepare_cached(
            "INSERT INTO run (id, test, plan, profile, tags, trigger, trigger_of, state, submitted_ms, submission)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        )?
        .execute(params![
            id.0,
            meta.test,
            meta.plan,
            meta.profile,
            json!(meta.tags).to_string(),
            trigger,
            trigger_of,
            RunState::Queued,
            at_ms,
            sealed,
        ])?;
    Ok(transaction.last_insert_rowid())
}
