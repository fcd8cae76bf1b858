//! Debian's Prometheus.

use std::net::SocketAddr;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

use crate::bench::Bench;
use crate::machine::{Place, find, free_address};
use crate::process::Daemon;
use crate::{Result, http};

#[derive(Debug)]
pub(crate) struct Prometheus {
    daemon: Daemon,
    pub(crate) address: SocketAddr,
    _folder: TempDir,
}

impl Prometheus {
    /// With these samples, OpenMetrics with timestamps.
    pub(crate) fn holding(bench: &Bench, samples: &str, place: Place) -> Result<Self> {
        let folder = tempfile::tempdir_in(bench.folder())?;
        let file = folder.path().join("samples.txt");
        std::fs::write(&file, samples)?;
        let import = Command::new("promtool")
            .args(["tsdb", "create-blocks-from", "openmetrics"])
            .args([&file, &folder.path().join("data")])
            .stdout(Stdio::null())
            .output()?;
        if !import.status.success() {
            return Err(format!("promtool: {}", String::from_utf8_lossy(&import.stderr)).into());
        }
        Self::start(bench, folder, "global: {}\n", place)
    }

    pub(crate) fn scraping(bench: &Bench, config: &str, place: Place) -> Result<Self> {
        Self::start(bench, tempfile::tempdir_in(bench.folder())?, config, place)
    }

    fn start(bench: &Bench, folder: TempDir, config: &str, place: Place) -> Result<Self> {
        let program = find("prometheus").ok_or("prometheus is not installed")?;
        let address = free_address()?;
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, config)?;
        let mut command = bench.machine.command(Path::new(&program), place);
        command
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", folder.path().join("data").display()))
            .arg(format!("--web.listen-address={address}"))
            .arg("--storage.tsdb.retention.time=100y");
        let daemon = Daemon::start(command)?;
        http::wait_for(address, "/-/ready")?;
        Ok(Self { daemon, address, _folder: folder })
    }

    pub(crate) fn cpu_secs(&self) -> Result<f64> {
        self.daemon.cpu_secs()
    }
}
