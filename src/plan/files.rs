//! Files that a plan names: read once, when it is loaded, and held once however often they are used.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;

/// Of all files together, in bytes: 256 MiB.
const MAX_BYTES: u64 = 256 << 20;

#[derive(Debug)]
pub(super) struct Files {
    base: PathBuf,
    read: HashMap<PathBuf, Bytes>,
    room: u64,
}

impl Files {
    /// `base` is the folder that relative paths start from.
    pub(super) fn beside(base: &Path) -> Self {
        Files { base: base.to_owned(), read: HashMap::new(), room: MAX_BYTES }
    }

    /// Where a path of the plan leads.
    pub(super) fn resolve(&self, path: &str) -> PathBuf {
        self.base.join(path)
    }

    /// The files that a pattern names, in alphabetical order; a path without wildcards names itself.
    ///
    /// # Errors
    /// When it is no pattern, for people.
    pub(super) fn matching(&self, pattern: &str) -> Result<Vec<PathBuf>, String> {
        let from = self.resolve(pattern);
        if from.is_file() || !pattern.contains(['*', '?', '[']) {
            return Ok(vec![from]);
        }
        // The plan's folder is no pattern, whatever characters are in its name.
        let whole = match Path::new(pattern).is_absolute() {
            true => PathBuf::from(pattern),
            false => PathBuf::from(glob::Pattern::escape(&self.base.to_string_lossy())).join(pattern),
        };
        let paths =
            glob::glob(&whole.to_string_lossy()).map_err(|error| format!("it is no pattern: {error}"))?;
        Ok(paths.filter_map(Result::ok).filter(|path| path.is_file()).collect())
    }

    /// # Errors
    /// What kept it from being read, for people.
    pub(super) fn read(&mut self, path: &Path) -> Result<Bytes, String> {
        if let Some(known) = self.read.get(path) {
            return Ok(known.clone());
        }
        let bytes = self.fetch(path).map_err(|error| {
            let shown = path.strip_prefix(&self.base).ok().filter(|rest| !rest.as_os_str().is_empty());
            let shown = shown.unwrap_or(path);
            format!("`{}` cannot be read: {error}", shown.display())
        })?;
        self.read.insert(path.to_owned(), bytes.clone());
        Ok(bytes)
    }

    fn fetch(&mut self, path: &Path) -> io::Result<Bytes> {
        // Asked before it is opened: a pipe would keep us waiting.
        if !std::fs::metadata(path)?.is_file() {
            return Err(io::Error::other("not a file"));
        }
        let mut bytes = Vec::new();
        let length = File::open(path)?.take(self.room + 1).read_to_end(&mut bytes)? as u64;
        self.room = self
            .room
            .checked_sub(length)
            .ok_or_else(|| io::Error::other("the files of a plan may have 256 MiB together"))?;
        Ok(Bytes::from(bytes))
    }
}
