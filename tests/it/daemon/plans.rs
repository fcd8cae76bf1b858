//! Plans that the tests have executed.

use std::net::SocketAddr;

/// So many iterations a second, for so long.
pub(super) fn steady(target: SocketAddr, rate: u32, duration: &str) -> String {
    format!(
        "name: steady
scenarios:
  steady: {{executor: constant-arrival-rate, rate: {rate}, duration: {duration}, pre_allocated_vus: 5, max_vus: 20, flow: [{{http: {{url: 'http://{target}/health'}}}}]}}
thresholds: {{http_req_failed: [rate<0.01]}}
"
    )
}

/// Five users, for so long: nothing of it is due at a time, so that it passes on a machine that is busy with others.
pub(super) fn unhurried(target: SocketAddr, duration: &str) -> String {
    format!(
        "name: steady
scenarios:
  steady: {{executor: constant-vus, vus: 5, duration: {duration}, flow: [{{http: {{url: 'http://{target}/health'}}}}, {{sleep: 50ms}}]}}
thresholds: {{http_req_failed: [rate<0.01]}}
"
    )
}
