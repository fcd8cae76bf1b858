//! What stands around the program: scripts, Makefile, docker-compose.yml and the example for GitHub Actions, as far as no
//! engine is needed; with one they are tested by tests/compose/run.sh.

mod compose;
mod documents;
mod makefile;
mod scripts;
mod workflow;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const BINARY: &str = env!("CARGO_BIN_EXE_loadgate");

fn read(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap()
}

/// A program in the repository's folder; what is set where the tests run does not decide what it does.
fn command(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(ROOT).env("ENV_FILE", "/nonexistent/.env").env("LOADGATE", BINARY);
    let decides = |name: &str| {
        name.starts_with("LOADGATE_")
            || name.starts_with("COMPOSE_")
            || name.ends_with("_PORT")
            || name == "DOCKER_HOST"
    };
    for (name, _) in std::env::vars_os().filter(|(name, _)| decides(&name.to_string_lossy())) {
        command.env_remove(name);
    }
    for name in ["VUS", "DURATION", "BASE_URL", "WS_URL", "TEST_TYPE", "SSH_HOST", "RESULTS", "MAKEFLAGS"] {
        command.env_remove(name);
    }
    command
}

fn loadgate(arguments: &[&str]) -> Output {
    command(BINARY).args(arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// Asserts that a command line of loadgate's parses: help is shown once all that stands before it has been understood.
fn assert_parses(words: &[&str]) {
    let output = loadgate(&[words, &["--help"]].concat());
    assert!(output.status.success(), "loadgate {}\n{}", words.join(" "), stderr(&output));
}
