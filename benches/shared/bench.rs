//! What every case needs: the machine, a folder for what programs exchange, and this program again in other roles.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::Result;
use crate::conduct::Options;
use crate::machine::{Machine, Place};
use crate::process::{Interrupt, Server};

#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) machine: Machine,
    pub(crate) interrupt: Interrupt,
    pub(crate) rounds: u32,
    /// How often a disturbed round is done again; 0: nor waited for a quiet machine.
    pub(crate) repeats: u32,
    pub(crate) quick: bool,
    /// This program, for roles.
    pub(crate) myself: PathBuf,
    folder: TempDir,
}

impl Bench {
    pub(crate) fn start(options: &Options) -> Result<Self> {
        let (rounds, repeats) = if options.quick { (1, 0) } else { (options.rounds, options.repeats) };
        Ok(Self {
            machine: Machine::look()?,
            interrupt: Interrupt::listen()?,
            rounds,
            repeats,
            quick: options.quick,
            myself: std::env::current_exe()?,
            folder: tempfile::tempdir()?,
        })
    }

    /// `full` seconds, or a fifth of it when there is no time.
    pub(crate) fn secs(&self, full: u64) -> u64 {
        if self.quick { full.div_ceil(5).max(2) } else { full }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Starts this program again as `role`; it has printed its first line when this returns.
    pub(crate) fn role(&self, place: Place, role: &str, args: &[&str]) -> Result<Server> {
        let mut command = self.machine.command(&self.myself, place);
        command.arg("role").arg(role).args(args);
        Server::start(command)
    }
}
