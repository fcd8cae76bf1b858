//! Runs files of Prometheus' own test language: ours beside this file, and Prometheus' where `PROMQLTEST_DIR` says, by
//! default in `../shared/promqltest`. What is counted goes to the terminal, past the test harness.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails, also in its helpers")]

mod check;
mod pinned;
mod report;
mod run;
mod said;
mod script;
mod skip;
mod storage;

use std::path::{Path, PathBuf};

use report::Report;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// Evaluations of the given files that read floats alone, and nothing experimental: with fewer, too much is left out.
/// (Of `histograms.test` 75 more have no `{{…}}` in them, but read the native histograms that `load_with_nhcb` makes.)
const AT_LEAST: [(&str, usize); 8] = [
    ("aggregators.test", 124),
    ("collision.test", 2),
    ("functions.test", 262),
    ("histograms.test", 83),
    ("literals.test", 25),
    ("operators.test", 142),
    ("selectors.test", 31),
    ("staleness.test", 17),
];

#[test]
fn our_own_cases_pass() {
    let report = Report::of(&Path::new(ROOT).join("tests/promqltest/cases")).unwrap();
    report.print();
    assert!(report.ran() >= 1, "there are no cases");
    assert_eq!((report.failed(), report.skipped()), (0, 0), "see the cases listed above");
}

#[test]
fn prometheus_own_cases_pass() {
    let given = std::env::var_os("PROMQLTEST_DIR").map(PathBuf::from);
    let directory = given.clone().unwrap_or_else(|| Path::new(ROOT).join("../shared/promqltest"));
    if !directory.is_dir() {
        assert!(given.is_none(), "PROMQLTEST_DIR is no directory: {}", directory.display());
        report::say(&format!("promqltest: skipped, there is no {}", directory.display()));
        return;
    }
    let report = Report::of(&directory).unwrap();
    report.print();
    assert_eq!(report.failed(), 0, "see the cases listed above");
    if given.is_none() {
        for (name, at_least) in AT_LEAST {
            let ran = report.ran_of(name);
            assert!(ran.is_none_or(|ran| ran >= at_least), "{name}: {ran:?} ran, and {at_least} can");
        }
    }
}
