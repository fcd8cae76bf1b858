//! The daemon: whether it is there and healthy, and of our version.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use serde_json::Value as Json;
use url::Url;

use super::ask::service;
use super::finding::Finding;

const CHECK: &str = "daemon";

/// Where one that listens there is asked from this machine.
pub(super) fn url(listen: SocketAddr) -> Option<Url> {
    let address = if listen.ip().is_unspecified() {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), listen.port())
    } else {
        listen
    };
    Url::parse(&format!("http://{address}")).ok()
}

pub(super) async fn check(server: &Url) -> Finding {
    let shown = crate::notify::shown_url(server);
    match service(server, "/-/healthy").await {
        Err(why) => Finding::problem(CHECK, format!("{shown} does not answer: {why}"), "loadgate serve"),
        Ok(answer) if answer.status != 200 => Finding::problem(
            CHECK,
            format!("{shown} is not healthy: status {}", answer.status),
            "look at its log; then `loadgate serve` anew",
        ),
        Ok(_) => {
            let info = service(server, "/api/v1/status/buildinfo").await.ok();
            let info = info.and_then(|info| serde_json::from_slice::<Json>(&info.body).ok());
            let revision = info.as_ref().and_then(|info| info["data"]["revision"].as_str());
            version(&shown, revision)
        }
    }
}

fn version(shown: &str, revision: Option<&str>) -> Finding {
    let ours = concat!("loadgate ", env!("CARGO_PKG_VERSION"));
    match revision {
        Some(theirs) if theirs == ours => Finding::ok(CHECK, format!("{shown} is healthy, {ours}")),
        Some(theirs) => Finding::warning(
            CHECK,
            format!(
                "{shown} is healthy, but {}, and this is {ours}",
                if theirs.is_empty() { "unknown" } else { theirs }
            ),
            "start the daemon anew with this version",
        ),
        None => Finding::ok(CHECK, format!("{shown} is healthy")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::finding::Level;
    use super::*;

    #[test]
    fn a_daemon_of_another_version_is_told() {
        assert_eq!(version("u", Some(concat!("loadgate ", env!("CARGO_PKG_VERSION")))).level, Level::Ok);
        assert_eq!(version("u", Some("loadgate 0.0.1")).level, Level::Warning);
        assert_eq!(version("u", None).level, Level::Ok);
    }

    #[test]
    fn a_daemon_that_listens_everywhere_is_asked_here() {
        for (listen, asked) in [
            ("0.0.0.0:5665", "http://127.0.0.1:5665/"),
            ("[::]:1", "http://127.0.0.1:1/"),
            ("10.0.0.1:80", "http://10.0.0.1/"),
        ] {
            assert_eq!(url(listen.parse().unwrap()).unwrap().as_str(), asked);
        }
    }
}
