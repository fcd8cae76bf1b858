//! A folder that is there as long as the demo is.

use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt as _;
use std::path::{Path, PathBuf};

/// A file that comes while others go makes one fail.
const REMOVALS: usize = 5;

pub(super) struct Folder(PathBuf);

impl Folder {
    /// For this user alone.
    pub(super) fn new() -> io::Result<Self> {
        let name = format!("loadgate-demo-{}-{:08x}", std::process::id(), fastrand::u32(..));
        let path = std::env::temp_dir().join(name);
        DirBuilder::new().mode(0o700).create(&path)?;
        Ok(Folder(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        remove(&self.0);
    }
}

/// Also while the daemon still writes there.
pub(super) fn remove(path: &Path) {
    let removed = (0..REMOVALS).find_map(|_| std::fs::remove_dir_all(path).ok());
    if removed.is_none() && path.exists() {
        tracing::warn!("failed to remove {}: delete it yourself", path.display());
    }
}
