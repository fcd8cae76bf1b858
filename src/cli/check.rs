//! `loadgate check`: every error of every file.

use std::path::PathBuf;

use super::files::{PlanArgs, complain, read_plan, say};
use super::rules::{check_rules, holds_rules};
use super::{Failure, INVALID_PLAN};

pub(super) mod config;

use config::{check_config, holds_config};

/// Check plans, daemon configurations and rule files: every error with file, line, column, the line, and what was expected
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  loadgate check config/plans/*.yml config/loadgate.yml")]
pub(super) struct Check {
    /// Plans, daemon configurations and rule files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    #[command(flatten)]
    pub(super) plan: PlanArgs,
}

impl Check {
    pub(super) fn execute(self) -> Result<u8, Failure> {
        let mut code = 0;
        for file in &self.files {
            if holds_rules(file) {
                if !check_rules(file) {
                    code = INVALID_PLAN;
                }
                continue;
            }
            if holds_config(file) {
                if !check_config(file) {
                    code = INVALID_PLAN;
                }
                continue;
            }
            match read_plan(file, &self.plan) {
                Ok(plan) => {
                    let scenarios = plan.scenarios.iter();
                    let shown: Vec<String> = scenarios
                        .map(|scenario| format!("  * {}: {}", scenario.name, scenario.describe()))
                        .collect();
                    say(&format!("{}: ok\n{}\n", file.display(), shown.join("\n")));
                }
                Err(failure) => {
                    complain(&failure.to_string());
                    code = INVALID_PLAN;
                }
            }
        }
        Ok(code)
    }
}
