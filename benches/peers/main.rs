//! Measures loadgate side by side with its peers, on one machine in one run: see `benches/README.md`.
//!
//! One program in two parts. The conductor (this process) starts servers and clients, pins them, reads what they used from
//! `/proc` and prints the tables. Every server and every bare client is this same program again, started with
//! `role NAME`, so that its CPU and memory are its own.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing tables is what a bench is for")]

#[path = "../shared/bench.rs"]
mod bench;
mod cases;
mod cli;
mod clients;
#[path = "../shared/conduct.rs"]
mod conduct;
mod figures;
mod load;
#[path = "../shared/machine.rs"]
mod machine;
mod measure;
#[path = "../shared/probe.rs"]
mod probe;
#[path = "../shared/process.rs"]
mod process;
#[path = "../shared/report.rs"]
mod report;
mod roles;
#[path = "../shared/rounds.rs"]
mod rounds;
#[path = "../shared/rows.rs"]
mod rows;
mod scraper;

use std::process::ExitCode;

use clap::Parser as _;

/// What stops a case; printed and gone on from, except an interrupt.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Result<T> = std::result::Result<T, Failure>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let outcome = match args.get(1).map(String::as_str) {
        Some("role") => roles::Role::parse_from(&args[1..]).run().map(|()| true),
        _ => cli::Cli::parse().run(),
    };
    conduct::exit_code("peers", outcome)
}
