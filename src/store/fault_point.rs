//! Where tests let this process end as a crash would, to see what is there afterwards.

/// The name of the point at which this process ends; for tests only.
const VARIABLE: &str = "LOADGATE_FAULT_POINT";

/// Ends this process at once, as `kill -9` does, if `LOADGATE_FAULT_POINT` names this point. A crash is nothing that could
/// be imitated from outside at a chosen moment.
pub fn fault_point(name: &str) {
    if std::env::var_os(VARIABLE).is_some_and(|wanted| wanted == name) {
        let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
    }
}
