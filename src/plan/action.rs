//! Actions, compiled: what `hooks` and `chaos` do to the world.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::procedure::Procedures;
use super::{Procedure, text};
use crate::config::{
    ActionConfig, At, CommandConfig, ExecConfig, HttpConfig, Problem, ProcessConfig, RequestsConfig,
    SignalConfig, SignalName, Source, StepConfig,
};
use crate::template::Names;

/// What an `http` action may take that does not say it itself.
const HTTP_TIMEOUT: Duration = Duration::from_secs(30);
/// A receiver that knows it can tell a repetition from something new
/// (<https://datatracker.ietf.org/doc/draft-ietf-httpapi-idempotency-key-header/>).
const IDEMPOTENCY_KEY: &str = "Idempotency-Key";

#[derive(Debug)]
pub struct Action {
    /// For messages: `exec ./notify.sh`, `POST http://localhost/faults`.
    pub what: String,
    pub kind: ActionKind,
}

#[derive(Debug)]
pub enum ActionKind {
    Exec(Exec),
    /// One step.
    Http(Procedure),
    Signal(Signal),
}

/// A program of this machine.
#[derive(Debug, Clone)]
pub struct Exec {
    /// The program and its arguments; not empty.
    pub arguments: Vec<String>,
    pub timeout: Duration,
    /// Beside what loadgate sets.
    pub env: Vec<(String, String)>,
    /// The folder it runs in.
    pub dir: PathBuf,
}

/// A signal to a process of this machine.
#[derive(Debug, Clone)]
pub struct Signal {
    pub process: Process,
    pub signal: SignalName,
}

#[derive(Debug, Clone)]
pub enum Process {
    Pid(i32),
    /// Holds the number.
    File(PathBuf),
}

/// Whose actions are compiled.
pub(super) struct Owner<'a> {
    /// `hook`, `fault`: names the procedure.
    pub(super) name: &'static str,
    /// Which of them, for receivers: `always-0`.
    pub(super) key: &'a str,
    /// What templates may use beside `vars`.
    pub(super) names: &'a Names,
}

impl Action {
    /// Takes what no message may show out of what will stand in messages.
    pub(super) fn hide(&mut self, source: &Source) {
        self.what = source.redact(&self.what);
        if let ActionKind::Http(procedure) = &mut self.kind {
            procedure.steps.iter_mut().for_each(|step| step.what = source.redact(&step.what));
        }
    }
}

impl Procedures<'_> {
    pub(super) fn action(&mut self, action: &At<ActionConfig>, owner: &Owner<'_>) -> Action {
        match &action.value {
            ActionConfig::Exec(exec) => self.exec(exec),
            ActionConfig::Http(http) => self.http_action(http, action, owner),
            ActionConfig::Signal(signal) => self.signal(signal),
        }
    }

    fn exec(&mut self, exec: &ExecConfig) -> Action {
        let (what, arguments) = match &exec.command {
            CommandConfig::Arguments(arguments) => (arguments.join(" "), arguments.clone()),
            CommandConfig::Shell(line) => {
                (line.clone(), ["sh", "-c", line.as_str()].map(str::to_owned).to_vec())
            }
        };
        let dir = exec.dir.as_ref().map_or("", |dir| dir.value.as_str());
        let dir = self.files.resolve(dir);
        if let Some(written) = exec.dir.as_ref().filter(|_| !dir.is_dir()) {
            let message = format!("there is no folder `{}`", written.value);
            let help = "expected one that is there, from the plan's folder";
            self.problems.push(Problem::new(written.place, message).help(help));
        }
        let dir = if dir.as_os_str().is_empty() { Path::new(".").to_owned() } else { dir };
        let (timeout, env) = (exec.timeout, exec.env.clone());
        Action {
            what: format!("exec {}", first_line(&what)),
            kind: ActionKind::Exec(Exec { arguments, timeout, env, dir }),
        }
    }

    fn http_action(&mut self, http: &HttpConfig, action: &At<ActionConfig>, owner: &Owner<'_>) -> Action {
        let mut http = http.clone();
        http.timeout = http.timeout.or(Some(HTTP_TIMEOUT));
        let given = http.headers.iter().any(|(name, _)| name.value.eq_ignore_ascii_case(IDEMPOTENCY_KEY));
        // Targets of a file bring their own headers.
        if !given && matches!(http.requests, RequestsConfig::One { .. }) {
            let name = At::new(IDEMPOTENCY_KEY.to_owned(), action.place);
            let value = format!("{{{{ {} }}}}-{}-{}", text::TESTID, owner.name, owner.key);
            http.headers.push((name, At::new(value, action.place)));
        }
        let what = http.describe();
        let step = At::new(StepConfig::Http(Box::new(http)), action.place);
        let (procedure, _) = self.compile(owner.name, &[step], None, owner.names);
        Action { what, kind: ActionKind::Http(procedure) }
    }

    fn signal(&mut self, signal: &SignalConfig) -> Action {
        let (process, shown) = match &signal.process {
            ProcessConfig::Pid(pid) => (Process::Pid(*pid), format!("process {pid}")),
            ProcessConfig::PidFile(file) => {
                (Process::File(self.files.resolve(&file.value)), format!("the process in {}", file.value))
            }
        };
        let what = format!("signal {} to {shown}", signal.signal.as_str());
        Action { what, kind: ActionKind::Signal(Signal { process, signal: signal.signal }) }
    }
}

/// A script is not shown whole.
fn first_line(command: &str) -> String {
    match command.trim().split_once('\n') {
        Some((first, _)) => format!("{first} …"),
        None => command.trim().to_owned(),
    }
}
