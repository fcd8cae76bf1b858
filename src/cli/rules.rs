//! `loadgate rules`: checks rule files, runs their unit tests, and makes one of a plan's thresholds.

mod generate;

use std::path::{Path, PathBuf};

use super::files::{complain, read_text, say};
use super::{FAILED, Failure, INVALID_PLAN};
use crate::rules::RuleFile;
use crate::rules::unit_test::TestFile;

/// Check rule files as Prometheus loads them, run their unit tests, and make one of a plan's thresholds
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  loadgate rules check alerting/rules/*.yml\n  loadgate rules test alerting/tests/*.yml\n  loadgate rules generate config/plans/chat-streaming.yml"
)]
pub(super) struct Rules {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    Check(Check),
    Test(Test),
    Generate(generate::Generate),
}

/// Check rule files: every error with file, line, column, the line, and what was expected
///
/// What Prometheus 3 loads is accepted, what it refuses is refused. Beside that, warnings on stderr say what is
/// doubtful: a gate that drops the label `testid`, rules with the same name and labels, a group without an interval,
/// an unknown value of the labels `gate` and `abort`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code: 0, also with warnings; 104 when a file has errors.\n\nExample:\n  loadgate rules check alerting/rules/*.yml"
)]
struct Check {
    /// Rule files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

/// Run unit tests of rules, in promtool's format
///
/// A test file names rule files, series over time, and which alerts fire and what queries give. The format is that of
/// `promtool test rules`; semantics are those of Prometheus 3.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code: 0 when all tests pass; 99 when one fails; 104 when a file has errors.\n\nExample:\n  loadgate rules test alerting/tests/*.yml"
)]
struct Test {
    /// Files of unit tests
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
}

impl Rules {
    /// As [`PlanArgs::split_env`](super::files::PlanArgs::split_env), where a plan is read.
    pub(super) fn split_env(&mut self, from_environment: impl Fn() -> bool) {
        if let Command::Generate(generate) = &mut self.command {
            generate.plan.split_env(from_environment());
        }
    }

    pub(super) fn execute(self) -> Result<u8, Failure> {
        match self.command {
            Command::Check(check) => Ok(check.execute()),
            Command::Test(test) => Ok(test.execute()),
            Command::Generate(generate) => generate.execute(),
        }
    }
}

impl Check {
    fn execute(self) -> u8 {
        let good = self.files.iter().filter(|path| check_rules(path)).count();
        if good == self.files.len() { 0 } else { INVALID_PLAN }
    }
}

/// Says what there is to say about a rule file, and whether it has no errors.
pub(super) fn check_rules(path: &Path) -> bool {
    match read_rules(path) {
        Ok((file, warnings)) => {
            if let Some(warnings) = warnings {
                complain(&warnings);
            }
            let rules: usize = file.groups.iter().map(|group| group.rules.len()).sum();
            let groups = counted(file.groups.len(), "group");
            say(&format!("{}: ok, {groups}, {}\n", path.display(), counted(rules, "rule")));
            true
        }
        Err(message) => {
            complain(&message);
            false
        }
    }
}

/// Whether a file holds groups of rules, which no plan does; of one that cannot be read its plan says why.
pub(super) fn holds_rules(path: &Path) -> bool {
    let text = read_text(path, RuleFile::MAX_BYTES).unwrap_or_default();
    text.lines().any(|line| line.starts_with("groups:"))
}

impl Test {
    fn execute(self) -> u8 {
        let (mut failed, mut invalid) = (false, false);
        for path in &self.files {
            let shown = path.display();
            match run_tests(path) {
                Ok((tests, failures)) if failures.is_empty() => {
                    say(&format!("{shown}: SUCCESS, {}\n", counted(tests, "test")));
                }
                Ok((_, failures)) => {
                    failed = true;
                    say(&format!("{shown}: FAILED\n"));
                    complain(&failures);
                }
                Err(message) => {
                    invalid = true;
                    say(&format!("{shown}: FAILED\n"));
                    complain(&message);
                }
            }
        }
        match (failed, invalid) {
            (true, _) => FAILED,
            (false, true) => INVALID_PLAN,
            (false, false) => 0,
        }
    }
}

/// A rule file and its warnings as text; else why it is none.
fn read_rules(path: &Path) -> Result<(RuleFile, Option<String>), String> {
    let shown = path.display().to_string();
    let text = read_text(path, RuleFile::MAX_BYTES)
        .map_err(|error| format!("error: failed to read the rule file {shown}: {error}"))?;
    let checked = RuleFile::read(&shown, &text).map_err(|problems| problems.to_string())?;
    let warnings = &checked.warnings;
    let warnings = (!warnings.list.is_empty()).then(|| warnings.as_warnings().to_string());
    Ok((checked.file, warnings))
}

/// How many tests there are, and what failed as text; else why there is nothing to be tested.
fn run_tests(path: &Path) -> Result<(usize, String), String> {
    let shown = path.display().to_string();
    let text = read_text(path, RuleFile::MAX_BYTES)
        .map_err(|error| format!("error: failed to read the test file {shown}: {error}"))?;
    let file = TestFile::read(&shown, &text).map_err(|problems| problems.to_string())?;
    let mut rule_files = Vec::new();
    let mut errors = String::new();
    let folder = path.parent().unwrap_or(Path::new(""));
    for pattern in &file.rule_files {
        let found = matching(folder, pattern)?;
        if found.is_empty() {
            complain(&format!("warning: {shown}: no rule file matches `{pattern}`"));
        }
        for path in found {
            match read_rules(&path) {
                Ok((file, _)) => rule_files.push(file),
                Err(message) => errors.push_str(&message),
            }
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let failures = file.run(&rule_files);
    Ok((file.len(), failures.iter().map(ToString::to_string).collect()))
}

/// The files that a pattern matches, from the folder that names it, in alphabetical order.
fn matching(folder: &Path, pattern: &str) -> Result<Vec<PathBuf>, String> {
    let from = folder.join(pattern);
    // The folder is no pattern, whatever characters are in its name.
    let whole = if Path::new(pattern).is_absolute() {
        pattern.to_owned()
    } else {
        Path::new(&glob::Pattern::escape(&folder.to_string_lossy()))
            .join(pattern)
            .to_string_lossy()
            .into_owned()
    };
    if from.is_file() {
        return Ok(vec![from]);
    }
    let paths = glob::glob(&whole).map_err(|error| format!("error: `{pattern}` is no pattern: {error}\n"))?;
    Ok(paths.filter_map(Result::ok).collect())
}

fn counted(count: usize, what: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {what}{plural}")
}
