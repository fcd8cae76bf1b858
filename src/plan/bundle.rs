//! A plan with all files that it names, in memory: what a client sends to a daemon, and what a daemon keeps of a run.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};
use std::{fs, io};

use bytes::Bytes;

use super::files::Files;
use super::{Plan, Reach, compile};
use crate::config::{LoadOptions, MAX_TEXT_BYTES, Problems, read};

/// A plan with all files that it names, as they were when it was packed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bundle {
    /// Of `files`, the plan.
    pub plan: String,
    /// By relative path, `/` between its parts, without `..`.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// Most files of a bundle.
const MAX_FILES: usize = 10_000;
/// Of all files together: as many as a plan may name, and itself.
const MAX_BYTES: usize = (256 << 20) + MAX_TEXT_BYTES;

/// Why there is no plan in it, or none can be packed.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    #[error("error: failed to read the plan {path}: {source}")]
    Unreadable { path: String, source: io::Error },
    /// What came from elsewhere is no bundle.
    #[error("error: failed to read what was sent with the plan: {0}")]
    Malformed(String),
    /// All that is wrong with the plan.
    #[error("{0}")]
    Invalid(Problems),
}

/// A plan that was packed.
#[derive(Debug)]
pub struct Packed {
    pub bundle: Bundle,
    /// As it was compiled from the bundle.
    pub plan: Plan,
    /// The values from outside the file that went into it: `--env`, and what the environment said of the names that the
    /// plan declares. With them and the same profile, the bundle compiles to the same plan elsewhere.
    pub env: Vec<(String, String)>,
}

/// Packs the plan at `path` with all files that it names with these options.
///
/// # Errors
/// What is wrong with the plan, also that it names a file by an absolute path.
pub fn pack(path: &Path, options: &LoadOptions<'_>) -> Result<Packed, BundleError> {
    let shown = path.display().to_string();
    let unreadable = |source| BundleError::Unreadable { path: shown.clone(), source };
    let text = text_of(path).map_err(unreadable)?;
    let env = RefCell::new(options.env_flags.clone());
    let environment = |name: &str| {
        let value = (options.environment)(name)?;
        let mut env = env.borrow_mut();
        if !env.iter().any(|(known, _)| known == name) {
            env.push((name.to_owned(), value.clone()));
        }
        Some(value)
    };
    let recorded = LoadOptions {
        env_flags: options.env_flags.clone(),
        profile: options.profile.clone(),
        environment: &environment,
    };
    let loaded = read(&shown, &text, &recorded).map_err(BundleError::Invalid)?;
    // Whoever will run it says how far it may go.
    let reach = Reach::default();
    let base = path.parent().map_or_else(PathBuf::new, Path::to_owned);
    let (compiled, files) = compile::with(&loaded, Files::beside(&base), &reach);
    compiled.map_err(BundleError::Invalid)?;
    let mut all: Vec<(PathBuf, Bytes)> = Vec::new();
    let plan_path = full(path).map_err(unreadable)?;
    all.push((plan_path.clone(), Bytes::from(text)));
    for (path, bytes) in files.into_read() {
        all.push((full(&path).map_err(unreadable)?, bytes));
    }
    let root = common_folder(all.iter().map(|(path, _)| path.as_path()));
    let name = |path: &Path| {
        let parts = path.strip_prefix(&root).unwrap_or(path).components();
        parts.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
    };
    let files = all.iter().map(|(path, bytes)| (name(path), bytes.to_vec())).collect();
    let bundle = Bundle { plan: name(&plan_path), files };
    // What it is elsewhere: also says what could not be sent along.
    let plan = bundle.compile_as(&shown, &recorded, &reach)?;
    Ok(Packed { bundle, plan, env: env.into_inner() })
}

