//! What becomes of a run: each step with its event, in one transaction.

use rusqlite::{Transaction, params};
use serde_json::{Value as Json, json};

use super::packed::pack;
use super::runs::{Durability, Failure, find, find_live};
use super::series::last_frame_ms;
use super::{Ending, RunId, RunState, Runs, StoreError, events};

/// The verdict that counts as success.
const PASSED: &str = "passed";

impl Runs {
    /// The run is in this state now; adds the event `state` (`{"state": "running"}`) and answers its number. The first
    /// state after `queued` is its start.
    ///
    /// # Errors
    /// [`StoreError::Ended`] for a run that has ended; states in which a run ends are for [`Runs::finish`] and
    /// [`Runs::interrupt`].
    pub fn enter(&self, id: &RunId, state: RunState, at_ms: i64) -> Result<u64, StoreError> {
        self.write(Durability::Now, |transaction| {
            let number = find_live(transaction, id)?;
            if state.has_ended() {
                return Err(StoreError::Other {
                    path: self.path.clone(),
                    why: format!("{id} cannot be {} without how it ended", state.label()),
                }
                .into());
            }
            let begins = state != RunState::Queued;
            transaction
                .prepare_cached(
                    "UPDATE run SET state = ?2,
                            started_ms = CASE WHEN ?3 THEN coalesce(started_ms, ?4) ELSE started_ms END
                     WHERE number = ?1",
                )?
                .execute(params![number, state, begins, at_ms])?;
            events::append(transaction, number, "state", &json!({"state": state.label()}), at_ms)
        })
    }

    /// Keeps what there is of the summary, in place of what was kept before.
    pub fn checkpoint(&self, id: &RunId, summary: &Json, at_ms: i64) -> Result<(), StoreError> {
        let packed = pack(summary.to_string().as_bytes())?;
        self.write(Durability::Soon, |transaction| {
            let number = find_live(transaction, id)?;
            summarize(transaction, number, &packed, at_ms)
        })
    }

    /// The run has its verdict: state, summary, the last of its test, and the event `finished`
    /// (`{"state", "verdict", "exit_code", "ended_by"}`), whose number it answers.
    pub fn finish(&self, id: &RunId, ending: &Ending) -> Result<u64, StoreError> {
        let packed = pack(ending.summary.to_string().as_bytes())?;
        let seq = self.write(Durability::Now, |transaction| {
            let number = find_live(transaction, id)?;
            self.end(transaction, number, ending, &packed)
        })?;
        self.forget_recorder(id);
        Ok(seq)
    }

    /// Ends a run that has not begun. `false`: it has begun, and this changed nothing.
    ///
    /// # Errors
    /// [`StoreError::Ended`] for a run that has ended.
    pub fn finish_queued(&self, id: &RunId, ending: &Ending) -> Result<bool, StoreError> {
        let packed = pack(ending.summary.to_string().as_bytes())?;
        self.write(Durability::Now, |transaction| {
            let number = find_live(transaction, id)?;
            let is_queued = find(transaction, id)?.1 == RunState::Queued;
            if is_queued {
                self.end(transaction, number, ending, &packed)?;
            }
            Ok(is_queued)
        })
    }

    fn end(
        &self,
        transaction: &Transaction<'_>,
        number: i64,
        ending: &Ending,
        packed: &[u8],
    ) -> Result<u64, Failure> {
        let Ending { verdict, exit_code, ended_by, at_ms, .. } = ending;
        transaction
            .prepare_cached(
                "UPDATE run SET state = ?2, ended_ms = ?3, verdict = ?4, exit_code = ?5, ended_by = ?6
                 WHERE number = ?1",
            )?
            .execute(params![number, RunState::Finished, at_ms, verdict, exit_code, ended_by])?;
        transaction
            .prepare_cached(
                "INSERT INTO test (name, last_verdict, last_ended_ms, last_success_ms)
                 SELECT test, ?2, ?3, CASE WHEN ?4 THEN ?3 END FROM run WHERE number = ?1
                 ON CONFLICT (name) DO UPDATE SET
                   last_verdict = excluded.last_verdict, last_ended_ms = excluded.last_ended_ms,
                   last_success_ms = coalesce(excluded.last_success_ms, last_success_ms)",
            )?
            .execute(params![number, verdict, at_ms, verdict == PASSED])?;
        summarize(transaction, number, packed, *at_ms)?;
        let data = json!({
            "state": RunState::Finished.label(),
            "verdict": verdict,
            "exit_code": exit_code,
            "ended_by": ended_by,
        });
        let seq = events::append(transaction, number, "finished", &data, *at_ms)?;
        self.seal_series(transaction, number)?;
        Ok(seq)
    }

