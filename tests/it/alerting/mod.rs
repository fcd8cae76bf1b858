//! The shipped alert rules: promtool and loadgate accept them and pass their tests; labels, windows, metrics, runbooks
//! and the reference agree with them.

mod metrics;
mod routes;
mod rules;
mod runbooks;

use std::fs;
use std::path::{Path, PathBuf};

use loadgate::rules::{RuleFile, RuleKind, RuleSpec};

fn read(path: impl AsRef<Path>) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files in a folder of `alerting/`, in the order of their names.
fn files(folder: &str, extension: &str) -> Vec<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("alerting").join(folder);
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|own| own == extension)).collect();
    files.sort();
    assert!(!files.is_empty(), "alerting/{folder} has no .{extension}");
    files
}

fn stem(path: &Path) -> String {
    path.file_stem().unwrap().to_str().unwrap().to_owned()
}

/// The shipped rule files: name without `.yml`, text, and what it means.
fn rule_files() -> Vec<(String, String, RuleFile)> {
    files("rules", "yml")
        .iter()
        .map(|path| {
            let text = read(path);
            let checked = RuleFile::read(&path.display().to_string(), &text);
            let checked = checked.unwrap_or_else(|problems| panic!("{problems}"));
            assert!(checked.warnings.list.is_empty(), "{}", checked.warnings.as_warnings());
            (stem(path), text, checked.file)
        })
        .collect()
}

/// All alerts, each with the name of its file.
fn alerts() -> Vec<(String, RuleSpec)> {
    let files = rule_files();
    let rules = files.into_iter().flat_map(|(name, _, file)| {
        let rules = file.groups.into_iter().flat_map(|group| group.rules);
        rules.map(move |rule| (name.clone(), rule)).collect::<Vec<_>>()
    });
    rules.filter(|(_, rule)| rule.is_alert()).collect()
}

fn annotation<'a>(rule: &'a RuleSpec, name: &str) -> &'a str {
    let RuleKind::Alert { annotations, .. } = &rule.kind else { panic!("{} is no alert", rule.name) };
    let found = annotations.iter().find(|(known, _)| known == name);
    found.unwrap_or_else(|| panic!("{} has no annotation {name}", rule.name)).1.text()
}

/// What firing means in a file that a plan names: what the label `gate` says, or else `severity`.
fn gate(rule: &RuleSpec) -> &str {
    let by_severity = match rule.label("severity") {
        Some("critical" | "page") => "fail",
        _ => "none",
    };
    rule.label("gate").unwrap_or(by_severity)
}