impl Bundle {
    /// Compiles the plan with the files of the bundle, for load that may go so far; nothing on disk is looked at.
    ///
    /// # Errors
    /// What is wrong with the bundle, or with the plan.
    pub fn compile(&self, options: &LoadOptions<'_>, reach: &Reach) -> Result<Plan, BundleError> {
        self.compile_as(&self.plan, options, reach)
    }

    /// Whether it is one, whoever made it.
    ///
    /// # Errors
    /// When paths lead elsewhere, the plan is missing, or there is too much of it.
    pub fn check(&self) -> Result<(), BundleError> {
        let malformed = |why: String| Err(BundleError::Malformed(why));
        if self.files.len() > MAX_FILES {
            return malformed(format!("there are {} files, expected at most {MAX_FILES}", self.files.len()));
        }
        if self.bytes() > MAX_BYTES {
            return malformed(format!("it has {} bytes, expected at most {MAX_BYTES}", self.bytes()));
        }
        if let Some(name) = self.files.keys().find(|name| !is_plain(name)) {
            let shown: String = name.chars().take(200).collect();
            return malformed(format!(
                "`{}` is no path within it: expected names with `/` between them, without `.` and `..`",
                shown.escape_debug()
            ));
        }
        if !self.files.contains_key(&self.plan) {
            let shown: String = self.plan.chars().take(200).collect();
            return malformed(format!("the plan `{}` is not in it", shown.escape_debug()));
        }
        Ok(())
    }

    /// Of all its files.
    pub fn bytes(&self) -> usize {
        self.files.values().map(Vec::len).sum()
    }

    /// `shown` is what messages call the plan.
    fn compile_as(&self, shown: &str, options: &LoadOptions<'_>, reach: &Reach) -> Result<Plan, BundleError> {
        self.check()?;
        let text = self.files.get(&self.plan).map(Vec::as_slice).unwrap_or_default();
        let text = std::str::from_utf8(text)
            .map_err(|_| BundleError::Malformed(format!("`{}` is not text in UTF-8", self.plan)))?;
        let loaded = read(shown, text, options).map_err(BundleError::Invalid)?;
        let base = Path::new(&self.plan).parent().unwrap_or(Path::new(""));
        let files = self.files.iter().map(|(name, bytes)| (name.clone(), Bytes::copy_from_slice(bytes)));
        compile::with(&loaded, Files::of_bundle(base, files.collect()), reach).0.map_err(BundleError::Invalid)
    }
}

fn is_plain(name: &str) -> bool {
    name.len() <= 4096
        && name.split('/').all(|part| {
            !matches!(part, "" | "." | "..")
                && !part.contains(|letter: char| letter.is_control() || letter == '\\')
        })
}

fn text_of(path: &Path) -> io::Result<String> {
    use io::Read as _;
    let mut text = Vec::new();
    fs::File::open(path)?.take(MAX_TEXT_BYTES as u64 + 1).read_to_end(&mut text)?;
    if text.len() > MAX_TEXT_BYTES {
        return Err(io::Error::other(format!("at most {MAX_TEXT_BYTES} bytes are read, and it has more")));
    }
    String::from_utf8(text).map_err(|_| io::Error::other("it is not text in UTF-8"))
}

/// From the root, without `.` and `..`.
fn full(path: &Path) -> io::Result<PathBuf> {
    let mut full = PathBuf::new();
    for component in std::path::absolute(path)?.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => drop(full.pop()),
            part => full.push(part),
        }
    }
    Ok(full)
}

fn common_folder<'p>(paths: impl Iterator<Item = &'p Path>) -> PathBuf {
    let mut common: Option<PathBuf> = None;
    for path in paths {
        let folder = path.parent().unwrap_or(path);
        common = Some(match common {
            None => folder.to_owned(),
            Some(known) => known
                .components()
                .zip(folder.components())
                .take_while(|(a, b)| a == b)
                .map(|(a, _)| a)
                .collect(),
        });
    }
    common.unwrap_or_default()
}

#[cfg(test)]
mod tests;
