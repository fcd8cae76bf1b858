//! What is known of runs.

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use serde_json::{Value as Json, json};

use super::packed::{Packed, Text, trigger_of};
use super::runs::Failure;
use super::{Filter, LastOfTest, RunId, RunRecord, RunState, Runs, StoreError, StoreError::NoSuchRun};

/// All of a record but the summary, which is long.
const COLUMNS: &str = "id, test, plan, profile, tags, trigger, trigger_of, state, submitted_ms, started_ms, \
                       ended_ms, verdict, exit_code, ended_by";

impl Runs {
    /// With its summary.
    pub fn record(&self, id: &RunId) -> Result<Option<RunRecord>, StoreError> {
        let found = self.read(|connection| {
            let (number, _) = super::runs::find(connection, id)?;
            record(connection, number)
        });
        match found {
            Ok(record) => Ok(Some(record)),
            Err(NoSuchRun(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The newest first (by id), without summaries.
    pub fn list(&self, filter: &Filter) -> Result<Vec<RunRecord>, StoreError> {
        let labels: Vec<&str> = filter.states.iter().map(|state| state.label()).collect();
        let states = (!labels.is_empty()).then(|| json!(labels).to_string());
        let before = filter.before.as_ref().map(|id| &*id.0);
        let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM run
                 WHERE (?1 IS NULL OR state IN (SELECT value FROM json_each(?1)))
                   AND (?2 IS NULL OR test = ?2) AND (?3 IS NULL OR id < ?3)
                 ORDER BY id DESC LIMIT ?4"
            ))?;
            let rows = statement.query_map(params![states, filter.test, before, limit], from_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// All that have not ended, in the order in which they were accepted; without summaries.
    pub fn unfinished(&self) -> Result<Vec<RunRecord>, StoreError> {
        self.read(|connection| {
            let mut statement = connection.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM run WHERE state NOT IN ('finished', 'interrupted') ORDER BY number"
            ))?;
            let rows = statement.query_map([], from_row)?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// What is known of each test, by its name; kept when its runs are deleted.
    pub fn last_by_test(&self) -> Result<Vec<LastOfTest>, StoreError> {
        self.read(|connection| {
            let mut statement = connection
                .prepare_cached("SELECT name, last_verdict, last_success_ms FROM test ORDER BY name")?;
            let rows = statement.query_map([], |row| {
                Ok(LastOfTest { test: row.get(0)?, verdict: row.get(1)?, last_success_ms: row.get(2)? })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// With its summary.
pub(super) fn record(connection: &Connection, number: i64) -> Result<RunRecord, Failure> {
    let mut statement = connection.prepare_cached(&format!("SELECT {COLUMNS} FROM run WHERE number = ?1"))?;
    let record = statement.query_row([number], from_row)?;
    let mut statement = connection.prepare_cached("SELECT data FROM summary WHERE run = ?1")?;
    let summary = statement.query_row([number], |row| row.get(0).map(|Packed(json)| json)).optional()?;
    Ok(RunRecord { summary, ..record })
}

fn from_row(row: &Row<'_>) -> rusqlite::Result<RunRecord> {
    let wrong = |column, what: &str| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, what.into())
    };
    let Text(tags) = row.get(4)?;
    let trigger: String = row.get(5)?;
    let state: RunState = row.get(7)?;
    Ok(RunRecord {
        id: RunId(row.get(0)?),
        test: row.get(1)?,
        plan: row.get(2)?,
        profile: row.get(3)?,
        tags: tags_of(&tags).ok_or_else(|| wrong(4, "tags are pairs"))?,
        trigger: trigger_of(&trigger, row.get(6)?).ok_or_else(|| wrong(5, "no trigger"))?,
        state,
        submitted_ms: row.get(8)?,
        started_ms: row.get(9)?,
        ended_ms: row.get(10)?,
        verdict: row.get(11)?,
        exit_code: row.get(12)?,
        ended_by: row.get(13)?,
        summary: None,
    })
}

fn tags_of(json: &Json) -> Option<Vec<(String, String)>> {
    let pair = |pair: &Json| Some((pair.get(0)?.as_str()?.to_owned(), pair.get(1)?.as_str()?.to_owned()));
    json.as_array()?.iter().map(pair).collect()
}
