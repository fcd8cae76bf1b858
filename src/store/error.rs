//! Why the store did not do what was asked, in words for whoever runs the daemon.

use std::io;
use std::path::{Path, PathBuf};

use rusqlite::ffi;

use super::{RunId, RunState};

/// After any of them the store is as it was before the call, but for [`Runs::prune`](super::Runs::prune).
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(
        "no room left on the disk for {}: free some, or keep runs for a shorter time (`retention`)",
        path.display()
    )]
    Full { path: PathBuf },
    #[error(
        "{} cannot be written: give the user that runs loadgate write permission, or mount it writable",
        path.display()
    )]
    ReadOnly { path: PathBuf },
    /// Nothing in the file was changed.
    #[error(
        "{} is damaged ({what}): move it aside together with its `-wal` and start again, or save what can be read \
         with `sqlite3 {} .recover`",
        path.display(), path.display()
    )]
    Corrupt { path: PathBuf, what: String },
    /// A file of that name which another program wrote.
    #[error("{} is a database, but not of loadgate: give another `data_dir`", path.display())]
    Foreign { path: PathBuf },
    #[error(
        "{} has format {found}, this loadgate knows formats up to {known}: start the loadgate that wrote it, or give \
         another `data_dir`",
        path.display()
    )]
    Newer { path: PathBuf, found: i64, known: i64 },
    #[error("{} is in use by {holder}: stop that one, or give this one another `data_dir`", folder.display())]
    Locked { folder: PathBuf, holder: String },
    /// What the run was submitted with cannot be read; the rest of it can.
    #[error("what {run} was submitted with cannot be opened: {why}")]
    Sealed { run: RunId, why: String },
    #[error("there is a run {0} already")]
    Exists(RunId),
    #[error("there is no run {0}")]
    NoSuchRun(RunId),
    /// It has ended, and what has ended does not change.
    #[error("{run} is {}", state.label())]
    Ended { run: RunId, state: RunState },
    #[error("{run} is {}: stop it first", state.label())]
    NotEnded { run: RunId, state: RunState },
    #[error("a plan with its files may have {limit_bytes} bytes, these are {bytes}")]
    TooLarge { bytes: usize, limit_bytes: usize },
    #[error("{}: {why}", path.display())]
    Other { path: PathBuf, why: String },
}

impl StoreError {
    /// Of SQLite, about the file at `path`.
    pub(super) fn of(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_owned();
        let Some(failure) = error.sqlite_error() else {
            return StoreError::unexpected(path, error);
        };
        match (failure.code, failure.extended_code) {
            // A file that SQLite makes for itself in the folder, and could not extend.
            (ffi::ErrorCode::DiskFull, _) | (_, ffi::SQLITE_IOERR_SHMSIZE) => StoreError::Full { path },
            (ffi::ErrorCode::ReadOnly | ffi::ErrorCode::PermissionDenied, _) => StoreError::ReadOnly { path },
            (ffi::ErrorCode::DatabaseCorrupt | ffi::ErrorCode::NotADatabase, _) => {
                StoreError::Corrupt { path, what: error.to_string() }
            }
            _ => StoreError::Other { path, why: error.to_string() },
        }
    }

    /// Values that this program would never have written are damage, too.
    fn unexpected(path: PathBuf, error: &rusqlite::Error) -> Self {
        use rusqlite::Error::{
            FromSqlConversionFailure, IntegralValueOutOfRange, InvalidColumnType, Utf8Error,
        };
        match error {
            FromSqlConversionFailure(..)
            | IntegralValueOutOfRange(..)
            | InvalidColumnType(..)
            | Utf8Error(..) => StoreError::Corrupt { path, what: error.to_string() },
            _ => StoreError::Other { path, why: error.to_string() },
        }
    }

    /// Of a file or folder beside the database.
    pub(super) fn io(path: &Path, error: &io::Error) -> Self {
        let path = path.to_owned();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => StoreError::Full { path },
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                StoreError::ReadOnly { path }
            }
            _ => StoreError::Other { path, why: error.to_string() },
        }
    }
}
