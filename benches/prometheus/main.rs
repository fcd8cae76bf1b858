//! Measures what makes loadgate a Prometheus of its own: rules, queries, the store and `/metrics`, beside Debian's Prometheus
//! where the two do the same: see `benches/README.md`.
//!
//! As `peers`, one program in two parts: the conductor starts what is measured, each in a process of its own.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing tables is what a bench is for")]

#[path = "../shared/bench.rs"]
mod bench;
mod cases;
mod cli;
mod clients;
#[path = "../shared/conduct.rs"]
mod conduct;
mod figures;
mod hour;
mod http;
#[path = "../shared/machine.rs"]
mod machine;
#[path = "../shared/moving.rs"]
mod moving;
mod page;
mod peer;
#[path = "../shared/probe.rs"]
mod probe;
#[path = "../shared/process.rs"]
#[expect(dead_code, reason = "peers looks at more of a process")]
mod process;
#[path = "../shared/report.rs"]
#[expect(dead_code, reason = "peers has other kinds of bounds")]
mod report;
mod roles;
#[path = "../shared/rounds.rs"]
mod rounds;
#[path = "../shared/rows.rs"]
mod rows;
mod work;

use std::process::ExitCode;

use clap::Parser as _;

/// As loadgate itself.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What stops a case.
pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;
pub(crate) type Result<T> = std::result::Result<T, Failure>;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().collect();
    let outcome = match args.get(1).map(String::as_str) {
        Some("role") => roles::Role::parse_from(&args[1..]).run().map(|()| true),
        _ => cli::Cli::parse().run(),
    };
    conduct::exit_code("prometheus", outcome)
}
