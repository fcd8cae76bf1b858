//! The command line: one file per command.

mod check;
mod demo;
mod doctor;
mod files;
mod healthcheck;
mod listener;
mod log;
mod outputs;
mod process;
mod rules;
mod run;
mod runs;
mod schema;
mod segment;
mod serve;
mod serve_metrics;
mod server_run;
mod target;

use std::process::ExitCode;

use clap::parser::ValueSource;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

/// Of an invalid plan or rule file, as in k6.
const INVALID_PLAN: u8 = 104;
/// Of a run whose gates did not hold, as in k6, and of rules whose tests fail.
const FAILED: u8 = 99;
/// The command line is wrong: clap's code.
const USAGE: u8 = 2;
/// Our own fault.
const INTERNAL: u8 = 1;

#[derive(Debug, Parser)]
#[command(
    name = "loadgate",
    version,
    about = "A Prometheus-native load-test harness and exporter",
    long_about = "A Prometheus-native load-test harness and exporter.\n\n\
        A plan (YAML) says what load to send, what to scrape meanwhile and what must hold.\n\
        A run is one execution of a plan; it ends with a verdict, which is the exit code:\n\n\
        \x20 0 passed · 99 failed · 98 inconclusive · 97 preflight or setup failed · 104 invalid plan · 105 stopped · 1 our own fault",
    after_help = "Try it, with nothing else installed:\n  loadgate demo"
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Run(Box<run::Run>),
    Runs(runs::Runs),
    Serve(serve::Serve),
    Check(check::Check),
    Rules(rules::Rules),
    Target(target::Target),
    Schema(schema::Schema),
    Healthcheck(healthcheck::Healthcheck),
    Doctor(doctor::Doctor),
}

/// Parses the command line and runs the command.
pub fn main() -> ExitCode {
    let matches = Cli::command().get_matches();
    let command = Cli::from_arg_matches(&matches).map(|cli| cli.command).unwrap_or_else(|error| error.exit());
    let mut given = &matches;
    // `rules generate` is a command within a command.
    while let Some((_, inner)) = given.subcommand() {
        given = inner;
    }
    let from_environment = |flag: &str| given.value_source(flag) == Some(ValueSource::EnvVariable);
    let outcome = match command {
        Command::Demo(demo) => demo.execute(),
        Command::Run(mut run) => {
            run.plan.split_env(from_environment("env"));
            run.execute()
        }
        Command::Serve(serve) => serve.execute(),
        Command::Check(mut check) => {
            check.plan.split_env(from_environment("env"));
            check.execute()
        }
        Command::Rules(mut rules) => {
            rules.split_env(|| from_environment("env"));
            rules.execute()
        }
        Command::Target(target) => target.execute(),
        Command::Schema(schema) => schema.execute(),
        Command::Runs(runs) => runs.execute(),
        Command::Healthcheck(healthcheck) => healthcheck.execute(),
        Command::Doctor(mut doctor) => {
            doctor.plan.split_env(from_environment("env"));
            doctor.execute()
        }
    };
    match outcome {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            files::complain(&failure.to_string());
            ExitCode::from(failure.code)
        }
    }
}

/// A command that could not do its work: what to say, and the exit code.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
struct Failure {
    message: String,
    code: u8,
}

impl Failure {
    fn internal(what: &str, error: impl std::fmt::Display) -> Self {
        Failure { message: format!("error: failed to {what}: {error}"), code: INTERNAL }
    }

    fn usage(message: impl Into<String>) -> Self {
        Failure { message: message.into(), code: USAGE }
    }

    fn invalid(message: impl Into<String>) -> Self {
        Failure { message: message.into(), code: INVALID_PLAN }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_flag_has_an_environment_variable_and_every_command_an_example() {
        for command in Cli::command().get_subcommands() {
            let name = command.get_name();
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains(&format!("loadgate {name}")), "{name} shows no example");
            for flag in command.get_arguments().filter(|argument| argument.get_long().is_some()) {
                let env = flag.get_env().map(|env| env.to_string_lossy().into_owned()).unwrap_or_default();
                assert!(env.starts_with("LOADGATE_"), "{name} --{} has no LOADGATE_ variable", flag.get_id());
            }
        }
    }
}
