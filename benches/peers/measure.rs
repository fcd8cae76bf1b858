//! The programs found on this machine, and how one run of one of them is measured.

use std::process::Command;
use std::time::Duration;

use crate::Result;
use crate::bench::Bench;
use crate::clients::{Client, Launch, Reported};
use crate::load::Load;
use crate::machine::{self, Place};
use crate::process::{self, Server, Usage};
use crate::scraper::{Scraper, Scrapes};

/// One run of one client.
#[derive(Debug)]
pub(crate) struct Measured {
    pub(crate) usage: Usage,
    pub(crate) reported: Reported,
    pub(crate) scrapes: Scrapes,
}

impl Bench {
    /// As [`Bench::secs`].
    pub(crate) fn time(&self, full: u64) -> Duration {
        Duration::from_secs(self.secs(full))
    }

    pub(crate) fn missing(&self) -> impl Iterator<Item = Client> {
        Client::ALL.into_iter().filter(|client| client.program(&self.myself).is_none())
    }

    /// Those of `clients` that are installed.
    pub(crate) fn present(&self, clients: &[Client]) -> Vec<Client> {
        clients.iter().copied().filter(|client| client.program(&self.myself).is_some()).collect()
    }

    /// Starts a server role on the server's core; it is ready when this returns.
    pub(crate) fn serve(&self, role: &str, args: &[&str]) -> Result<Server> {
        self.role(Place::Server, role, args)
    }

    /// Runs a client to its end on the client's core, scraping it where it can be scraped.
    pub(crate) fn measure(&self, client: Client, load: &Load) -> Result<Measured> {
        let program = client.program(&self.myself).ok_or_else(|| format!("{client} is not installed"))?;
        let listen = machine::free_address()?;
        let folder = tempfile::tempdir_in(self.folder())?;
        let launch = Launch { load, folder: folder.path(), listen };
        let mut command: Command = self.machine.command(&program, Place::Client);
        client.configure(&launch, &mut command)?;
        let running = process::Client::start(command, folder.path())?;
        let scraper = client.is_scraped().then(|| Scraper::start(listen));
        let finished = running.finish(load.limit(), &self.interrupt);
        let scrapes = scraper.map(Scraper::finish).unwrap_or_default();
        let finished = finished.map_err(|error| format!("{client}: {error}"))?;
        let reported = client.read(&launch, &finished).map_err(|error| {
            format!("{client} reported nothing that can be read ({error}); {}", finished.complaint())
        })?;
        if client.is_scraped() && scrapes.answered == 0 {
            return Err(format!("{client} answered no scrape of http://{listen}/metrics").into());
        }
        Ok(Measured { usage: finished.usage, reported, scrapes })
    }
}
