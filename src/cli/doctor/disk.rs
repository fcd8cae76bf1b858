//! The daemon's folder: whether runs can be kept in it.

use std::fs;
use std::path::Path;

use super::finding::Finding;

const CHECK: &str = "data_dir";
const FEW: u64 = 1 << 30;
const TOO_FEW: u64 = 100 << 20;

pub(super) fn check(folder: &Path) -> Vec<Finding> {
    let shown = folder.display();
    if !folder.exists() {
        // It is made at start, in the nearest folder above that exists.
        let above = folder.ancestors().skip(1).find(|above| above.as_os_str().is_empty() || above.exists());
        let above = above.filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
        return match writable(above) {
            Ok(()) => vec![Finding::ok(CHECK, format!("{shown} will be made"))],
            Err(error) => vec![refused(folder, &error)],
        };
    }
    if let Err(error) = writable(folder) {
        return vec![refused(folder, &error)];
    }
    let free = rustix::fs::statvfs(folder).ok().map(|of| of.f_bavail.saturating_mul(of.f_frsize));
    vec![space(&shown.to_string(), free)]
}

fn space(folder: &str, free: Option<u64>) -> Finding {
    let mend =
        format!("df -h {folder}   # then make room, or keep runs for less time: `retention: {{runs: 30d}}`");
    match free {
        Some(free) if free < TOO_FEW => {
            Finding::problem(CHECK, format!("{folder} has {} MiB left", free >> 20), mend)
        }
        Some(free) if free < FEW => {
            Finding::warning(CHECK, format!("{folder} has {} MiB left", free >> 20), mend)
        }
        Some(free) => Finding::ok(CHECK, format!("{folder} can be written, {} GiB left", free >> 30)),
        None => Finding::ok(CHECK, format!("{folder} can be written")),
    }
}

fn refused(folder: &Path, error: &std::io::Error) -> Finding {
    let shown = folder.display();
    let mend = format!("sudo mkdir -p {shown} && sudo chown -R \"$(id -u):$(id -g)\" {shown}");
    Finding::problem(CHECK, format!("{shown} cannot be written: {error}"), mend)
}

fn writable(folder: &Path) -> std::io::Result<()> {
    let file = folder.join(format!(".loadgate-doctor-{}", std::process::id()));
    fs::write(&file, "")?;
    fs::remove_file(file)
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_written_is_a_problem() {
        let folder = std::env::temp_dir().join(format!("loadgate-doctor-{}", std::process::id()));
        assert_eq!(check(&folder)[0].level, Level::Ok, "it can be made");
        fs::write(&folder, "").unwrap();
        assert_eq!(check(&folder)[0].level, Level::Problem, "it is a file");
        fs::remove_file(&folder).unwrap();
        fs::create_dir(&folder).unwrap();
        let found = check(&folder);
        assert_eq!((found.len(), fs::read_dir(&folder).unwrap().count()), (1, 0), "nothing is left");
        fs::remove_dir(&folder).unwrap();
        assert_eq!(check(Path::new("/proc/none/data"))[0].level, Level::Problem);
    }

    #[test]
    fn little_room_is_told_before_there_is_none() {
        for (free, level) in [
            (Some(50 << 20), Level::Problem),
            (Some(500 << 20), Level::Warning),
            (Some(5 << 30), Level::Ok),
            (None, Level::Ok),
        ] {
            assert_eq!(space("data", free).level, level, "{free:?}");
        }
    }
}
