//! The machine: its cores, how processes are pinned to them, where programs are, how busy others keep it.

use std::fmt;
use std::fs::File;
use std::io::Read as _;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use procfs::{Current as _, CurrentSI as _};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::Result;

/// Where a process is put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Core 0, with this process itself.
    Server,
    /// Core 1, alone.
    Client,
}

impl Place {
    fn core(self) -> &'static str {
        match self {
            Self::Server => "0",
            Self::Client => "1",
        }
    }
}

#[derive(Debug)]
pub(crate) struct Machine {
    cores: usize,
    model: String,
    kernel: String,
    /// Two cores and `taskset`.
    pinning: bool,
    /// Whether `chrt` may put the stall probe before everything else.
    realtime: bool,
}

impl Machine {
    pub(crate) fn look() -> Result<Self> {
        let limit = getrlimit(Resource::Nofile);
        setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum })?;
        let cores = std::thread::available_parallelism()?.get();
        let cpu = procfs::CpuInfo::current()?;
        let model = cpu.model_name(0).unwrap_or("unknown CPU").to_owned();
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned();
        let pinning = cores > 1 && find("taskset").is_some();
        let machine = Self { cores, model, kernel, pinning, realtime: may_be_realtime() };
        if machine.pinning {
            // This process only polls and scrapes; it does so beside the server, so that the client's core is the client's.
            let me = std::process::id().to_string();
            Command::new("taskset")
                .args(["-cp", Place::Server.core(), &me])
                .stdout(Stdio::null())
                .status()?;
        }
        Ok(machine)
    }

    pub(crate) fn realtime(&self) -> bool {
        self.realtime
    }

    pub(crate) fn cores(&self) -> usize {
        self.cores
    }

    /// `program`, to be run at `place` where the machine has more than one core. `taskset` replaces itself by it.
    pub(crate) fn command(&self, program: &Path, place: Place) -> Command {
        if !self.pinning {
            return Command::new(program);
        }
        let mut command = Command::new("taskset");
        command.args(["-c", place.core()]).arg(program);
        command
    }

    /// As `command`, before every ordinary process of that core.
    pub(crate) fn realtime_command(&self, program: &Path, place: Place) -> Command {
        let plain = self.command(program, place);
        if !self.realtime {
            return plain;
        }
        let mut command = Command::new("chrt");
        command.args(["-f", "1"]).arg(plain.get_program()).args(plain.get_args());
        command
    }

    /// CPU seconds that all cores together have been busy since boot.
    pub(crate) fn busy_secs(&self) -> Result<f64> {
        let cpu = procfs::KernelStats::current()?.total;
        let ticks = cpu.user + cpu.nice + cpu.system + cpu.irq.unwrap_or(0) + cpu.softirq.unwrap_or(0);
        Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} cores, {}, Linux {}; ", self.cores, self.model, self.kernel)?;
        if self.pinning {
            write!(f, "server on core 0, client on core 1")?;
        } else if self.cores == 1 {
            write!(
                f,
                "not pinned: one core only, so server and client take from each other and no target counts"
            )?;
        } else {
            write!(f, "not pinned: there is no taskset (apt-get install util-linux)")?;
        }
        let probe = if self.realtime { "real-time" } else { "ordinary priority, sees only long stalls" };
        write!(f, "; stall probe: {probe}")
    }
}

/// The program on the PATH. A program is preferred to a script of that name: pyenv's shim would be measured with it.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let sbin = [PathBuf::from("/usr/sbin")];
    let found: Vec<PathBuf> = std::env::split_paths(&path)
        .chain(sbin)
        .map(|folder| folder.join(name))
        .filter(|file| file.is_file())
        .collect();
    let program = found.iter().find(|file| is_elf(file)).cloned();
    program.or_else(|| behind_shim(name)).or_else(|| found.into_iter().next())
}

/// Free a moment ago; whoever is told the port opens it at once.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}

fn behind_shim(name: &str) -> Option<PathBuf> {
    let output = Command::new("pyenv").args(["which", name]).stderr(Stdio::null()).output().ok()?;
    let file = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
    is_elf(&file).then_some(file)
}

fn is_elf(file: &Path) -> bool {
    let mut magic = [0; 4];
    File::open(file).and_then(|mut file| file.read_exact(&mut magic)).is_ok() && magic == *b"\x7fELF"
}

fn may_be_realtime() -> bool {
    let tried = Command::new("chrt").args(["-f", "1", "true"]).stderr(Stdio::null()).status();
    tried.is_ok_and(|status| status.success())
}
