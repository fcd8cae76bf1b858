//! One daemon's configuration per error, with its exact message: `tests/bad-configs/NAME.yml` and `NAME.txt`.
//!
//! `UPDATE_GOLDEN=1` writes the messages anew; read the difference before it is believed.

use std::fs;
use std::path::PathBuf;

use loadgate::config::DaemonConfig;

#[test]
fn each_bad_configuration_is_refused_with_its_message() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let entries = fs::read_dir("tests/bad-configs").unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<PathBuf> =
        entries.filter(|path| path.extension().is_some_and(|extension| extension == "yml")).collect();
    files.sort();
    assert!(files.len() >= 10, "only {} bad configurations", files.len());
    let mut wrong = Vec::new();
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let shown = match DaemonConfig::read("loadgate.yml", &text) {
            Ok(_) => "no error\n".to_owned(),
            Err(problems) => problems.to_string(),
        };
        let golden = file.with_extension("txt");
        if update {
            fs::write(&golden, &shown).unwrap();
        }
        let expected = fs::read_to_string(&golden).unwrap_or_default();
        if shown != expected || !shown.contains("error: ") {
            wrong.push(format!("{}\n--- expected\n{expected}--- shown\n{shown}", file.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
