//! This program in other processes. A role prints JSON or where it listens, and nothing else.

mod evaluator;
mod filler;
mod page_server;
#[path = "../../shared/probe_role.rs"]
mod probe;
mod query_server;
#[path = "../../shared/serving.rs"]
#[expect(dead_code, reason = "peers has more to calculate")]
mod serving;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use loadgate::family::Family;
use rustix::time::{ClockId, clock_gettime};

use crate::Result;

/// Before all virtual times.
const EPOCH_MS: i64 = 1_700_000_000_000;

#[derive(Debug, Parser)]
#[command(name = "role")]
pub(crate) enum Role {
    /// Evaluates rules over moving pages, tick by tick.
    Evaluator {
        #[arg(long)]
        pages: PathBuf,
        #[arg(long)]
        ticks: u32,
        rules: Vec<PathBuf>,
    },
    /// Stores moving pages and says what they take.
    Filler {
        #[arg(long)]
        pages: PathBuf,
        #[arg(long)]
        ticks: u32,
    },
    /// Shows moving pages, a second further at each look.
    PageServer {
        #[arg(long)]
        pages: PathBuf,
    },
    /// The query API over an hour of samples.
    QueryServer {
        #[arg(long)]
        begin_secs: i64,
    },
    /// Notes when this core stood still.
    Probe {
        #[arg(long)]
        threshold_ms: u64,
    },
}

impl Role {
    pub(crate) fn run(self) -> Result<()> {
        match self {
            Self::Evaluator { pages, ticks, rules } => evaluator::run(&pages, ticks, &rules),
            Self::Filler { pages, ticks } => filler::run(&pages, ticks),
            Self::PageServer { pages } => page_server::run(&pages),
            Self::QueryServer { begin_secs } => query_server::run(begin_secs),
            Self::Probe { threshold_ms } => probe::run(threshold_ms),
        }
    }
}

/// Of this thread.
fn cpu_time() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0))
}

fn samples(families: &[Family]) -> usize {
    let mut samples = 0;
    families.iter().for_each(|family| family.each_sample(|_, _, _| samples += 1));
    samples
}
