//! Reading plans and writing results.

use std::fs;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use super::Failure;
use crate::config::{LoadOptions, MAX_TEXT_BYTES, read};
use crate::plan::{Plan, Reach, compile_within};
use crate::protocol::AllowedTarget;

/// What chooses and fills in a plan, from the command line.
#[derive(Debug, Default, Clone, clap::Args)]
pub(super) struct PlanArgs {
    /// The plan's profile to apply (default: the plan's `default_profile`)
    #[arg(long, env = "LOADGATE_PROFILE", value_name = "NAME")]
    pub(super) profile: Option<String>,
    /// Sets a variable that the plan declares under `vars`; may be repeated
    #[arg(short, long, env = "LOADGATE_ENV", value_name = "NAME=VALUE", value_parser = pair)]
    pub(super) env: Vec<(String, String)>,
    /// A host that only the run will know (a redirect's, a URL of a data file): load goes to this machine and to hosts
    /// that the plan's URLs name when it is loaded. A name, `*.example.com`, an address or a network; may be repeated
    #[arg(long, env = "LOADGATE_ALLOW_TARGET", value_name = "HOST", value_delimiter = ',')]
    pub(super) allow_target: Vec<AllowedTarget>,
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
    let text = read_text(path, MAX_TEXT_BYTES)
        .map_err(|error| Failure::invalid(format!("error: failed to read the plan {shown}: {error}")))?;
    let base = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    compile_plan(&shown.to_string(), &text, &base, args)
}

pub(super) fn compile_plan(file: &str, text: &str, base: &Path, args: &PlanArgs) -> Result<Plan, Failure> {
    let environment = |name: &str| std::env::var(name).ok();
    let options =
        LoadOptions { env_flags: args.env.clone(), profile: args.profile.clone(), environment: &environment };
    let invalid = |problems: crate::config::Problems| Failure::invalid(problems.to_string());
    let loaded = read(file, text, &options).map_err(invalid)?;
    let reach = Reach::Foreground { more: args.allow_target.clone() };
    compile_within(&loaded, base, &reach).map_err(invalid)
}

/// `NAME=VALUE`
pub(super) fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err(format!("expected NAME=VALUE, not `{text}`")),
    }
}

/// No more than shows that it is too much: the file may be endless.
pub(super) fn read_text(path: &Path, max_bytes: usize) -> io::Result<String> {
    let mut text = Vec::new();
    let file = fs::File::open(path)?;
    let bytes = file.metadata()?.len();
    if file.take(max_bytes as u64 + 1).read_to_end(&mut text)? > max_bytes {
        let found = if bytes > 0 { format!("has {bytes} bytes") } else { "does not end".to_owned() };
        return Err(io::Error::other(format!("it {found}, and at most {max_bytes} bytes are read")));
    }
    String::from_utf8(text).map_err(|_| io::Error::other("it is not text in UTF-8"))
}

/// Fails early where [`write_whole`] would fail late, after a long run.
pub(super) fn check_writable(path: &Path) -> Result<(), Failure> {
    let checked = match kind_of(path) {
        Kind::Directory => Err(io::ErrorKind::IsADirectory.into()),
        Kind::Special => Ok(()),
        Kind::Plain(path) => {
            let beside = beside(&path);
            fs::write(&beside, "").and_then(|()| fs::remove_file(&beside))
        }
    };
    checked.map_err(|error| Failure::internal(&format!("write {}", path.display()), error))
}

/// Writes beside the file and renames, so that a reader never sees half of it.
pub(super) fn write_whole(path: &Path, text: &str) -> Result<(), Failure> {
    let written = match kind_of(path) {
        Kind::Directory => Err(io::ErrorKind::IsADirectory.into()),
        // A pipe or a device is written to; a rename would put a file in its place.
        Kind::Special => {
            fs::OpenOptions::new().write(true).open(path).and_then(|mut out| out.write_all(text.as_bytes()))
        }
        Kind::Plain(path) => {
            let beside = beside(&path);
            fs::write(&beside, text).and_then(|()| fs::rename(&beside, &path)).inspect_err(|_| {
                let _ = fs::remove_file(&beside);
            })
        }
    };
    written.map_err(|error| Failure::internal(&format!("write {}", path.display()), error))
}

/// What a result is written to.
enum Kind {
    Directory,
    /// A device, a pipe, a socket.
    Special,
    /// A file, or none yet: what a symbolic link points to.
    Plain(PathBuf),
}

fn kind_of(path: &Path) -> Kind {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Kind::Directory,
        Ok(found) if found.is_file() => {
            Kind::Plain(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()))
        }
        Ok(_) => Kind::Special,
        Err(_) => Kind::Plain(path.to_owned()),
    }
}

fn beside(path: &Path) -> PathBuf {
    let mut beside = path.as_os_str().to_owned();
    beside.push(format!(".{}.tmp", std::process::id()));
    PathBuf::from(beside)
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

    fn directory(name: &str) -> PathBuf {
        let directory = std::env::temp_dir().join(format!("loadgate-files-{}-{name}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        directory
    }

    #[test]
    fn a_symbolic_link_stays_one_when_what_it_points_to_is_written() {
        let directory = directory("link");
        let (file, link) = (directory.join("file"), directory.join("link"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        check_writable(&link).unwrap();
        write_whole(&link, "new").unwrap();
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 2, "nothing is left beside");
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_device_is_written_to_and_not_replaced() {
        assert!(matches!(kind_of(Path::new("/dev/null")), Kind::Special));
    }

    #[test]
    fn what_cannot_be_written_is_refused_before_it_is() {
        let directory = directory("refused");
        assert!(check_writable(&directory).is_err());
        assert!(check_writable(&directory.join("none/file")).is_err());
        assert!(check_writable(&directory.join("file")).is_ok());
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 0, "nothing is left");
        fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_file_without_end_is_refused() {
        let message = read_text(Path::new("/dev/zero"), MAX_TEXT_BYTES).unwrap_err().to_string();
        assert_eq!(message, "it does not end, and at most 1048576 bytes are read");
    }
}
