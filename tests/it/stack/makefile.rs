//! Each verb of the Makefile is a call of what exists: a script, or loadgate with a plan and a profile that it has.

use std::path::Path;
use std::process::Command;

use super::{BINARY, ROOT, assert_parses, command, loadgate, read, stderr, stdout};

const VERBS: [&str; 19] = [
    "help",
    "ci",
    "build",
    "docker-up",
    "docker-down",
    "slo-test",
    "slo-validate",
    "token",
    "grafana-password",
    "clean",
    "load-test",
    "test-load-k6",
    "test-load-python",
    "test-load-baseline",
    "test-load-rampup",
    "test-load-spike",
    "test-load-sustained",
    "test-load-all",
    "test-stress",
];

fn has_make() -> bool {
    let has = Command::new("make").arg("--version").output().is_ok();
    if !has {
        println!("skipped: no `make` here");
    }
    has
}

/// The lines that make would have the shell do.
fn recipe(arguments: &[&str]) -> Vec<String> {
    let output = command("make").arg("-n").arg("LOADGATE=loadgate").args(arguments).output().unwrap();
    assert!(output.status.success(), "make {arguments:?}: {}", stderr(&output));
    stdout(&output).lines().map(str::to_owned).collect()
}

#[test]
fn each_verb_calls_what_exists() {
    if !has_make() {
        return;
    }
    let mut runs = 0;
    for verb in VERBS {
        let lines = recipe(&[verb]);
        assert!(!lines.is_empty(), "{verb} does nothing");
        for line in lines {
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["loadgate", ref arguments @ ..] => {
                    assert_parses(arguments);
                    let ["run", plan, "--profile", profile, ..] = arguments[..] else { panic!("{line}") };
                    let checked = loadgate(&["check", plan, "--profile", profile]);
                    assert!(checked.status.success(), "{line}\n{}", stderr(&checked));
                    runs += 1;
                }
                [script, ..] if script.starts_with("scripts/") || script.starts_with("./") => {
                    assert!(Path::new(ROOT).join(script).is_file(), "{line}");
                }
                ["mkdir" | "rm" | "awk" | "if", ..] => {}
                _ => panic!("{verb}: {line}"),
            }
        }
    }
    assert!(runs >= 10, "{runs}");
}

#[test]
fn help_lists_each_verb() {
    if !has_make() {
        return;
    }
    let help = stdout(&command("make").arg("help").output().unwrap());
    for verb in VERBS {
        let short = verb.trim_start_matches("test-load");
        assert!(help.contains(verb) || help.contains(short), "{verb}:\n{help}");
    }
}

/// As the seeds call it: a duration in seconds, without a unit.
#[test]
fn events_go_where_and_as_they_are_told() {
    if !has_make() {
        return;
    }
    let told = ["EVENT_TYPE=build", "CONCURRENT=7", "BROKER_URL=http://localhost:8081"];
    let run = |duration: &str| recipe(&[&["test-load-python", duration], &told[..]].concat()).pop().unwrap();
    let line = run("DURATION=30");
    for part in ["EVENT_TYPE=build", "CONCURRENT=7", "BROKER_URL=http://localhost:8081", "DURATION=30s"] {
        assert!(line.split_whitespace().any(|word| word == part), "{line}");
    }
    assert!(run("DURATION=5m").ends_with("DURATION=5m"));
}

/// The suite ends with the first run that does not pass, and with its exit code.
#[test]
fn the_first_run_that_fails_ends_the_suite() {
    if !has_make() {
        return;
    }
    let results = tempfile::TempDir::new().unwrap();
    let output = command("make")
        .args(["load-test", &format!("RESULTS={}", results.path().display()), &format!("LOADGATE={BINARY}")])
        // Nobody has this port: nothing passes there.
        .env("BASE_URL", "http://127.0.0.1:1")
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert_eq!(stdout(&output).matches(" run config/plans/api-rates.yml ").count(), 1, "{}", stdout(&output));
    assert!(read("Makefile").contains("api-stress"));
}
