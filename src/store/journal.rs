//! What was begun outside of this program and must be ended, also by the next process: hooks, faults.

use rusqlite::params;
use serde_json::Value as Json;

use super::runs::{Durability, find};
use super::{JournalEntry, RunId, Runs, StoreError};

impl Runs {
    /// On the disk before it returns, so that what is begun after it is known whatever happens. `begun` is sealed: to
    /// undo something may take what is secret. `false` if there is such an entry already, open or ended: then nothing
    /// is to be begun.
    pub fn journal_begin(&self, id: &RunId, key: &str, begun: &Json) -> Result<bool, StoreError> {
        let sealed = self.sealed_entry(id, key, begun)?;
        self.write(Durability::Now, |transaction| {
            let (number, _) = find(transaction, id)?;
            let added = transaction
                .prepare_cached(
                    "INSERT INTO journal (run, number, key, begun)
                     VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM journal WHERE run = ?1), ?2, ?3)
                     ON CONFLICT (run, key) DO NOTHING",
                )?
                .execute(params![number, key, sealed])?;
            Ok(added == 1)
        })
    }

    /// It was ended, with this outcome. `false` if no such entry is open.
    pub fn journal_end(&self, id: &RunId, key: &str, ended: &Json) -> Result<bool, StoreError> {
        let sealed = self.sealed_entry(id, key, ended)?;
        self.write(Durability::Now, |transaction| {
            let (number, _) = find(transaction, id)?;
            let ended = transaction
                .prepare_cached(
                    "UPDATE journal SET ended = ?3 WHERE run = ?1 AND key = ?2 AND ended IS NULL",
                )?
                .execute(params![number, key, sealed])?;
            Ok(ended == 1)
        })
    }

    /// All that was begun, in the order in which it was, and what became of it.
    ///
    /// # Errors
    /// [`StoreError::Sealed`] if the key is gone.
    pub fn journal(&self, id: &RunId) -> Result<Vec<JournalEntry>, StoreError> {
        let entries: Vec<(String, Vec<u8>, Option<Vec<u8>>)> = self.read(|connection| {
            let (number, _) = find(connection, id)?;
            let mut statement = connection
                .prepare_cached("SELECT key, begun, ended FROM journal WHERE run = ?1 ORDER BY number")?;
            let rows = statement.query_map([number], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        let closed = |why| StoreError::Sealed { run: id.clone(), why };
        let open = |key: &str, sealed: &[u8]| -> Result<Json, StoreError> {
            let plain = self.seal.open_sealed(&place(id, key), sealed).map_err(closed)?;
            serde_json::from_slice(&plain).map_err(|error| closed(error.to_string()))
        };
        let entry = |(key, begun, ended): (String, Vec<u8>, Option<Vec<u8>>)| {
            let ended = ended.map(|ended| open(&key, &ended)).transpose()?;
            Ok(JournalEntry { begun: open(&key, &begun)?, ended, key })
        };
        entries.into_iter().map(entry).collect()
    }

    /// What was begun and not ended, in the order in which it was begun.
    ///
    /// # Errors
    /// [`StoreError::Sealed`] if the key is gone.
    pub fn journal_open(&self, id: &RunId) -> Result<Vec<JournalEntry>, StoreError> {
        Ok(self.journal(id)?.into_iter().filter(|entry| entry.ended.is_none()).collect())
    }

    fn sealed_entry(&self, id: &RunId, key: &str, json: &Json) -> Result<Vec<u8>, StoreError> {
        let sealed = self.seal.seal(&place(id, key), json.to_string().as_bytes());
        sealed.map_err(|why| StoreError::Other { path: self.path.clone(), why })
    }
}

fn place(id: &RunId, key: &str) -> String {
    format!("{id}\njournal\n{key}")
}
