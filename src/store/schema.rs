//! The tables, and how files of older versions become the present one. A version is never changed, only followed.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// "lgat": what says that a database is ours (`PRAGMA application_id`).
const APPLICATION_ID: i64 = 0x6c67_6174;

/// The way from each version to the next, from an empty file on; their number is the version that is written
/// (`PRAGMA user_version`).
const STEPS: [&str; 1] = [include_str!("schema/v1.sql")];

pub(super) const VERSION: i64 = STEPS.len() as i64;

/// Makes the tables, or brings them up to date: the whole way, or none of it.
pub(super) fn prepare(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let sqlite = |error| StoreError::of(path, &error);
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(sqlite)?;
    let number = |pragma| transaction.pragma_query_value(None, pragma, |row| row.get::<_, i64>(0));
    let found = number("user_version").map_err(sqlite)?;
    let application = number("application_id").map_err(sqlite)?;
    let objects: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0)).map_err(sqlite)?;
    let is_empty = objects == 0 && application == 0 && found == 0;
    if !is_empty && application != APPLICATION_ID {
        return Err(StoreError::Foreign { path: path.to_owned() });
    }
    if found > VERSION {
        return Err(StoreError::Newer { path: path.to_owned(), found, known: VERSION });
    }
    let Some(steps) = usize::try_from(found).ok().and_then(|done| STEPS.get(done..)) else {
        return Err(StoreError::Corrupt { path: path.to_owned(), what: format!("format {found}") });
    };
    if steps.is_empty() {
        return Ok(());
    }
    for step in steps {
        transaction.execute_batch(step).map_err(sqlite)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID).map_err(sqlite)?;
    transaction.pragma_update(None, "user_version", VERSION).map_err(sqlite)?;
    transaction.commit().map_err(sqlite)
}