    /// The run was cut: what it had by then stays, and it ended when it was last heard of. Adds the event `finished`
    /// (`{"state": "interrupted", "verdict": null, …}`) and answers its number.
    pub fn interrupt(&self, id: &RunId, why: &str, at_ms: i64) -> Result<u64, StoreError> {
        let seq = self.write(Durability::Now, |transaction| {
            let number = find_live(transaction, id)?;
            // Asked at its end, a run has its last values: there are none after the last frame.
            let ended_ms = match last_frame_ms(transaction, number)? {
                Some(ended_ms) => ended_ms,
                None => last_sign_ms(transaction, number)?,
            };
            let ended_ms = ended_ms.min(at_ms);
            transaction
                .prepare_cached("UPDATE run SET state = ?2, ended_ms = ?3, ended_by = ?4 WHERE number = ?1")?
                .execute(params![number, RunState::Interrupted, ended_ms, why])?;
            let data = json!({
                "state": RunState::Interrupted.label(),
                "verdict": null,
                "exit_code": null,
                "ended_by": why,
            });
            let seq = events::append(transaction, number, "finished", &data, at_ms)?;
            self.seal_series(transaction, number)?;
            Ok(seq)
        })?;
        self.forget_recorder(id);
        Ok(seq)
    }

    /// With all that belongs to it, but not what is known of its test.
    ///
    /// # Errors
    /// [`StoreError::NotEnded`] for a run that has not.
    pub fn delete(&self, id: &RunId) -> Result<(), StoreError> {
        self.write(Durability::Now, |transaction| {
            let (number, state) = find(transaction, id)?;
            if !state.has_ended() {
                return Err(StoreError::NotEnded { run: id.clone(), state }.into());
            }
            remove(transaction, number)
        })?;
        self.give_back();
        Ok(())
    }

    /// Deletes runs that ended before `older_than_ms`, and the oldest of those beyond `keep`; never one that has not
    /// ended, and none of which something is open in the journal. Answers which.
    ///
    /// # Errors
    /// What the disk says. Those that were deleted by then stay so; the rest goes the next time.
    pub fn prune(&self, older_than_ms: i64, keep: usize) -> Result<Vec<RunId>, StoreError> {
        let gone: Vec<RunId> = self.read(|connection| {
            let mut statement = connection.prepare_cached(
                "SELECT id FROM (
                   SELECT number, id, ended_ms, row_number() OVER (ORDER BY ended_ms DESC, id DESC) AS place
                   FROM run WHERE state IN ('finished', 'interrupted')) AS ended_run
                 WHERE (ended_ms < ?1 OR place > ?2)
                   AND NOT EXISTS (SELECT 1 FROM journal WHERE run = ended_run.number AND ended IS NULL)
                 ORDER BY place DESC",
            )?;
            let keep = i64::try_from(keep).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![older_than_ms, keep], |row| row.get(0).map(RunId))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })?;
        // One by one, so that a run that is going on is not held up by all that goes.
        for id in &gone {
            self.write(Durability::Soon, |transaction| {
                let (number, _) = find(transaction, id)?;
                remove(transaction, number)
            })?;
        }
        if !gone.is_empty() {
            self.give_back();
        }
        Ok(gone)
    }
}

/// When the run last said of itself how it is. What was logged since is about its mending.
fn last_sign_ms(transaction: &Transaction<'_>, number: i64) -> Result<i64, Failure> {
    let mut statement = transaction.prepare_cached(
        "SELECT max(at_ms) FROM (
           SELECT at_ms FROM event WHERE run = ?1 AND kind <> 'log'
           UNION ALL SELECT at_ms FROM summary WHERE run = ?1
           UNION ALL SELECT submitted_ms FROM run WHERE number = ?1)",
    )?;
    Ok(statement.query_row([number], |row| row.get(0))?)
}

fn remove(transaction: &Transaction<'_>, number: i64) -> Result<(), Failure> {
    transaction.prepare_cached("DELETE FROM run WHERE number = ?1")?.execute([number])?;
    Ok(())
}

fn summarize(transaction: &Transaction<'_>, number: i64, packed: &[u8], at_ms: i64) -> Result<(), Failure> {
    transaction
        .prepare_cached("INSERT OR REPLACE INTO summary (run, at_ms, data) VALUES (?1, ?2, ?3)")?
        .execute(params![number, at_ms, packed])?;
    Ok(())
}
