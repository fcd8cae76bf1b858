//! Runs on disk (SQLite): what was accepted, what became of it, and what it left.

mod record;

pub use record::{Bundle, RunId, RunRecord, RunState, Submission, Trigger};
