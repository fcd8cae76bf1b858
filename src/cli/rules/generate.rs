//! `loadgate rules generate`: the rule file that a plan's thresholds mean.

use std::path::PathBuf;

use crate::cli::Failure;
use crate::cli::files::{PlanArgs, read_plan, say};

/// Print the rule file that a plan's thresholds and objectives mean
///
/// A rule fires where its threshold is crossed: on the run's final values, and with abort_on_fail while it lasts. The
/// run itself is judged by the same expressions; load the file into Prometheus to have it judge as well.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example:\n  loadgate rules generate config/plans/chat-streaming.yml > chat.rules.yml && promtool check rules chat.rules.yml"
)]
pub(super) struct Generate {
    /// The plan
    #[arg(value_name = "PLAN")]
    file: PathBuf,
    #[command(flatten)]
    pub(super) plan: PlanArgs,
}

impl Generate {
    pub(super) fn execute(&self) -> Result<u8, Failure> {
        say(&read_plan(&self.file, &self.plan)?.threshold_rules.rule_file());
        Ok(0)
    }
}
