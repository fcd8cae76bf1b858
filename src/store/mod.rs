//! Runs on disk (SQLite): what was accepted, what became of it, and what it left. Holds no clock and no task.
//!
//! ```text
//! data_dir/            0700
//!   runs.db (-wal)     all runs; one writer, readers beside it
//!   key                opens what runs were submitted with
//!   lock               held by the daemon that is at work, with its process id
//! ```

mod fault_point;
mod accept;
pub mod compare;
mod error;
mod events;
mod history;
mod journal;
mod life;
mod lock;
mod log;
mod packed;
mod queue;
mod record;
mod runs;
mod schema;
mod seal;
mod series;
mod sealed;
#[cfg(test)]
mod tests;

pub use error::StoreError;
pub use fault_point::fault_point;
pub use record::{
    Accepted, Bundle, Ending, Filter, Idempotency, JournalEntry, LastOfTest, Meta, RunId, RunRecord,
    RunState, StoredEvent, Submission, Trigger,
};
pub use runs::Runs;
pub use series::{Appended, Replayed};
