//! The action `signal`: a signal to a process of this machine.

use serde_json::{Value as Json, json};

use crate::config::At;
use crate::config::fields::{Element, Fields, Reader, Value};
use crate::config::node::Node;
use crate::config::schema::Schemas;
use crate::config::value::{Count, FilePath, word};

#[derive(Debug, Clone)]
pub struct SignalConfig {
    pub process: ProcessConfig,
    pub signal: SignalName,
}

#[derive(Debug, Clone)]
pub enum ProcessConfig {
    /// At least 2.
    Pid(i32),
    /// A file that holds the number, read when the signal is sent; from the plan's folder.
    PidFile(At<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalName {
    Term,
    Kill,
    Stop,
    Cont,
    Hup,
    Usr1,
    Usr2,
}

impl SignalName {
    /// As it is written in a plan.
    pub const ALL: [(&'static str, SignalName); 7] = [
        ("TERM", SignalName::Term),
        ("KILL", SignalName::Kill),
        ("STOP", SignalName::Stop),
        ("CONT", SignalName::Cont),
        ("HUP", SignalName::Hup),
        ("USR1", SignalName::Usr1),
        ("USR2", SignalName::Usr2),
    ];

    pub fn as_str(self) -> &'static str {
        SignalName::ALL.iter().find(|(_, signal)| *signal == self).map_or("", |(name, _)| name)
    }
}

impl Element for SignalConfig {
    const NAME: &'static str = "signal";
    const HELP: &'static str = "A signal to a process of this machine";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let pid = f.optional::<Count<2, 4_194_304>>("pid", "The process; this or `pid_file` must be there");
        let pid_file = f.optional::<At<FilePath>>(
            "pid_file",
            "A file with the number of the process, read when the signal is sent; instead of `pid`",
        );
        let signal = f.required("signal", "Which");
        if f.has("pid") && f.has("pid_file") {
            f.problem("pid_file", "both `pid` and `pid_file`", "expected one".to_owned());
        } else if !f.has("pid") && !f.has("pid_file") {
            f.missing("pid_file", &FilePath::expected());
        }
        let process = match (pid?, pid_file?) {
            (Some(pid), _) => ProcessConfig::Pid(i32::try_from(pid.0).unwrap_or(i32::MAX)),
            (None, file) => ProcessConfig::PidFile(file?.map(|file| file.0)),
        };
        Some(SignalConfig { process, signal: signal? })
    }
}

impl Value for SignalName {
    fn expected() -> String {
        "a signal such as `TERM`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        word(node, reader, "signal", &SignalName::ALL)
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"enum": SignalName::ALL.map(|(name, _)| name)})
    }
}
