//! `loadgate healthcheck`: whether a daemon is ready, for compose and orchestrators.

use http::Method;
use url::Url;

use super::Failure;
use super::files::say;
use super::runs::server::{DEFAULT_SERVER, Server, TokenArgs, block_on};
use crate::notify::base_url;

const READY: &str = "/-/ready";

/// Exit with 0 when the daemon is ready
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, for compose:\n  healthcheck:\n    test: [CMD, loadgate, healthcheck]\n\n  loadgate healthcheck --server http://127.0.0.1:5665"
)]
pub(super) struct Healthcheck {
    /// The daemon
    #[arg(long, env = "LOADGATE_SERVER", value_name = "URL", default_value = DEFAULT_SERVER, value_parser = base_url)]
    server: Url,
    /// What is asked for there; any answer of 2xx will do
    #[arg(long, env = "LOADGATE_HEALTHCHECK_PATH", value_name = "PATH", default_value = READY)]
    path: String,
}

impl Healthcheck {
    pub(super) fn execute(&self) -> Result<u8, Failure> {
        // Whoever may ask anything may ask this: no token.
        let server = Server::new(&self.server, &TokenArgs::default())?;
        let ready = block_on(async { Ok(server.text(Method::GET, &self.path, None).await?) })?;
        // What another service says is nothing to log every few seconds.
        if self.path == READY {
            say(&ready);
        }
        Ok(0)
    }
}
