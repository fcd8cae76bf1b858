//! `loadgate schema`: JSON Schema, for editors.

use super::Failure;
use super::files::say;
use crate::config::DaemonConfig;

/// Print the JSON Schema of a plan or of the daemon's configuration, for editors
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, for the YAML language server (first line of a plan):\n  loadgate schema plan > plan.schema.json\n  # yaml-language-server: $schema=plan.schema.json"
)]
pub(super) struct Schema {
    /// Of what
    #[arg(value_enum)]
    of: Of,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Of {
    Plan,
    Config,
}

impl Schema {
    pub(super) fn execute(self) -> Result<u8, Failure> {
        let schema = match self.of {
            Of::Plan => crate::config::schema(),
            Of::Config => DaemonConfig::schema(),
        };
        say(&format!("{schema:#}\n"));
        Ok(0)
    }
}
