//! One attempt at a program. A shell stands between us and it, which leaves in the attempt's folder: `claim` before the
//! program begins (the shell's process, as a link, which is there whole or not at all), `status` when it has ended (by
//! renaming), and the beginning of its output. The shell needs us for none of that: it ends its work also when we are gone.

use std::fs;
use std::io;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use procfs::process::Process;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::time::Instant;

use super::super::{Captured, Outcome, Output};
use super::{KEPT_BYTES, Surroundings};
use crate::plan::Exec;

/// The program is not a child of whoever comes later, so its end has to be looked for.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How long after its end the program's output is waited for: something that it left behind may hold it open.
const OUTPUT_GRACE: Duration = Duration::from_millis(500);
/// Instead of an exit status.
const TIMED_OUT: &str = "timeout";
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// `$0` is the folder, `$1` how much output is kept, then comes the command. What is claimed already is not run. `dd`
/// writes what it reads at once, where `head` would wait for more.
const SCRIPT: &str = r#"
dir=$0 kept=$1; shift
started=$(s=$(cat "/proc/$$/stat"); s=${s##*") "}; set -- $s; echo "${20}")
ln -s "$$:$started:$(cat /proc/sys/kernel/random/boot_id)" "$dir/claim" || exit 125
keep() { dd bs=4096 count="$kept" iflag=count_bytes of="$dir/$1" 2>"$dir/$1.more"; wc -c >"$dir/$1.more"; }
{
    {
        (exec "$@") 2>&3 3>&-
        echo "$?" >"$dir/status.part"
        mv "$dir/status.part" "$dir/status"
    } | keep stdout 3>&-
} 3>&1 | keep stderr
"#;

pub(super) struct Attempt {
    folder: PathBuf,
}

/// What is left of an attempt that an earlier process made.
pub(super) enum Remains {
    Done(Outcome),
    /// It never came to run and never will, or it was cut.
    Nothing,
}

/// The shell with all that it has started.
#[derive(Debug, Clone, PartialEq)]
struct Claim {
    pid: i32,
    started: u64,
    boot: String,
}

impl Attempt {
    pub(super) fn new(folder: PathBuf) -> Self {
        Attempt { folder }
    }

    pub(super) async fn run(&self, exec: &Exec, surroundings: Surroundings<'_>) -> Outcome {
        let began = Instant::now();
        let child = match self.command(exec, surroundings).spawn() {
            Ok(child) => child,
            Err(error) => return Outcome::failed(format!("failed to start `sh`: {error}")),
        };
        let mut group = Group { child, over: false };
        let deadline = began + exec.timeout;
        loop {
            let gone = !matches!(group.child.try_wait(), Ok(None));
            if self.status().is_some() {
                group.over = true;
                group.wait_for_output().await;
                break;
            }
            if gone {
                // Nobody is left who could write it.
                group.over = true;
                return Outcome { took: began.elapsed(), ..Outcome::failed(self.why_gone()) };
            }
            if Instant::now() >= deadline {
                group.kill();
                self.write_timed_out();
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        let status = self.status().unwrap_or_default();
        self.outcome(&status, exec.timeout, began.elapsed())
    }

    fn command(&self, exec: &Exec, surroundings: Surroundings<'_>) -> Command {
        // A relative one would start from the program's folder.
        let folder = std::path::absolute(&self.folder).unwrap_or_else(|_| self.folder.clone());
        let mut command = Command::new("sh");
        command.arg("-c").arg(SCRIPT).arg(folder).arg(KEPT_BYTES.to_string()).args(&exec.arguments);
        if let Some(environment) = &surroundings.options.environment {
            command.env_clear();
            command.envs(environment.iter().map(|(name, value)| (name, value)));
        }
        command.envs(surroundings.env.iter().chain(&exec.env).map(|(name, value)| (name, value)));
        command.current_dir(&exec.dir).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        command
    }

    /// What an earlier process has left; waits for a program that still runs, for as long as it may take.
    pub(super) async fn remains(&self, timeout: Duration) -> Remains {
        let began = Instant::now();
        let done = |status: String| Remains::Done(self.outcome(&status, timeout, began.elapsed()));
        if let Some(status) = self.status() {
            return done(status);
        }
        // Whoever claims it first has it: a shell that comes later ends at once.
        if symlink("abandoned", self.folder.join("claim")).is_ok() {
            return Remains::Nothing;
        }
        let Some(claim) = self.claim() else { return Remains::Nothing };
        while claim.is_alive() {
            if self.status().is_some() {
                // What it left behind may keep its shell waiting.
                tokio::time::sleep(OUTPUT_GRACE).await;
                break;
            }
            if began.elapsed() >= timeout {
                claim.kill();
                self.write_timed_out();
                break;
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
        match self.status() {
            Some(status) => done(status),
            None => {
                // Without its shell the program may still be there, and would run beside its next attempt.
                claim.kill();
                Remains::Nothing
            }
        }
    }

    fn status(&self) -> Option<String> {
        fs::read_to_string(self.folder.join("status")).ok().map(|status| status.trim().to_owned())
    }

    fn write_timed_out(&self) {
        if self.status().is_none() {
            let part = self.folder.join("status.killed");
            let _ = fs::write(&part, TIMED_OUT).and_then(|()| fs::rename(&part, self.folder.join("status")));
        }
    }

    fn claim(&self) -> Option<Claim> {
        let link = fs::read_link(self.folder.join("claim")).ok()?;
        let mut parts = link.to_str()?.split(':');
        let (pid, started) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Claim { pid, started, boot: parts.next()?.to_owned() })
    }

    fn why_gone(&self) -> String {
        let claimed = if self.claim().is_some() { "was killed" } else { "could not run" };
        format!("the shell that runs it {claimed}; it needs `/proc` and a folder that can be written")
    }

    fn outcome(&self, status: &str, timeout: Duration, took: Duration) -> Outcome {
        let (stdout, stderr) = (self.captured("stdout"), self.captured("stderr"));
        let error = match status {
            "0" => None,
            TIMED_OUT => Some(format!("not done in time ({timeout:?}): it was killed")),
            "126" => Some("exit status 126: it cannot be executed".to_owned()),
            "127" => Some("exit status 127: there is no such program".to_owned()),
            status => match status.parse::<i32>() {
                Ok(code) if code > 128 => {
                    Some(format!("exit status {code}: killed by signal {}", code - 128))
                }
                _ => Some(format!("exit status {status}")),
            },
        };
        let error = error.map(|error| match stderr.text.lines().rfind(|line| !line.trim().is_empty()) {
            Some(line) => format!("{error}; {}", line.trim()),
            None => error,
        });
        Outcome { took, error, output: Some(Output { stdout, stderr }) }
    }

    fn captured(&self, stream: &str) -> Captured {
        let read = |name: String| fs::read(self.folder.join(name)).unwrap_or_default();
        let more = String::from_utf8_lossy(&read(format!("{stream}.more"))).trim().parse().unwrap_or(0);
        Captured { text: String::from_utf8_lossy(&read(stream.to_owned())).into_owned(), more_bytes: more }
    }
}

impl Claim {
    /// Not one that only has its number.
    fn is_alive(&self) -> bool {
        self.is_of_this_boot()
            && Process::new(self.pid)
                .and_then(|process| process.stat())
                .is_ok_and(|stat| stat.starttime == self.started && stat.state != 'Z')
    }

    fn is_of_this_boot(&self) -> bool {
        fs::read_to_string(BOOT_ID).is_ok_and(|boot| boot.trim() == self.boot)
    }

    /// The group keeps its number from being given to another process for as long as any of it is left.
    fn kill(&self) {
        let stranger = !self.is_alive() && Process::new(self.pid).is_ok();
        if self.is_of_this_boot() && !stranger {
            let _ = kill(self.pid);
        }
    }
}

fn kill(pid: i32) -> io::Result<()> {
    let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
    Ok(kill_process_group(pid, Signal::KILL)?)
}

/// Ends with whoever runs it, unless it has ended before.
struct Group {
    child: Child,
    over: bool,
}

impl Group {
    fn kill(&mut self) {
        self.over = true;
        let _ = kill(i32::try_from(self.child.id()).unwrap_or(0));
        let _ = self.child.wait();
    }

    async fn wait_for_output(&mut self) {
        let deadline = Instant::now() + OUTPUT_GRACE;
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        if !self.over {
            self.kill();
        }
    }
}
