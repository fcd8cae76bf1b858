//! Signals and limits of this process.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::signal::unix::{SignalKind, signal as listen};

/// As many descriptors as the system lets us have: each user holds one.
pub(super) fn raise_descriptor_limit() {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current != maximum {
        // Refused, the old limit stays, and exchanges that find none left are counted as such.
        let _ = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    }
}

/// Resolves with the name of the first signal that asks us to end. From the second one on the
/// process ends at once, for those who are in a hurry.
pub(super) async fn signal() -> String {
    signal_before(|| {}).await
}

/// The same, with what is to be done before the process ends at once.
pub(super) async fn signal_before(leave: impl FnOnce() + Send + 'static) -> String {
    let kinds = [
        ("SIGINT", SignalKind::interrupt()),
        ("SIGTERM", SignalKind::terminate()),
        ("SIGHUP", SignalKind::hangup()),
    ];
    let arrivals = kinds.into_iter().filter_map(|(name, kind)| Some((name, listen(kind).ok()?)));
    let (first, rest) = {
        let waits = arrivals.map(|(name, mut arrivals)| {
            Box::pin(async move {
                arrivals.recv().await;
                (name, arrivals)
            })
        });
        let ((name, mut again), _, rest) = futures_util::future::select_all(waits).await;
        let repeated = async move {
            again.recv().await;
        };
        (name, (repeated, rest))
    };
    tokio::spawn(async move {
        let (repeated, rest) = rest;
        tokio::select! {
            () = repeated => {}
            _ = async { futures_util::future::select_all(rest).await } => {}
        }
        leave();
        std::process::exit(crate::verdict::Verdict::Stopped.exit_code().into());
    });
    first.to_owned()
}
