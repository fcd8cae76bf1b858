//! The command line: `cargo bench --bench prometheus -- [rules|range|store|exposition|all]`.

use std::path::PathBuf;

use clap::{Parser, ValueEnum};

use crate::bench::Bench;
use crate::clients::Client;
use crate::report::Report;
use crate::{Result, cases};

/// Measures rules, queries, the store and /metrics, beside Prometheus where it does the same. Ends with 0 when every target is
/// reached, with 2 when one is missed.
#[derive(Debug, Parser)]
#[command(name = "cargo bench --bench prometheus --")]
pub(crate) struct Cli {
    #[arg(value_enum, default_value_t = Case::All)]
    case: Case,
    /// Rounds; the tables show medians.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    rounds: u32,
    /// How often a round is done again that the machine or others disturbed; 0 does not wait for a quiet machine either.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=20))]
    repeats: u32,
    /// A fifth of the time, one round and no repeats: to see that everything works, not to quote.
    #[arg(long)]
    quick: bool,
    /// Writes every round's figures and the targets.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// cargo passes it to every bench.
    #[arg(long, hide = true)]
    bench: bool,
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
        let (rounds, repeats) = if self.quick { (1, 0) } else { (self.rounds, self.repeats) };
        let bench = Bench::start(rounds, repeats, self.quick)?;
        println!("{}", bench.machine);
        if bench.present(&[Client::Prometheus]).is_empty() {
            println!("prometheus is not installed: skipped. To measure it: apt-get install prometheus");
        }
        let mut report = Report::default();
        let all: [(Case, cases::Run); 4] = [
            (Case::Rules, cases::rules::run),
            (Case::Range, cases::range::run),
            (Case::Store, cases::store::run),
            (Case::Exposition, cases::exposition::run),
        ];
        for (_, run) in all.iter().filter(|(case, _)| self.case == Case::All || self.case == *case) {
            let ended = run(&bench, &mut report);
            bench.interrupt.check()?;
            ended?;
        }
        report.print_targets();
        if let Some(path) = &self.json {
            std::fs::write(path, serde_json::to_string_pretty(&report.to_json(&bench.machine))?)?;
            println!("\nwritten to {}", path.display());
        }
        Ok(report.all_reached())
    }
}
