//! The command line: `cargo bench --bench prometheus -- [rules|range|store|exposition|all]`.

use clap::{Parser, ValueEnum};

use crate::bench::Bench;
use crate::clients::Client;
use crate::conduct::Options;
use crate::{Result, cases, conduct};

/// Of a round that was disturbed, unless told otherwise.
pub(crate) const REPEATS: u32 = 1;

/// Measures rules, queries, the store and /metrics, beside Prometheus where it does the same. Ends with 0 when every target is
/// reached, with 2 when one is missed.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench prometheus --")]
pub(crate) struct Cli {
    #[arg(value_enum, default_value_t = Case::All)]
    case: Case,
    #[command(flatten)]
    options: Options,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    Rules,
    Range,
    Store,
    Exposition,
    All,
}

impl Cli {
    /// Whether every target that could be measured was reached.
    pub(crate) fn run(self) -> Result<bool> {
        let bench = Bench::start(&self.options)?;
        println!("{}", bench.machine);
        if bench.present(&[Client::Prometheus]).is_empty() {
            println!("prometheus is not installed: skipped. To measure it: apt-get install prometheus");
        }
        let all: [(Case, conduct::Case); 4] = [
            (Case::Rules, cases::rules::run),
            (Case::Range, cases::range::run),
            (Case::Store, cases::store::run),
            (Case::Exposition, cases::exposition::run),
        ];
        let chosen = all.into_iter().filter(|(case, _)| self.case == Case::All || self.case == *case);
        conduct::conduct(&bench, &self.options, chosen.map(|(_, run)| run))
    }
}
