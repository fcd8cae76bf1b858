//! `loadgate healthcheck`: whether a daemon is ready, for compose and orchestrators.

use http::Method;
use url::Url;

use super::Failure;
use super::files::say;
use super::runs::server::{DEFAULT_SERVER, Server, TokenArgs, block_on};
use crate::notify::base_url;

/// Exit with 0 when the daemon is ready
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, for compose:\n  healthcheck:\n    test: [CMD, loadgate, healthcheck]\n\n  loadgate healthcheck --server http://127.0.0.1:5665"
)]
pub(super) struct Healthcheck {
    /// The daemon
    #[arg(long, env = "LOADGATE_SERVER", value_name = "URL", default_value = DEFAULT_SERVER, value_parser = base_url)]
    server: Url,
}

impl Healthcheck {
    pub(super) fn execute(&self) -> Result<u8, Failure> {
        // Whoever may ask anything may ask this: no token.
        let server = Server::new(&self.server, &TokenArgs::default())?;
        let ready = block_on(async { Ok(server.text(Method::GET, "/-/ready", None).await?) })?;
        say(&ready);
        Ok(0)
    }
}
