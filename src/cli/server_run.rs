//! `loadgate run --server`: a daemon owns the run, and this command sends the plan and follows.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use url::Url;

use super::files::{PlanArgs, complain, say, write_whole};
use super::process::signal;
use super::runs::follow::{Manner, Outcome, again, follow};
use super::runs::server::{AskError, Server, TokenArgs, block_on};
use super::{Failure, INVALID_PLAN};
use crate::api::runs::dto::{FileContent, NewRun, Run, Source};
use crate::config::LoadOptions;
use crate::notify::base_url;
use crate::plan::{Bundle, pack};
use crate::verdict::Verdict;

/// For a daemon that does not answer, or has no room.
const TRIES: u32 = 8;
const FIRST_PAUSE: Duration = Duration::from_millis(200);

/// Who executes the plan, if not this process.
#[derive(Debug, Default, clap::Args)]
pub(super) struct ServerRun {
    /// Let the daemon at this URL execute the plan, and follow it; Ctrl-C leaves the run to the daemon
    #[arg(long, env = "LOADGATE_SERVER", value_name = "URL", value_parser = base_url)]
    pub(super) server: Option<Url>,
    #[command(flatten)]
    token: TokenArgs,
    /// With --server: print the run's id and do not follow it
    #[arg(long, env = "LOADGATE_DETACH", conflicts_with = "stop_on_detach")]
    detach: bool,
    /// With --server: stop the run on Ctrl-C, instead of leaving it to the daemon
    #[arg(long, env = "LOADGATE_STOP_ON_DETACH")]
    stop_on_detach: bool,
}

/// What is sent, and what is done with what comes back.
pub(super) struct Sent<'a> {
    pub(super) file: &'a Path,
    pub(super) plan: &'a PlanArgs,
    pub(super) tags: &'a [(String, String)],
    pub(super) summary_export: Option<&'a PathBuf>,
    pub(super) report: Option<&'a PathBuf>,
    pub(super) quiet: bool,
}

impl ServerRun {
    /// Whether what belongs to `--server` was given without it.
    pub(super) fn check_alone(&self) -> Result<(), Failure> {
        match (self.detach, self.stop_on_detach) {
            (true, _) => Err(Failure::usage("error: --detach needs --server URL: there is nothing to leave")),
            (_, true) => {
                Err(Failure::usage("error: --stop-on-detach needs --server URL: there is nothing to leave"))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn execute(&self, server: &Url, sent: &Sent<'_>) -> Result<u8, Failure> {
        let request = sent.request()?;
        let server = Server::new(server, &self.token)?;
        block_on(async {
            let run = tokio::select! {
                run = submit(&server, &request) => run?,
                _ = signal() => {
                    complain(&format!(
                        "left before {} answered: look for the run with: loadgate runs list --server {}",
                        server.shown(),
                        server.shown()
                    ));
                    return Ok(Verdict::Stopped.exit_code());
                }
            };
            if self.detach {
                say(&format!("{}\n", run.id));
                complain(&again(&server, &run.id));
                return Ok(0);
            }
            complain(&format!("run {} of {} on {}", run.id, run.test, server.shown()));
            let manner = Manner { json: false, quiet: sent.quiet, stop_on_detach: self.stop_on_detach };
            let outcome = follow(&server, &run.id, manner).await?;
            if let Outcome::Ended { summary, .. } = &outcome {
                let written =
                    sent.write_summary(summary.as_ref()).and(sent.write_report(&server, &run.id).await);
                // The verdict says more than a full disk does, unless all was well.
                match (written, outcome.exit_code()) {
                    (Err(failure), 0) => return Err(failure),
                    (Err(failure), _) => complain(&failure.to_string()),
                    (Ok(()), _) => {}
                }
            }
            Ok(outcome.exit_code())
        })
    }
}

impl Sent<'_> {
    fn write_summary(&self, summary: Option<&Value>) -> Result<(), Failure> {
        let Some(file) = self.summary_export else { return Ok(()) };
        write_whole(file, &format!("{:#}\n", summary.unwrap_or(&Value::Null)))
    }

    /// The daemon's, which has the series.
    async fn write_report(&self, server: &Server, id: &str) -> Result<(), Failure> {
        let Some(file) = self.report else { return Ok(()) };
        let report = server.text(Method::GET, &format!("/api/v1/runs/{id}/report"), None).await?;
        write_whole(file, &report)?;
        complain(&format!("report: {}", file.display()));
        Ok(())
    }

    fn request(&self) -> Result<Value, Failure> {
        let environment = |name: &str| std::env::var(name).ok();
        let options = LoadOptions {
            env_flags: self.plan.env.clone(),
            profile: self.plan.profile.clone(),
            environment: &environment,
        };
        let packed = pack(self.file, &options).map_err(|error| Failure::invalid(error.to_string()))?;
        let request = NewRun {
            plan: None,
            source: Some(source(packed.bundle)),
            profile: self.plan.profile.clone(),
            env: packed.env.into_iter().collect(),
            tags: self.tags.iter().cloned().collect(),
        };
        Ok(json!(request))
    }
}

/// The plan with all files that it names.
fn source(bundle: Bundle) -> Source {
    let files = bundle.files.into_iter().map(|(path, bytes)| (path, FileContent::of(bytes)));
    Source { plan: bundle.plan, files: files.collect() }
}

/// The same key in each try: whichever of them arrives, it is one run.
async fn submit(server: &Server, request: &Value) -> Result<Run, Failure> {
    let key = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
    let mut pause = FIRST_PAUSE;
    for left in (0..TRIES).rev() {
        let headers = [("idempotency-key", key.as_str())];
        let why = match server.json_with(Method::POST, "/api/v1/runs", &headers, Some(request)).await {
            Ok(run) => return Ok(run),
            // Nobody is there: whoever typed the address wants to know now.
            Err(error @ AskError::Unreachable { .. }) if left == TRIES - 1 => return Err(error.into()),
            Err(error) if error.status() == Some(422) => {
                return Err(Failure { message: format!("error: {error}"), code: INVALID_PLAN });
            }
            Err(error) if error.may_pass() && left > 0 => error,
            Err(error) => return Err(error.into()),
        };
        complain(&format!("{why}; trying again"));
        tokio::time::sleep(pause).await;
        pause *= 2;
    }
    Err(Failure::internal("submit the run", "no try was left"))
}
