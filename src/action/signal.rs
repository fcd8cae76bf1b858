//! A signal to a process of this machine.

use std::fs;

use rustix::process::{Pid, Signal, getpid, kill_process};

use crate::config::SignalName;
use crate::plan;

/// Sends it.
///
/// # Errors
/// When there is no such process, it is not ours to reach, or it is one that no run should touch.
pub fn send(action: &plan::Signal) -> Result<(), String> {
    let (number, whence) = match &action.process {
        plan::Process::Pid(pid) => (*pid, String::new()),
        plan::Process::File(path) => {
            let shown = path.display();
            let text =
                fs::read_to_string(path).map_err(|error| format!("failed to read {shown}: {error}"))?;
            let number = text.trim().parse().map_err(|_| format!("{shown} holds no number of a process"))?;
            (number, format!(" (from {shown})"))
        }
    };
    // 1 is the system itself; 0 and below mean groups of processes.
    let pid = Some(number).filter(|number| *number > 1).and_then(Pid::from_raw);
    let Some(pid) = pid else { return Err(format!("{number}{whence} is no process that a run may touch")) };
    if pid == getpid() {
        return Err(format!("process {number}{whence} is loadgate itself"));
    }
    kill_process(pid, signal(action.signal))
        .map_err(|error| format!("failed to signal process {number}{whence}: {error}"))
}

fn signal(name: SignalName) -> Signal {
    match name {
        SignalName::Term => Signal::TERM,
        SignalName::Kill => Signal::KILL,
        SignalName::Stop => Signal::STOP,
        SignalName::Cont => Signal::CONT,
        SignalName::Hup => Signal::HUP,
        SignalName::Usr1 => Signal::USR1,
        SignalName::Usr2 => Signal::USR2,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::Command;

    use super::*;

    fn to(process: plan::Process) -> plan::Signal {
        plan::Signal { process, signal: SignalName::Usr1 }
    }

    #[test]
    fn a_signal_reaches_the_process_of_a_pid_file() {
        let folder = tempfile::tempdir().unwrap();
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let file = folder.path().join("pid");
        fs::write(&file, format!("{}\n", child.id())).unwrap();
        send(&to(plan::Process::File(file))).unwrap();
        assert_eq!(child.wait().unwrap().signal(), Some(Signal::USR1.as_raw()));
    }

    #[test]
    fn processes_that_no_run_should_touch_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let own = i32::try_from(std::process::id()).unwrap();
        for (text, expected) in [
            ("1", "is no process that a run may touch"),
            ("0", "is no process that a run may touch"),
            ("-1", "is no process that a run may touch"),
            ("-77", "is no process that a run may touch"),
            ("", "holds no number of a process"),
            ("12 13", "holds no number of a process"),
            (&own.to_string(), "is loadgate itself"),
        ] {
            let file = folder.path().join("pid");
            fs::write(&file, text).unwrap();
            let refused = send(&to(plan::Process::File(file))).unwrap_err();
            assert!(refused.contains(expected), "{text:?}: {refused}");
        }
        assert!(send(&to(plan::Process::Pid(1))).unwrap_err().contains("no process that a run may touch"));
        assert!(
            send(&to(plan::Process::File(folder.path().join("none"))))
                .unwrap_err()
                .contains("failed to read")
        );
    }
}
