//! What every case needs: the machine, the programs, and a folder for what they exchange.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::clients::Client;
use crate::machine::{Machine, Place};
use crate::process::{Interrupt, Server};
use crate::{Failure, Result};

#[derive(Debug)]
pub(crate) struct Bench {
    pub(crate) machine: Machine,
    pub(crate) interrupt: Interrupt,
    pub(crate) rounds: u32,
    /// How often a disturbed round is done again; 0: nor waited for a quiet machine.
    pub(crate) repeats: u32,
    quick: bool,
    /// This program, for roles.
    myself: PathBuf,
    folder: TempDir,
}

impl Bench {
    pub(crate) fn start(rounds: u32, repeats: u32, quick: bool) -> Result<Self> {
        Ok(Self {
            machine: Machine::look()?,
            interrupt: Interrupt::listen()?,
            rounds,
            repeats,
            quick,
            myself: std::env::current_exe()?,
            folder: tempfile::tempdir()?,
        })
    }

    /// `full` seconds, or a fifth of it when there is no time.
    pub(crate) fn secs(&self, full: u64) -> u64 {
        if self.quick { full.div_ceil(5).max(2) } else { full }
    }

    /// As many times, or once.
    pub(crate) fn times(&self, full: u32) -> u32 {
        if self.quick { 1 } else { full }
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn myself(&self) -> &Path {
        &self.myself
    }

    /// Those of `clients` that are installed.
    pub(crate) fn present(&self, clients: &[Client]) -> Vec<Client> {
        clients.iter().copied().filter(|client| client.is_installed()).collect()
    }

    pub(crate) fn loadgate(&self, place: Place) -> Command {
        self.machine.command(Path::new(env!("CARGO_BIN_EXE_loadgate")), place)
    }

    /// Starts this program again as `role`; it has printed its first line when this returns.
    pub(crate) fn role(&self, place: Place, role: &str, args: &[&str]) -> Result<Server> {
        let mut command = self.machine.command(&self.myself, place);
        command.arg("role").arg(role).args(args);
        Server::start(command)
    }

    /// Runs a role that works until it is done, alone on the second core; what it printed, and its CPU seconds.
    pub(crate) fn work(&self, role: &str, args: &[&str]) -> Result<(Value, f64)> {
        let worker = self.role(Place::Client, role, args)?;
        let cpu_secs = worker.cpu_secs()?;
        let said = serde_json::from_str(&worker.first_line)
            .map_err(|error| Failure::from(format!("role {role} said {:?}: {error}", worker.first_line)))?;
        Ok((said, cpu_secs))
    }
}
