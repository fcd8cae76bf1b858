//! The mappings of the daemon's file.

use std::path::PathBuf;
use std::time::Duration;

use super::values::PathText;
use crate::config::At;
use crate::config::fields::{Element, Fields};
use crate::config::value::{AtLeast, Count, PlainHttpUrl, Rate, Size};
use crate::protocol::AllowedTarget;

/// A Prometheus that scrapes the daemon.
#[derive(Debug, Clone)]
pub struct PrometheusConfig {
    pub url: At<String>,
    /// Whether a gate that fires there fails the run, too.
    pub judge: bool,
}

impl Element for PrometheusConfig {
    const NAME: &'static str = "prometheus";
    const HELP: &'static str = "A Prometheus that scrapes the daemon";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let url = f.required::<At<PlainHttpUrl>>("url", "Where it is: `http://localhost:9090`");
        let judge = f.or::<bool>("judge", "Whether a gate that fires there fails the run, too", "false");
        Some(PrometheusConfig { url: url?.map(|url| url.0), judge: judge? })
    }
}

/// What a run of the daemon may ask for, and how many there may be.
#[derive(Debug, Clone, PartialEq)]
pub struct DaemonLimits {
    /// Users at a time.
    pub max_vus: u64,
    /// Iterations a second.
    pub max_rate: f64,
    /// From the first iteration due to the last that may still run.
    pub max_duration: Duration,
    /// At a time; others queue.
    pub max_concurrent_runs: usize,
    pub max_queued: usize,
}

impl Default for DaemonLimits {
    fn default() -> Self {
        DaemonLimits {
            max_vus: 20_000,
            max_rate: 50_000.0,
            max_duration: Duration::from_secs(24 * 60 * 60),
            max_concurrent_runs: 1,
            max_queued: 100,
        }
    }
}

impl Element for DaemonLimits {
    const NAME: &'static str = "limits";
    const HELP: &'static str = "What a run may ask for, and how many there may be";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let max_vus = f.or::<Count<1, 10_000_000>>("max_vus", "Users at a time", "20000");
        let max_rate = f.or::<Rate>("max_rate", "Iterations a second", "50000");
        let max_duration =
            f.or::<AtLeast<1000>>("max_duration", "From the first iteration to the last", "24h");
        let max_concurrent_runs =
            f.or::<Count<1, 100>>("max_concurrent_runs", "Runs at a time; others queue", "1");
        let max_queued = f.or::<Count<0, 10_000>>("max_queued", "Runs that may wait", "100");
        Some(DaemonLimits {
            max_vus: max_vus?.0,
            max_rate: max_rate?.0,
            max_duration: max_duration?.0,
            max_concurrent_runs: usize::try_from(max_concurrent_runs?.0).unwrap_or(1),
            max_queued: usize::try_from(max_queued?.0).unwrap_or(usize::MAX),
        })
    }
}

pub(super) struct Alertmanager(pub(super) Vec<At<String>>);

impl Element for Alertmanager {
    const NAME: &'static str = "alertmanager";
    const HELP: &'static str = "Who is told of alerts, where no Prometheus does it";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let urls = f.or_empty::<Vec<At<PlainHttpUrl>>>("urls", "Each is told: `http://localhost:9093`");
        Some(Alertmanager(urls?.into_iter().map(|url| url.map(|url| url.0)).collect()))
    }
}

pub(super) struct Targets(pub(super) Vec<AllowedTarget>);

impl Element for Targets {
    const NAME: &'static str = "targets";
    const HELP: &'static str = "Where load may go";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let allow = f.optional::<Vec<AllowedTarget>>(
            "allow",
            "Hosts, `*.` and how hosts end, addresses and networks; checked for each connection, after DNS; \
             default localhost, which is this machine",
        );
        Some(Targets(allow?.unwrap_or_else(|| vec![AllowedTarget::Loopback])))
    }
}

#[derive(Clone)]
pub(super) struct Auth {
    pub(super) token_file: Option<At<PathBuf>>,
}

impl Element for Auth {
    const NAME: &'static str = "auth";
    const HELP: &'static str = "Who may call the API";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let token_file = f.optional::<At<PathText>>(
            "token_file",
            "A file that only its owner can read: lines `scope:token` (query, run, admin), or one token, which may all",
        );
        Some(Auth { token_file: token_file?.map(PathText::at) })
    }
}

pub(super) struct Memory {
    pub(super) store_bytes: usize,
}

impl Element for Memory {
    const NAME: &'static str = "memory";
    const HELP: &'static str = "What may be held in memory";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let store = f.or::<Size>("store", "By the series of a run", "256MiB");
        Some(Memory { store_bytes: usize::try_from(store?.0).unwrap_or(usize::MAX) })
    }
}

pub(super) struct Retention {
    pub(super) runs: Duration,
}

impl Element for Retention {
    const NAME: &'static str = "retention";
    const HELP: &'static str = "How long runs are kept";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let runs = f.or::<AtLeast<60_000>>("runs", "After their end", "90d");
        Some(Retention { runs: runs?.0 })
    }
}
