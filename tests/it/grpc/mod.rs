//! The step `grpc`, in whole runs: against the demo target (tonic), Python's grpcio, and servers that mean ill.

mod demo;
mod hostile;
mod peer;
mod peers;

use crate::stage::Ran;

/// A plan whose one user does this flow once.
fn once(flow: &str) -> String {
    let flow = flow.trim_end().replace('\n', "\n      ");
    format!(
        "name: grpc\n\
         scenarios:\n  \
           s:\n    \
             executor: shared-iterations\n    \
             vus: 1\n    \
             iterations: 1\n    \
             max_duration: 120s\n    \
             flow:\n      {flow}\n"
    )
}

/// That each check held each time, and that there are so many of them.
fn all_hold(ran: &Ran, checks: u64) {
    let of = |condition| ran.count("k6_checks_total", &[("condition", condition)]);
    assert_eq!((of("nonzero"), of("zero")), (checks, 0), "{}\n{}", ran.verdict(), ran.notes());
}

/// Calls that ended so.
fn calls(ran: &Ran, status: &str, error_code: &str) -> u64 {
    ran.count("k6_grpc_reqs_total", &[("status", status), ("error_code", error_code)])
}
