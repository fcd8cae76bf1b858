//! Programs of this machine: each in a process group of its own, with a time to end in, and with a folder in which it leaves
//! what became of it, so that a later process can tell what an earlier one began.

mod attempt;
#[cfg(test)]
mod tests;

use std::fs::{self, DirBuilder};
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

use super::{Options, Outcome};
use crate::plan::Exec;
use attempt::{Attempt, Remains};

/// What is kept of each stream of a program's output.
pub const KEPT_BYTES: u64 = 64 << 10;

/// What a program is run with, beside what the plan says of it.
#[derive(Debug, Clone, Copy)]
pub struct Surroundings<'a> {
    pub options: &'a Options,
    /// `LOADGATE_…`
    pub env: &'a [(String, String)],
    /// The key in the journal.
    pub key: &'a str,
}

/// Runs a program to its end, or to the end of its time. It is killed with all that it has started when this is dropped.
pub async fn run(exec: &Exec, surroundings: Surroundings<'_>) -> Outcome {
    if !surroundings.options.allow_exec {
        return Outcome::failed("programs are not allowed here: allow them with --allow-exec");
    }
    let journal = surroundings.options.journal.as_ref();
    let made = match journal {
        Some(journal) => next_folder(&journal.folder().join(surroundings.key)).map(|folder| (folder, None)),
        None => Passing::new().map(|passing| (passing.0.clone(), Some(passing))),
    };
    match made {
        Ok((folder, _passing)) => Attempt::new(folder).run(exec, surroundings).await,
        Err(error) => Outcome::failed(format!("failed to make a folder for its output: {error}")),
    }
}

/// After a crash: what became of a program that was begun. `None` when it was cut or never came to run: then it has
/// to be run again. One that still runs is waited for.
pub async fn resume(exec: &Exec, surroundings: Surroundings<'_>) -> Option<Outcome> {
    let journal = surroundings.options.journal.as_ref()?;
    for folder in folders(&journal.folder().join(surroundings.key)) {
        if let Remains::Done(outcome) = Attempt::new(folder).remains(exec.timeout).await {
            return Some(outcome);
        }
    }
    None
}

/// Of each time that it was begun, in order.
fn folders(key: &Path) -> Vec<PathBuf> {
    (1..).map(|number: u32| key.join(number.to_string())).take_while(|folder| folder.is_dir()).collect()
}

fn next_folder(key: &Path) -> io::Result<PathBuf> {
    let folder = key.join((folders(key).len() + 1).to_string());
    DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
    Ok(folder)
}

/// A folder that goes when it is dropped.
struct Passing(PathBuf);

impl Passing {
    fn new() -> io::Result<Self> {
        const TRIES: u32 = 16;
        let mut last = io::Error::from(io::ErrorKind::AlreadyExists);
        for _ in 0..TRIES {
            let name = format!("loadgate-exec-{}-{:08x}", std::process::id(), fastrand::u32(..));
            let folder = std::env::temp_dir().join(name);
            match DirBuilder::new().mode(0o700).create(&folder) {
                Ok(()) => return Ok(Passing(folder)),
                Err(error) => last = error,
            }
        }
        Err(last)
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
