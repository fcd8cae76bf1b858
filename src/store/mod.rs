//! Runs on disk (SQLite): what was accepted, what became of it, and what it left.

mod fault_point;
mod record;

pub use fault_point::fault_point;
pub use record::{Bundle, RunId, RunRecord, RunState, Submission, Trigger};
