//! One file per error, with its exact message: `tests/bad-rules/NAME.yml` and `tests/bad-rule-tests/NAME.yml`, each
//! with `NAME.txt`.
//!
//! `UPDATE_GOLDEN=1` writes the messages anew; read the difference before it is believed.

use std::fs;
use std::path::{Path, PathBuf};

use loadgate::rules::RuleFile;
use loadgate::rules::unit_test::TestFile;

fn check(folder: &str, at_least: usize, said: impl Fn(&str) -> String) {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join(folder);
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "yml")).collect();
    files.sort();
    assert!(files.len() >= at_least, "only {} files", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let shown = said(&fs::read_to_string(&file).unwrap());
        let golden = file.with_extension("txt");
        if update {
            fs::write(&golden, &shown).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if shown != expected || !shown.contains(": ") {
            wrong.push(format!("{}\n--- expected\n{expected}--- shown\n{shown}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn each_bad_rule_file_is_refused_or_doubted_with_its_message() {
    check("bad-rules", 17, |text| match RuleFile::read("rules.yml", text) {
        Ok(checked) => checked.warnings.as_warnings().to_string(),
        Err(problems) => problems.to_string(),
    });
}

#[test]
fn each_bad_test_file_is_refused_with_its_message() {
    check("bad-rule-tests", 2, |text| match TestFile::read("tests.yml", text) {
        Ok(_) => "no error".to_owned(),
        Err(problems) => problems.to_string(),
    });
}
