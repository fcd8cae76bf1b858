//! The count of passed, failed and skipped cases, per file and in total.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::run::{self, Failure, Skipped, Tally};

pub(crate) struct Report {
    directory: PathBuf,
    files: Vec<(String, Tally)>,
}

impl Report {
    /// Of all `*.test` files of a directory.
    pub(crate) fn of(directory: &Path) -> io::Result<Report> {
        let mut names = Vec::new();
        for entry in fs::read_dir(directory)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name.ends_with(".test") {
                names.push(name);
            }
        }
        names.sort();
        let file = |name: String| {
            let text = fs::read(directory.join(&name))?;
            Ok((name, run::file(&String::from_utf8_lossy(&text))))
        };
        let files = names.into_iter().map(file).collect::<io::Result<_>>()?;
        Ok(Report { directory: directory.to_owned(), files })
    }

    pub(crate) fn print(&self) {
        let mut text = format!("promqltest {}\n", self.directory.display());
        for (name, tally) in &self.files {
            let Tally { passed, failed, skipped, .. } = tally;
            text += &format!("{name}: {passed} passed, {} failed, {} skipped\n", failed.len(), skipped.len());
        }
        let passed: usize = self.files.iter().map(|(_, tally)| tally.passed).sum();
        text += &format!("total: {passed} passed, {} failed, {} skipped\n", self.failed(), self.skipped());
        text += &self.reasons();
        text += &self.failures();
        if std::env::var_os("PROMQLTEST_LIST_SKIPPED").is_some() {
            for (name, tally) in &self.files {
                for Skipped { line, case, why } in &tally.skipped {
                    text += &format!("skipped, {why}: {name}:{line}: {case}\n");
                }
            }
        }
        say(&text);
    }

    fn reasons(&self) -> String {
        let mut text = String::new();
        let mut reasons: BTreeMap<_, usize> = BTreeMap::new();
        for skipped in self.files.iter().flat_map(|(_, tally)| &tally.skipped) {
            *reasons.entry(&skipped.why).or_default() += 1;
        }
        for (reason, count) in reasons {
            text += &format!("  {count} skipped: {reason}\n");
        }
        let unpinned: usize = self.files.iter().map(|(_, tally)| tally.unpinned).sum();
        if unpinned > 0 {
            text += &format!("  {unpinned} passed, but not again with `@`: the parser cannot write them\n");
        }
        text
    }

    fn failures(&self) -> String {
        let mut text = String::new();
        for (name, tally) in &self.files {
            for Failure { line, case, run, difference } in &tally.failed {
                let place = self.directory.join(name);
                text += &format!("failed: {}:{line}: {case}\n    {run}\n", place.display());
                text += &format!("    expected: {}\n    got: {}\n", difference.expected, difference.got);
            }
        }
        text
    }

    pub(crate) fn failed(&self) -> usize {
        self.files.iter().map(|(_, tally)| tally.failed.len()).sum()
    }

    pub(crate) fn skipped(&self) -> usize {
        self.files.iter().map(|(_, tally)| tally.skipped.len()).sum()
    }

    pub(crate) fn ran(&self) -> usize {
        self.files.iter().map(|(_, tally)| tally.passed + tally.failed.len()).sum()
    }

    /// `None` where there is no such file.
    pub(crate) fn ran_of(&self, name: &str) -> Option<usize> {
        let (_, tally) = self.files.iter().find(|(known, _)| known == name)?;
        Some(tally.passed + tally.failed.len())
    }
}

/// Straight to standard output: `cargo test` shows it without `--nocapture`, too.
pub(crate) fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = writeln!(out, "\n{}", text.trim_end());
    let _ = out.flush();
}
