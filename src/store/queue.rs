//! The runs that wait, and what is remembered between two lives of the daemon.

use rusqlite::{OptionalExtension as _, params};

use super::history::record;
use super::runs::Durability;
use super::{Accepted, Idempotency, RunRecord, RunState, Runs, StoreError};

impl Runs {
    /// The run that has waited longest.
    pub fn next_queued(&self) -> Result<Option<RunRecord>, StoreError> {
        self.read(|connection| {
            let number: Option<i64> = connection
                .prepare_cached("SELECT number FROM run WHERE state = 'queued' ORDER BY number LIMIT 1")?
                .query_row([], |row| row.get(0))
                .optional()?;
            number.map(|number| record(connection, number)).transpose()
        })
    }

    /// How many runs are in this state.
    pub fn count(&self, state: RunState) -> Result<usize, StoreError> {
        self.read(|connection| {
            let count: i64 = connection
                .prepare_cached("SELECT count(*) FROM run WHERE state = ?1")?
                .query_row([state], |row| row.get(0))?;
            Ok(usize::try_from(count).unwrap_or(0))
        })
    }

    /// What a repeated request has led to; `None`: its key is new.
    pub fn submitted(&self, idempotency: Idempotency<'_>) -> Result<Option<Accepted>, StoreError> {
        self.read(|connection| self.known(connection, idempotency))
    }

    /// Kept until it is told anew: when a schedule was due last.
    pub fn remember(&self, key: &str, value: &str) -> Result<(), StoreError> {
        self.write(Durability::Now, |transaction| {
            transaction
                .prepare_cached(
                    "INSERT INTO memory (key, value) VALUES (?1, ?2)
                     ON CONFLICT (key) DO UPDATE SET value = excluded.value",
                )?
                .execute(params![key, value])?;
            Ok(())
        })
    }

    pub fn remembered(&self, key: &str) -> Result<Option<String>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached("SELECT value FROM memory WHERE key = ?1")?;
            Ok(statement.query_row([key], |row| row.get(0)).optional()?)
        })
    }
}
