//! One plan per error, with its exact message: `tests/bad-plans/NAME.yml` and `NAME.txt`.
//!
//! `UPDATE_GOLDEN=1` writes the messages anew; read the difference before it is believed.

use std::fs;
use std::path::{Path, PathBuf};

use loadgate::config::{LoadOptions, read};
use loadgate::plan::compile;

#[test]
fn each_bad_plan_is_refused_with_its_message() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    // From the package's folder, where tests run: messages about files that a plan names show this path.
    let folder = Path::new("tests/bad-plans");
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    let mut plans: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "yml")).collect();
    plans.sort();
    assert!(plans.len() >= 45, "only {} bad plans", plans.len());
    let mut wrong = Vec::new();
    for plan in plans {
        let text = fs::read_to_string(&plan).unwrap();
        let loaded = read("plan.yml", &text, &LoadOptions::default());
        let shown = match loaded.and_then(|loaded| compile(&loaded, folder)) {
            Ok(_) => "no error\n".to_owned(),
            Err(problems) => problems.to_string(),
        };
        let golden = plan.with_extension("txt");
        if update {
            fs::write(&golden, &shown).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if shown != expected || !shown.contains("error: ") {
            wrong.push(format!("{}\n--- expected\n{expected}--- shown\n{shown}", plan.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
