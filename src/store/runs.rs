//! The file, opened: one connection that writes, one that reads beside it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, Transaction, TransactionBehavior};

use super::lock::FolderLock;
use super::seal::Seal;
use super::series::Recorders;
use super::{RunId, RunState, StoreError, schema};

/// How long somebody who looks at the file with `sqlite3` may hold us up.
const BUSY: Duration = Duration::from_secs(5);
/// What the write-ahead log is cut back to once it was longer.
const WAL_BYTES: i64 = 16 << 20;

/// Pages given back at once: 16 MiB, so that nobody waits long. The rest is used for what comes.
const VACUUM_PAGES: i64 = 4096;

/// All runs of a folder. Its calls wait for the disk, so they belong on a thread that may; it can be shared between
/// threads. No call changes anything if it fails, and none is half done after a crash.
#[derive(Debug)]
pub struct Runs {
    pub(super) path: PathBuf,
    pub(super) seal: Seal,
    pub(super) writer: Mutex<Connection>,
    reader: Mutex<Connection>,
    /// What is known of the series of runs that are being recorded. Locked only by whoever has the writer.
    pub(super) recorders: Mutex<Recorders>,
    _lock: FolderLock,
}

/// When what was written is on the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Durability {
    /// Before the call returns: it outlives a loss of power.
    Now,
    /// With the next that is; it outlives the end of this process, however that comes.
    Soon,
}

/// What a transaction stumbles over.
#[derive(Debug)]
pub(super) enum Failure {
    Sqlite(rusqlite::Error),
    Store(StoreError),
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Failure::Sqlite(error)
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Failure::Store(error)
    }
}

impl Runs {
    /// Makes folder and file if they are not there.
    ///
    /// # Errors
    /// If another daemon is at work in the folder; if the file is damaged, another program's or a newer version's
    /// (it is left as it is); if the disk refuses.
    pub fn open(dir: &Path) -> Result<Runs, StoreError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .map_err(|error| StoreError::io(dir, &error))?;
        let lock = FolderLock::take(dir)?;
        let path = dir.join("runs.db");
        create_private(&path)?;
        let mut writer = connect(&path)?;
        check(&mut writer, &path)?;
        let reader = connect(&path)?;
        reader.pragma_update(None, "query_only", true).map_err(|error| StoreError::of(&path, &error))?;
        let seal = Seal::open(dir)?;
        let (writer, reader) = (Mutex::new(writer), Mutex::new(reader));
        Ok(Runs { path, seal, writer, reader, recorders: Mutex::default(), _lock: lock })
    }

    /// One transaction: all of `work`, or nothing.
    pub(super) fn write<T>(
        &self,
        durability: Durability,
        work: impl FnOnce(&Transaction<'_>) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        let mut writer = lock(&self.writer);
        let transact = || {
            let synchronous = if durability == Durability::Now { "FULL" } else { "NORMAL" };
            writer.pragma_update(None, "synchronous", synchronous)?;
            let transaction = writer.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let done = work(&transaction)?;
            transaction.commit()?;
            Ok(done)
        };
        transact().map_err(|failure| self.error(failure))
    }

    pub(super) fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, Failure>,
    ) -> Result<T, StoreError> {
        work(&lock(&self.reader)).map_err(|failure| self.error(failure))
    }

    fn error(&self, failure: Failure) -> StoreError {
        match failure {
            Failure::Sqlite(error) => StoreError::of(&self.path, &error),
            Failure::Store(error) => error,
        }
    }

    /// Gives room that is not used any more back to the disk, a little at a time. If that does not work now, it is used
    /// for what comes.
    pub(super) fn give_back(&self) {
        let writer = lock(&self.writer);
        // A row for each page.
        let vacuumed = writer.prepare(&format!("PRAGMA incremental_vacuum({VACUUM_PAGES})"));
        let _ = vacuumed.and_then(|mut statement| {
            let mut rows = statement.query([])?;
            while rows.next()?.is_some() {}
            Ok(())
        });
    }

    pub(super) fn corrupt(&self, what: impl Into<String>) -> StoreError {
        StoreError::Corrupt { path: self.path.clone(), what: what.into() }
    }
}

/// The number under which the tables know a run, and where it stands.
pub(super) fn find(connection: &Connection, id: &RunId) -> Result<(i64, RunState), Failure> {
    let mut found = connection.prepare_cached("SELECT number, state FROM run WHERE id = ?1")?;
    let row = found.query_row([&id.0], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    row.ok_or_else(|| StoreError::NoSuchRun(id.clone()).into())
}

/// As [`find`], of a run that has not ended.
pub(super) fn find_live(connection: &Connection, id: &RunId) -> Result<i64, Failure> {
    match find(connection, id)? {
        (_, state) if state.has_ended() => Err(StoreError::Ended { run: id.clone(), state }.into()),
        (number, _) => Ok(number),
    }
}

/// A panic elsewhere leaves no half of a transaction.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// SQLite gives its other files the permissions of this one.
fn create_private(path: &Path) -> Result<(), StoreError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(file) => {
            let synced = file.sync_all().and_then(|()| path.parent().map_or(Ok(()), sync_folder));
            synced.map_err(|error| StoreError::io(path, &error))
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::io(path, &error)),
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    fs::File::open(folder)?.sync_all()
}

fn connect(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let configure = || {
        let connection = Connection::open_with_flags(path, flags)?;
        connection.busy_timeout(BUSY)?;
        connection.set_prepared_statement_cache_capacity(64);
        connection.pragma_update(None, "foreign_keys", true)?;
        // A file from elsewhere must not make us call anything.
        connection.pragma_update(None, "trusted_schema", false)?;
        connection.pragma_update(None, "cell_size_check", true)?;
        Ok(connection)
    };
    configure().map_err(|error| StoreError::of(path, &error))
}

/// Whether the file can be trusted and is of this version.
fn check(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    let sqlite = |error| StoreError::of(path, &error);
    // Before there are tables, or never: what runs leave is given back to the disk.
    connection.pragma_update(None, "auto_vacuum", "INCREMENTAL").map_err(sqlite)?;
    let journal: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0)).map_err(sqlite)?;
    if journal != "wal" {
        let why = "the file system does not let SQLite keep a write-ahead log there (a network share?): give a \
                   `data_dir` on a local disk";
        return Err(StoreError::Other { path: path.to_owned(), why: why.to_owned() });
    }
    connection.pragma_update_and_check(None, "journal_size_limit", WAL_BYTES, |_| Ok(())).map_err(sqlite)?;
    schema::prepare(connection, path)?;
    let found: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(sqlite)?;
    if found != "ok" {
        return Err(StoreError::Corrupt { path: path.to_owned(), what: found });
    }
    Ok(())
}
