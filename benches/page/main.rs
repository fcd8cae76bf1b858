//! What the page promises, seen in Chromium: how soon it shows something, what it costs the daemon, and how large and how
//! quick a report is: see `benches/README.md`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing tables is what a bench is for")]

mod bench;
#[path = "../../tests/it/stage/browser/mod.rs"]
#[expect(clippy::unwrap_used, reason = "the tests' own browser: what it cannot go on with ends the bench")]
#[expect(dead_code, reason = "the tests do more with it")]
mod browser;
mod cases;
mod cli;
#[path = "../shared/http.rs"]
mod http;
#[path = "../shared/moving.rs"]
mod moving;
#[path = "../shared/runs.rs"]
#[expect(dead_code, reason = "`daemon` asks for more of its runs")]
mod runs;
#[path = "../shared/service.rs"]
#[expect(dead_code, reason = "`daemon` is rougher to what it starts")]
mod service;
mod stage;
#[path = "../shared/table.rs"]
#[expect(dead_code, reason = "`daemon` has targets that are at least something")]
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
            eprintln!("page: {failure}");
            ExitCode::FAILURE
        }
    }
}
