//! The demo target, with faults.

use loadgate::target::{TargetConfig, serve_with_grpc};
use tokio::net::TcpListener;

use super::Service;

/// `faults` as on the command line: `errors=0.5`.
pub(crate) fn demo_target(faults: &[&str]) -> Service {
    demo_with_grpc(faults).0
}

/// With the URL of its gRPC.
pub(crate) fn demo_with_grpc(faults: &[&str]) -> (Service, String) {
    let faults = faults.iter().map(|fault| fault.parse().unwrap()).collect();
    let config = TargetConfig { faults, ..TargetConfig::default() };
    let (tell, told) = std::sync::mpsc::channel();
    let service = Service::start(move |listener, stop| async move {
        let stopped = async {
            let _dropped = stop.await;
        };
        let grpc = TcpListener::bind("127.0.0.1:0").await.unwrap();
        tell.send(grpc.local_addr().unwrap()).unwrap();
        serve_with_grpc(listener, Some(grpc), config, stopped).await.unwrap();
    });
    let url = format!("grpc://{}", told.recv().unwrap());
    (service, url)
}
