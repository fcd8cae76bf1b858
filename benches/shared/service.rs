//! `loadgate serve` and `loadgate target` in processes of their own, which are killed by their id when they are not needed
//! any more: for the daemon that is one more crash.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use crate::bench::loadgate;
use crate::{Result, http};

/// Until a service answers.
const PATIENCE: Duration = Duration::from_secs(30);
const POLL: Duration = Duration::from_millis(10);

/// Killed as by `kill -9` when it is dropped.
#[derive(Debug)]
pub(crate) struct Service {
    process: Child,
    pub(crate) address: SocketAddr,
}

impl Service {
    /// The daemon with its data in `folder`. At `fault_point` it ends itself as if it were killed.
    pub(crate) fn daemon(folder: &Path, fault_point: Option<&str>) -> Result<Self> {
        let address = free_address()?;
        let config = folder.join("loadgate.yml");
        let data = folder.join("data");
        std::fs::create_dir_all(folder.join("plans"))?;
        std::fs::write(
            &config,
            format!(
                "listen: {address}\ndata_dir: {}\nplans: [{}]\ntargets: {{allow: [127.0.0.1]}}\nallow_exec: true\n",
                data.display(),
                folder.join("plans").display()
            ),
        )?;
        let mut command = loadgate();
        command.arg("serve").arg("--config").arg(&config).env_remove("LOADGATE_FAULT_POINT");
        if let Some(point) = fault_point {
            command.env("LOADGATE_FAULT_POINT", point);
        }
        // What it says last is there to be read when a trial fails.
        Service::start(command, address, &folder.join("daemon.log"))
    }

    /// The demo target with these faults.
    pub(crate) fn target(folder: &Path, faults: &[&str]) -> Result<Self> {
        let address = free_address()?;
        let mut command = loadgate();
        command.arg("target").arg("--listen").arg(address.to_string());
        for fault in faults {
            command.arg("--fault").arg(fault);
        }
        let mut target = Service::start(command, address, &folder.join("target.log"))?;
        target.ready("/health")?;
        Ok(target)
    }

    fn start(mut command: Command, address: SocketAddr, log: &Path) -> Result<Self> {
        let log = File::options().create(true).append(true).open(log)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        Ok(Service { process: command.spawn()?, address })
    }

    /// Whether it answers: `false` if it ended before it did.
    pub(crate) fn answers(&mut self, path: &str) -> Result<bool> {
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if self.process.try_wait()?.is_some() {
                return Ok(false);
            }
            if http::get(self.address, path).is_ok_and(|answer| answer.status == 200) {
                return Ok(true);
            }
            std::thread::sleep(POLL);
        }
        Err(format!("{}{path} did not answer within {PATIENCE:?}", self.address).into())
    }

    pub(crate) fn ready(&mut self, path: &str) -> Result<()> {
        if self.answers(path)? { Ok(()) } else { Err("it ended before it was ready: see its log".into()) }
    }

    /// Waits for its end; `None` if it goes on.
    pub(crate) fn ended(&mut self, within: Duration) -> Result<Option<ExitStatus>> {
        let began = Instant::now();
        loop {
            let ended = self.process.try_wait()?;
            if ended.is_some() || began.elapsed() >= within {
                return Ok(ended);
            }
            std::thread::sleep(POLL);
        }
    }

    /// (resident MiB, open descriptors)
    pub(crate) fn holds(&self) -> Result<(f64, usize)> {
        let process = procfs::process::Process::new(i32::try_from(self.process.id())?)?;
        let rss = process.status()?.vmrss.ok_or("no VmRSS")?;
        Ok((rss as f64 / 1024.0, process.fd_count()?))
    }

    /// CPU seconds so far.
    pub(crate) fn cpu_secs(&self) -> Result<f64> {
        let stat = procfs::process::Process::new(i32::try_from(self.process.id())?)?.stat()?;
        Ok((stat.utime + stat.stime) as f64 / rustix::param::clock_ticks_per_second() as f64)
    }

    pub(crate) fn kill(mut self) -> Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It may have ended by itself; both then do nothing.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Free a moment ago; whoever is told the port opens it at once.
fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}
