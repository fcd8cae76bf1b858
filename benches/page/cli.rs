//! The command line: `cargo bench --bench page -- [open|cost|report|all]`.

use clap::{Parser, ValueEnum};

use crate::bench::Bench;
use crate::table::Targets;
use crate::{Result, cases};

/// Opens the page and a report in Chromium. Ends with 0 when every target is reached, with 2 when one is missed.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench page --")]
pub(crate) struct Cli {
    #[arg(value_enum, default_value_t = Case::All)]
    case: Case,
    /// Three openings and short rounds: to see that everything works, not to quote.
    #[arg(long)]
    quick: bool,
    /// cargo passes it to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Case {
    Open,
    Cost,
    Report,
    All,
}

impl Cli {
    /// Whether every target was reached.
    pub(crate) fn run(self) -> Result<bool> {
        let bench = Bench::new(self.quick)?;
        let all: [(Case, cases::Run); 3] = [
            (Case::Open, cases::open::run),
            (Case::Cost, cases::cost::run),
            (Case::Report, cases::report::run),
        ];
        let mut targets = Targets::default();
        for (_, run) in all.iter().filter(|(case, _)| self.case == Case::All || self.case == *case) {
            run(&bench, &mut targets)?;
        }
        Ok(targets.print())
    }
}
