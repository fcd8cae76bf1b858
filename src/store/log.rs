//! What a run logged: its beginning and its end, which is where one looks; of a long one the middle is left out.

use rusqlite::{Transaction, params};

use super::runs::{Durability, Failure, find};
use super::{RunId, Runs, StoreError};

const HEAD_BYTES: i64 = 6 << 20;
const TAIL_BYTES: i64 = 4 << 20;
/// Of one line.
const LINE_BYTES: usize = 64 << 10;
/// What a piece takes beside its text.
const PIECE_BYTES: usize = 32;

impl Runs {
    /// Adds lines, without their line ends. Of a run some 10 MiB are kept: the first 6 and the last 4.
    pub fn append_log(&self, id: &RunId, lines: &[String]) -> Result<(), StoreError> {
        if lines.is_empty() {
            return Ok(());
        }
        self.write(Durability::Soon, |transaction| {
            let (number, _) = find(transaction, id)?;
            transaction.prepare_cached("INSERT OR IGNORE INTO log (run) VALUES (?1)")?.execute([number])?;
            let mut text = String::new();
            let mut count = 0;
            // Pieces are what is left out at a time.
            for line in lines {
                push_line(&mut text, line);
                count += 1;
                if text.len() >= LINE_BYTES {
                    add_piece(transaction, number, &text, count)?;
                    (text, count) = (String::new(), 0);
                }
            }
            if count > 0 {
                add_piece(transaction, number, &text, count)?;
            }
            Ok(())
        })
    }

    /// All that is kept, lines with their ends; where lines are left out a line says how many.
    pub fn log(&self, id: &RunId) -> Result<String, StoreError> {
        self.read(|connection| {
            let (number, _) = find(connection, id)?;
            let left_out: i64 = connection
                .prepare_cached("SELECT coalesce(sum(left_out_lines), 0) FROM log WHERE run = ?1")?
                .query_row([number], |row| row.get(0))?;
            let mut statement = connection
                .prepare_cached("SELECT is_tail, text FROM log_piece WHERE run = ?1 ORDER BY number")?;
            let mut rows = statement.query([number])?;
            let mut log = String::new();
            let mut to_say = left_out > 0;
            while let Some(row) = rows.next()? {
                if row.get(0)? && to_say {
                    log.push_str(&format!(
                        "[{left_out} lines are left out here: of a run 10 MiB are kept]\n"
                    ));
                    to_say = false;
                }
                log.push_str(row.get_ref(1)?.as_str().map_err(|error| {
                    rusqlite::Error::FromSqlConversionFailure(1, rusqlite::types::Type::Text, error.into())
                })?);
            }
            Ok(log)
        })
    }
}

fn push_line(text: &mut String, line: &str) {
    let mut end = line.len().min(LINE_BYTES);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    let (start, rest) = line.split_at(end);
    text.push_str(start);
    if !rest.is_empty() {
        text.push_str(&format!("… ({} bytes more)", rest.len()));
    }
    text.push('\n');
}

fn add_piece(transaction: &Transaction<'_>, number: i64, text: &str, lines: i64) -> Result<(), Failure> {
    let bytes = i64::try_from(text.len() + PIECE_BYTES).unwrap_or(i64::MAX);
    let (head, tail): (i64, i64) = transaction
        .prepare_cached("SELECT head_bytes, tail_bytes FROM log WHERE run = ?1")?
        .query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))?;
    // Once there is an end, whatever follows belongs to it.
    let is_tail = tail > 0 || head + bytes > HEAD_BYTES;
    transaction
        .prepare_cached(
            "INSERT INTO log_piece (run, number, is_tail, lines, bytes, text)
             VALUES (?1, (SELECT coalesce(max(number), 0) + 1 FROM log_piece WHERE run = ?1), ?2, ?3, ?4, ?5)",
        )?
        .execute(params![number, is_tail, lines, bytes, text])?;
    let grown = if is_tail { "tail_bytes" } else { "head_bytes" };
    transaction
        .prepare_cached(&format!("UPDATE log SET {grown} = {grown} + ?2 WHERE run = ?1"))?
        .execute(params![number, bytes])?;
    let mut surplus = if is_tail { tail + bytes - TAIL_BYTES } else { 0 };
    while surplus > 0 {
        let (bytes, lines): (i64, i64) = transaction
            .prepare_cached(
                "DELETE FROM log_piece WHERE run = ?1 AND number =
                   (SELECT min(number) FROM log_piece WHERE run = ?1 AND is_tail) RETURNING bytes, lines",
            )?
            .query_row([number], |row| Ok((row.get(0)?, row.get(1)?)))?;
        transaction
            .prepare_cached(
                "UPDATE log SET tail_bytes = tail_bytes - ?2, left_out_lines = left_out_lines + ?3 WHERE run = ?1",
            )?
            .execute(params![number, bytes, lines])?;
        surplus -= bytes;
    }
    Ok(())
}
