//! Containers: folders that they must be able to write.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use super::finding::Finding;

const CHECK: &str = "permissions";
/// Grafana's user in its image.
const GRAFANA: u32 = 472;
/// Where compose files put Grafana's data.
const FOLDERS: [&str; 3] = ["grafana-data", "grafana/data", "data/grafana"];

pub(super) fn check() -> Vec<Finding> {
    FOLDERS.iter().filter_map(|folder| of(Path::new(folder))).collect()
}

fn of(folder: &Path) -> Option<Finding> {
    let metadata = fs::metadata(folder).ok().filter(fs::Metadata::is_dir)?;
    judge(&folder.display().to_string(), metadata.uid(), metadata.mode())
}

fn judge(folder: &str, owner: u32, mode: u32) -> Option<Finding> {
    if owner == GRAFANA || mode & 0o002 != 0 {
        return None;
    }
    let what = format!(
        "{folder} belongs to user {owner}: Grafana's container runs as {GRAFANA} and cannot write it"
    );
    Some(Finding::warning(CHECK, what, format!("sudo chown -R {GRAFANA}:{GRAFANA} {folder}")))
}

/// Whether this process is in one.
pub(super) fn inside() -> bool {
    ["/.dockerenv", "/run/.containerenv"].iter().any(|mark| Path::new(mark).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_grafana_cannot_write_is_told_with_the_command() {
        assert_eq!(judge("d", 472, 0o755), None);
        assert_eq!(judge("d", 1000, 0o777), None);
        let found = judge("grafana-data", 1000, 0o755).unwrap();
        assert_eq!(found.mend.as_deref(), Some("sudo chown -R 472:472 grafana-data"));
        assert_eq!(of(Path::new("no-such-folder")), None);
    }
}
