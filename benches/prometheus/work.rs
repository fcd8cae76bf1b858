//! loadgate, the programs found on this machine, and roles that work until they are done.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::bench::Bench;
use crate::clients::Client;
use crate::machine::Place;
use crate::{Failure, Result};

impl Bench {
    /// `full` times, or once when there is no time.
    pub(crate) fn times(&self, full: u32) -> u32 {
        if self.quick { 1 } else { full }
    }

    /// Those of `clients` that are installed.
    pub(crate) fn present(&self, clients: &[Client]) -> Vec<Client> {
        clients.iter().copied().filter(|client| client.is_installed()).collect()
    }

    pub(crate) fn loadgate(&self, place: Place) -> Command {
        self.machine.command(Path::new(env!("CARGO_BIN_EXE_loadgate")), place)
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
