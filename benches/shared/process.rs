//! Child processes: what they used, read from `/proc` of the process itself, and that they end with us, by PID.

use std::fs::{File, read_to_string};
use std::io::{BufRead as _, BufReader, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, waitid};
use serde_json::Value;

use crate::Result;

/// How often memory is read. Its high-water mark is gone once the process has ended.
const POLL: Duration = Duration::from_millis(50);

/// Set by Ctrl-C; every wait looks at it, and leaving the wait kills the children.
#[derive(Debug, Clone, Default)]
pub(crate) struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    pub(crate) fn listen() -> Result<Self> {
        let interrupt = Self::default();
        let set = interrupt.clone();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        std::thread::spawn(move || {
            runtime.block_on(async {
                let mut terminated =
                    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
                tokio::select! {
                    pressed = tokio::signal::ctrl_c() => pressed?,
                    _ = terminated.recv() => {}
                }
                set.0.store(true, Ordering::Relaxed);
                Ok::<(), std::io::Error>(())
            })
        });
        Ok(interrupt)
    }

    /// Fails once it was pressed.
    pub(crate) fn check(&self) -> Result<()> {
        if self.0.load(Ordering::Relaxed) { Err("interrupted".into()) } else { Ok(()) }
    }
}

/// What a process used from its start to its end.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    /// User and system time of all its threads.
    pub(crate) cpu_secs: f64,
    pub(crate) peak_rss_mib: f64,
}

/// A process that is killed when this is dropped.
#[derive(Debug)]
struct Leashed(Child);

impl Drop for Leashed {
    fn drop(&mut self) {
        // It may have ended by itself; both then do nothing.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A load generator: it runs until it is done.
#[derive(Debug)]
pub(crate) struct Client {
    process: Leashed,
    output: PathBuf,
    errors: PathBuf,
}

impl Client {
    /// Standard output and errors go to files in `folder`, so that no pipe has to be emptied meanwhile.
    pub(crate) fn start(mut command: Command, folder: &Path) -> Result<Self> {
        let (output, errors) = (folder.join("stdout"), folder.join("stderr"));
        command.stdin(Stdio::null()).stdout(File::create(&output)?).stderr(File::create(&errors)?);
        let process = command.spawn().map_err(|error| format!("{:?}: {error}", command.get_program()))?;
        Ok(Self { process: Leashed(process), output, errors })
    }

    /// Waits for its end; the exit code is the caller's to judge. Returns its standard output.
    pub(crate) fn finish(mut self, limit: Duration, interrupt: &Interrupt) -> Result<Finished> {
        let pid = Pid::from_child(&self.process.0);
        let started = Instant::now();
        let mut peak_rss_mib = 0.0_f64;
        // The process is left a zombie for a moment: its CPU time can then still be read from /proc.
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT | WaitIdOptions::NOHANG;
        while waitid(WaitId::Pid(pid), options)?.is_none() {
            peak_rss_mib = peak_rss_mib.max(read_peak_rss_mib(pid).unwrap_or(0.0));
            interrupt.check()?;
            if started.elapsed() > limit {
                return Err(format!("still running after {} s", limit.as_secs()).into());
            }
            std::thread::sleep(POLL);
        }
        let cpu_secs = read_cpu_secs(pid)?;
        let exit_code = self.process.0.wait()?.code();
        let output = read_to_string(&self.output)?;
        let errors = read_to_string(&self.errors)?;
        Ok(Finished { usage: Usage { cpu_secs, peak_rss_mib }, exit_code, output, errors })
    }
}

#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) usage: Usage,
    /// `None`: ended by a signal.
    pub(crate) exit_code: Option<i32>,
    pub(crate) output: String,
    errors: String,
}

impl Finished {
    /// Its last words, for a message.
    pub(crate) fn complaint(&self) -> String {
        let text = if self.errors.trim().is_empty() { &self.output } else { &self.errors };
        let last = text.trim().lines().rev().take(3).collect::<Vec<_>>();
        let words = last.into_iter().rev().collect::<Vec<_>>().join(" / ");
        match self.exit_code {
            Some(code) => format!("exit code {code}: {words}"),
            None => format!("ended by a signal: {words}"),
        }
    }
}

/// A role of this program that serves until its standard input ends (so also when this process dies), then prints one
/// line of JSON.
#[derive(Debug)]
pub(crate) struct Server {
    process: Leashed,
    stdout: BufReader<ChildStdout>,
    /// What its first line said: where it listens.
    pub(crate) first_line: String,
}

impl Server {
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process =
            Leashed(command.spawn().map_err(|error| format!("{:?}: {error}", command.get_program()))?);
        let stdout = process.0.stdout.take().ok_or("no standard output")?;
        let mut stdout = BufReader::new(stdout);
        let mut first_line = String::new();
        stdout.read_line(&mut first_line)?;
        if first_line.is_empty() {
            return Err(format!("{command:?} ended before it was ready").into());
        }
        Ok(Self { process, stdout, first_line: first_line.trim().to_owned() })
    }

    pub(crate) fn address(&self) -> Result<SocketAddr> {
        Ok(self.first_line.parse()?)
    }

    pub(crate) fn cpu_secs(&self) -> Result<f64> {
        read_cpu_secs(Pid::from_child(&self.process.0))
    }

    /// Ends it and returns what it saw.
    pub(crate) fn finish(mut self) -> Result<Value> {
        drop(self.process.0.stdin.take());
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest)?;
        Ok(serde_json::from_str(&rest)?)
    }
}

/// A foreign server: it serves until it is killed.
#[derive(Debug)]
pub(crate) struct Daemon(Leashed);

impl Daemon {
    pub(crate) fn start(mut command: Command) -> Result<Self> {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(Leashed(command.spawn().map_err(|error| format!("{:?}: {error}", command.get_program()))?)))
    }

    pub(crate) fn cpu_secs(&self) -> Result<f64> {
        read_cpu_secs(Pid::from_child(&self.0.0))
    }
}

/// CPU seconds of this process.
pub(crate) fn own_cpu_secs() -> Result<f64> {
    read_cpu_secs(rustix::process::getpid())
}

fn read_cpu_secs(pid: Pid) -> Result<f64> {
    let stat = procfs::process::Process::new(pid.as_raw_pid())?.stat()?;
    Ok((stat.utime + stat.stime) as f64 / rustix::param::clock_ticks_per_second() as f64)
}

/// `VmHWM`, not `ru_maxrss`: that one starts with the parent's size at the fork.
fn read_peak_rss_mib(pid: Pid) -> Option<f64> {
    let status = procfs::process::Process::new(pid.as_raw_pid()).ok()?.status().ok()?;
    Some(status.vmhwm? as f64 / 1024.0)
}
