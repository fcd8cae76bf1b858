//! `loadgate check` of a daemon's configuration.

use std::path::Path;
use std::str::FromStr as _;

use crate::cli::files::{complain, read_text, say};
use crate::config::{DaemonConfig, MAX_TEXT_BYTES, Problem, Problems, Tokens};
use crate::{notify, prometheus};

/// Whether a file is a daemon's configuration; of one that cannot be read its plan says why.
pub(super) fn holds_config(path: &Path) -> bool {
    read_text(path, MAX_TEXT_BYTES).is_ok_and(|text| DaemonConfig::is_meant_by(&text))
}

/// Says what there is to say about a daemon's configuration, and whether it has no errors.
pub(super) fn check_config(path: &Path) -> bool {
    match read_config(path) {
        Ok(config) => {
            say(&format!("{}: ok, listens on {}\n", path.display(), config.listen.value));
            true
        }
        Err(message) => {
            complain(&message);
            false
        }
    }
}

/// Reads a daemon's configuration, and looks at what it names. A file of tokens that is not there yet is a warning.
///
/// # Errors
/// What is wrong, for people.
pub(in crate::cli) fn read_config(path: &Path) -> Result<DaemonConfig, String> {
    let shown = path.display().to_string();
    let text = read_text(path, MAX_TEXT_BYTES)
        .map_err(|error| format!("error: failed to read the configuration {shown}: {error}"))?;
    let config = DaemonConfig::read(&shown, &text).map_err(|problems| problems.to_string())?;
    let mut problems = Vec::new();
    if let Some(file) = &config.token_file
        && let Err(error) = Tokens::read(&file.value)
    {
        let problem = Problem::new(file.place, format!("failed to {error}"));
        if error.is_missing() {
            let warnings = Problems::new(config.source.clone(), vec![problem]);
            complain(&warnings.as_warnings().to_string());
        } else {
            problems.push(problem);
        }
    }
    if let Some(at) = &config.prometheus
        && let Err(error) = prometheus::Address::from_str(&at.url.value)
    {
        problems.push(Problem::new(at.url.place, error.to_string()));
    }
    for url in &config.alertmanagers {
        if let Err(error) = notify::Address::from_str(&url.value) {
            problems.push(Problem::new(url.place, error.to_string()));
        }
    }
    if problems.is_empty() {
        return Ok(config);
    }
    Err(Problems::new(config.source, problems).to_string())
}
