//! How a bench is conducted: its options, its cases one after the other, and what its end says.

use std::path::PathBuf;
use std::process::ExitCode;

use crate::bench::Bench;
use crate::report::Report;
use crate::{Failure, Result};

#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// Rounds; the tables show medians.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u32).range(1..=20))]
    pub(crate) rounds: u32,
    /// How often a round is done again that the machine or others disturbed; 0 does not wait for a quiet machine either.
    #[arg(long, default_value_t = crate::cli::REPEATS, value_parser = clap::value_parser!(u32).range(0..=20))]
    pub(crate) repeats: u32,
    /// A fifth of the time, one round and no repeats: to see that everything works, not to quote.
    #[arg(long)]
    pub(crate) quick: bool,
    /// Writes every round's figures and the targets.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// cargo passes it to every bench.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A case prints its tables as it goes and leaves its targets in the report.
pub(crate) type Case = fn(&Bench, &mut Report) -> Result<()>;

/// Whether every target that could be measured was reached. An interrupt is told from what it broke.
pub(crate) fn conduct(
    bench: &Bench,
    options: &Options,
    cases: impl IntoIterator<Item = Case>,
) -> Result<bool> {
    let mut report = Report::default();
    for case in cases {
        let ended = case(bench, &mut report);
        bench.interrupt.check()?;
        ended?;
    }
    report.print_targets();
    if let Some(path) = &options.json {
        std::fs::write(path, serde_json::to_string_pretty(&report.to_json(&bench.machine))?)?;
        println!("\nwritten to {}", path.display());
    }
    Ok(report.all_reached())
}

/// 0: every target was reached; 2: one was missed.
pub(crate) fn exit_code(name: &str, outcome: std::result::Result<bool, Failure>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(failure) => {
            eprintln!("{name}: {failure}");
            ExitCode::FAILURE
        }
    }
}
