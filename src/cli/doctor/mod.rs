//! `loadgate doctor`: what is wrong with this machine, the targets and the services around, and the command that mends it.
//! One file per check; each asks the world in one place and judges what it found in another.

mod ask;
mod clock;
mod containers;
mod daemon;
mod descriptors;
mod disk;
mod finding;
mod metrics;
mod ports;
mod services;
mod targets;

use std::path::PathBuf;
use std::time::Duration;

use super::check::config::read_config;
use super::files::{PlanArgs, read_plan, say};
use super::process::raise_descriptor_limit;
use super::{Failure, INTERNAL};
use crate::config::DaemonConfig;
use crate::plan::Plan;
use finding::{Finding, Level};

/// Of each question to another service.
const PATIENCE: Duration = Duration::from_secs(5);

/// Find out what is wrong with this machine, a plan's targets and the services around, and how to mend it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Exit code: 0 without problems, also with warnings; 1 with problems; 104 when plan or configuration is invalid.\n\nExamples:\n  loadgate doctor\n  loadgate doctor config/plans/chat-streaming.yml --config config/loadgate.yml"
)]
pub(super) struct Doctor {
    /// A plan: whether this machine can send its load, and its targets can take it
    #[arg(value_name = "PLAN")]
    file: Option<PathBuf>,
    #[command(flatten)]
    pub(super) plan: PlanArgs,
    /// A daemon's URL
    #[arg(long, env = "LOADGATE_SERVER", value_name = "URL", value_parser = ask::base)]
    server: Option<url::Url>,
    /// A daemon's configuration: what it needs, and the Prometheus and Alertmanagers that it names
    #[arg(long, env = "LOADGATE_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// A Prometheus' URL (default: the configuration's)
    #[arg(long, env = "LOADGATE_PROMETHEUS", value_name = "URL", value_parser = ask::base)]
    prometheus: Option<url::Url>,
    /// An Alertmanager's URL (default: those of the configuration); may be repeated
    #[arg(long, env = "LOADGATE_ALERTMANAGER", value_name = "URL", value_parser = ask::base, value_delimiter = ',')]
    alertmanager: Vec<url::Url>,
    /// A Grafana's URL: `http://localhost:3001`
    #[arg(long, env = "LOADGATE_GRAFANA", value_name = "URL", value_parser = ask::base)]
    grafana: Option<url::Url>,
    /// Write an array of findings: `check`, `level` (ok, warning, problem), `what`, `mend`
    #[arg(long, env = "LOADGATE_DOCTOR_JSON")]
    json: bool,
}

impl Doctor {
    pub(super) fn execute(self) -> Result<u8, Failure> {
        raise_descriptor_limit();
        let plan = self.file.as_deref().map(|file| read_plan(file, &self.plan)).transpose()?;
        let config = self.config.as_deref().map(read_config).transpose().map_err(Failure::invalid)?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| Failure::internal("start", error))?;
        let findings = runtime.block_on(self.look(plan.as_ref(), config.as_ref()));
        say(&if self.json { finding::json(&findings) } else { finding::text(&findings) });
        let any = findings.iter().any(|finding| finding.level == Level::Problem);
        Ok(if any { INTERNAL } else { 0 })
    }

    async fn look(&self, plan: Option<&Plan>, config: Option<&DaemonConfig>) -> Vec<Finding> {
        let users = plan.map(Plan::max_vus);
        let mut findings = vec![descriptors::check(users), ports::check(users), clock::check()];
        findings.extend(containers::check());
        if let Some(plan) = plan {
            findings.extend(targets::check(plan).await);
            findings.extend(metrics::check(plan).await);
        }
        if let Some(config) = config {
            findings.extend(disk::check(&config.data_dir.value));
        }
        let url = |text: &str| ask::base(text).ok();
        let server =
            self.server.clone().or_else(|| config.and_then(|config| daemon::url(config.listen.value)));
        if let Some(server) = server {
            findings.push(daemon::check(&server).await);
        }
        let of_config = config.and_then(|config| config.prometheus.as_ref());
        if let Some(prometheus) = self.prometheus.clone().or_else(|| url(&of_config?.url.value)) {
            findings.extend(services::prometheus(&prometheus, plan).await);
        }
        let of_config = config.map(|config| config.alertmanagers.as_slice()).unwrap_or_default();
        let mut alertmanagers = self.alertmanager.clone();
        if alertmanagers.is_empty() {
            alertmanagers.extend(of_config.iter().filter_map(|at| url(&at.value)));
        }
        for alertmanager in &alertmanagers {
            findings.push(services::alertmanager(alertmanager).await);
        }
        if let Some(grafana) = &self.grafana {
            findings.push(services::grafana(grafana).await);
        }
        findings
    }
}
