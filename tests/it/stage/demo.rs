//! The demo target, with faults.

use loadgate::target::{TargetConfig, serve};

use super::Service;

/// `faults` as on the command line: `errors=0.5`.
pub(crate) fn demo_target(faults: &[&str]) -> Service {
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    let config = TargetConfig { faults, ..TargetConfig::default() };
    Service::start(move |listener, stop| async move {
        let stopped = async {
            let _dropped = stop.await;
        };
        serve(listener, config, stopped).await.unwrap();
    })
}
