//! What every case needs: the program, a folder, and how long things last.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::Result;

#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) quick: bool,
    folder: TempDir,
}

impl Bench {
    pub(crate) fn new(quick: bool) -> Result<Self> {
        Ok(Bench { quick, folder: tempfile::tempdir()? })
    }

    /// `full`, or `quick` when there is no time.
    pub(crate) fn either<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }
}

pub(crate) fn loadgate() -> Command {
    Command::new(env!("CARGO_BIN_EXE_loadgate"))
}
