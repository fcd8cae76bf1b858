//! The machine: its cores, how processes are pinned to them, where programs are, how busy it is.

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
    /// The first core, with this process itself.
    Server,
    /// The second core, alone.
    Client,
    /// Both cores, beside the server: for a client whose speed is not the question.
    Everywhere,
}

#[derive(Debug)]
pub(crate) struct Machine {
    /// Those that are used: two of those this process may run on, or its only one.
    cores: Vec<u32>,
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
        let cores = allowed_cores()?;
        let cpu = procfs::CpuInfo::current()?;
        let model = cpu.model_name(0).unwrap_or("unknown CPU").to_owned();
        let kernel = std::fs::read_to_string("/proc/sys/kernel/osrelease")?.trim().to_owned();
        let pinning = cores.len() > 1 && find("taskset").is_some();
        let machine = Self { cores, model, kernel, pinning, realtime: may_be_realtime() };
        if machine.pinning {
            // This process only polls and scrapes; it does so beside the server, so that the client's core is the client's.
            let me = std::process::id().to_string();
            Command::new("taskset")
                .args(["-cp", &machine.core(Place::Server), &me])
                .stdout(Stdio::null())
                .status()?;
        }
        Ok(machine)
    }

    pub(crate) fn realtime(&self) -> bool {
        self.realtime
    }

    /// One each, or one for both.
    pub(crate) fn places(&self) -> &'static [Place] {
        if self.cores.len() > 1 { &[Place::Server, Place::Client] } else { &[Place::Server] }
    }

    fn core(&self, place: Place) -> String {
        let (first, last) =
            (self.cores.first().copied().unwrap_or(0), self.cores.last().copied().unwrap_or(0));
        match place {
            Place::Server => first.to_string(),
            Place::Client => last.to_string(),
            Place::Everywhere => format!("{first},{last}"),
        }
    }

    /// `program`, to be run at `place` where the machine has more than one core. `taskset` replaces itself by it.
    pub(crate) fn command(&self, program: &Path, place: Place) -> Command {
        if !self.pinning {
            return Command::new(program);
        }
        let mut command = Command::new("taskset");
        command.args(["-c", &self.core(place)]).arg(program);
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

    /// CPU seconds that the cores in use have been busy since boot, with whatever.
    pub(crate) fn busy_secs(&self) -> Result<f64> {
        let stats = procfs::KernelStats::current()?;
        let used = self.cores.iter().filter_map(|core| stats.cpu_time.get(*core as usize));
        let ticks = used
            .map(|cpu| cpu.user + cpu.nice + cpu.system + cpu.irq.unwrap_or(0) + cpu.softirq.unwrap_or(0))
            .sum::<u64>();
        Ok(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, Linux {}; ", self.model, self.kernel)?;
        if self.pinning {
            write!(
                f,
                "server on core {}, client on core {}",
                self.core(Place::Server),
                self.core(Place::Client)
            )?;
        } else if self.cores.len() == 1 {
            write!(
                f,
                "not pinned: server and client take the one core from each other, so nothing here is fair"
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

/// The first two that this process may run on.
fn allowed_cores() -> Result<Vec<u32>> {
    let status = procfs::process::Process::myself()?.status()?;
    let ranges = status.cpus_allowed_list.unwrap_or_else(|| vec![(0, 0)]);
    Ok(ranges.into_iter().flat_map(|(first, last)| first..=last).take(2).collect())
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
