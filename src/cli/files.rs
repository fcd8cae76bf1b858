//! Reading plans and writing results.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::Failure;
use crate::config::{LoadOptions, MAX_PLAN_BYTES, read};
use crate::plan::{Plan, compile};

/// What chooses and fills in a plan, from the command line.
#[derive(Debug, Default, Clone, clap::Args)]
pub(super) struct PlanArgs {
    /// The plan's profile to apply (default: the plan's `default_profile`)
    #[arg(long, env = "LOADGATE_PROFILE", value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// Sets a variable that the plan declares under `vars`; may be repeated
    #[arg(short, long, env = "LOADGATE_ENV", value_name = "NAME=VALUE", value_parser = pair)]
    pub(super) env: Vec<(String, String)>,
}

impl PlanArgs {
    /// `LOADGATE_ENV` holds all pairs, with `;` between them; a flag's value is one pair, whatever is in it.
    pub(super) fn split_env(&mut self, from_environment: bool) {
        if from_environment {
            let listed =
                self.env.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(";");
            self.env = listed.split(';').filter_map(|item| pair(item).ok()).collect();
        }
    }
}

/// Reads and compiles a plan.
pub(super) fn read_plan(path: &Path, args: &PlanArgs) -> Result<Plan, Failure> {
    let shown = path.display();
    let text = read_bounded(path)
        .map_err(|error| Failure::invalid(format!("error: failed to read the plan {shown}: {error}")))?;
    let base = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    compile_plan(&shown.to_string(), &text, &base, args)
}

/// Never reads more than a plan may have: what is named may be a device, or some huge file by mistake.
fn read_bounded(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    fs::File::open(path)?.take(MAX_PLAN_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    if bytes.len() > MAX_PLAN_BYTES {
        return Err(io::Error::other(format!("it has more than {MAX_PLAN_BYTES} bytes")));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8"))
}

pub(super) fn compile_plan(file: &str, text: &str, base: &Path, args: &PlanArgs) -> Result<Plan, Failure> {
    let environment = |name: &str| std::env::var(name).ok();
    let options =
        LoadOptions { env_flags: args.env.clone(), profile: args.profile.clone(), environment: &environment };
    let invalid = |problems: crate::config::Problems| Failure::invalid(problems.to_string());
    let loaded = read(file, text, &options).map_err(invalid)?;
    compile(&loaded, base).map_err(invalid)
}

/// `NAME=VALUE`
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("expected NAME=VALUE, not `{text}`")),
    }
}

/// Writes beside the file and renames, so that a reader never sees half of it.
pub(super) fn write_whole(path: &Path, text: &str) -> Result<(), Failure> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.tmp", std::process::id()));
    let beside = PathBuf::from(beside);
    let written = fs::write(&beside, text).and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&beside);
        Failure::internal(&format!("write {}", path.display()), error)
    })
}

/// To stdout. A reader that has gone away is no reason to fail.
pub(super) fn say(text: &str) {
    let mut out = io::stdout().lock();
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

/// To stderr.
pub(super) fn complain(text: &str) {
    let mut err = io::stderr().lock();
    let _ = err.write_all(text.trim_end().as_bytes()).and_then(|()| err.write_all(b"\n"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_an_end_is_refused_at_once() {
        let failure = read_plan(Path::new("/dev/zero"), &PlanArgs::default()).map(drop).unwrap_err();
        let expected = "error: failed to read the plan /dev/zero: it has more than 1048576 bytes";
        assert_eq!((failure.to_string().as_str(), failure.code), (expected, 104));
    }
}
