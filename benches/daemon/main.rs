//! What the daemon promises, tried on the real program: that a kill loses and doubles nothing, that the API does not
//! disturb the load, that nothing grows in an hour, and that a comparison finds what got worse: see `benches/README.md`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing tables is what a bench is for")]

mod bench;
mod cases;
mod cli;
mod counter;
#[path = "../shared/http.rs"]
mod http;
#[path = "../shared/runs.rs"]
mod runs;
#[path = "../shared/service.rs"]
#[expect(dead_code, reason = "`page` looks at its CPU")]
mod service;
#[path = "../shared/table.rs"]
mod table;

use std::process::ExitCode;

use clap::Parser as _;

/// What stops a case.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Result<T> = std::result::Result<T, Failure>;

fn main() -> ExitCode {
    match cli::Cli::parse().run() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::from(2),
        Err(failure) => {
            eprintln!("daemon: {failure}");
            ExitCode::FAILURE
        }
    }
}
