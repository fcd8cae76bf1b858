//! The command line: `cargo bench --bench daemon -- [kills|api|soak|compare|all]`.

use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::bench::Bench;
use crate::table::Targets;
use crate::{Result, cases};

/// Kills, disturbs and watches `loadgate serve`. Ends with 0 when every target is reached, with 2 when one is missed.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench daemon --")]
pub(crate) struct Cli {
    #[arg(value_enum, default_value_t = Case::All)]
    case: Case,
    /// How long `soak` lasts, in minutes.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=1440))]
    minutes: u64,
    /// Each point once, five random moments, short runs, two minutes of soak: to see that everything works, not to quote.
    #[arg(long)]
    quick: bool,
    /// Of the random moments at which the daemon is killed.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// cargo passes it to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    Kills,
    Api,
    Soak,
    Compare,
    All,
}

impl Cli {
    /// Whether every target was reached.
    pub(crate) fn run(self) -> Result<bool> {
        let soak = Duration::from_secs(60 * if self.quick { 2 } else { self.minutes });
        let bench = Bench::new(self.quick, self.seed, soak)?;
        let all: [(Case, cases::Run); 4] = [
            (Case::Kills, cases::kills::run),
            (Case::Api, cases::api::run),
            (Case::Compare, cases::compare::run),
            (Case::Soak, cases::soak::run),
        ];
        let mut targets = Targets::default();
        for (_, run) in all.iter().filter(|(case, _)| self.case == Case::All || self.case == *case) {
            run(&bench, &mut targets)?;
        }
        Ok(targets.print())
    }
}
