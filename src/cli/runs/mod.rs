//! `loadgate runs`: the client of a daemon's runs.

pub(super) mod follow;
pub(super) mod server;
mod sse;
mod text;

use http::Method;
use serde_json::{Value, json};
use url::form_urlencoded;

use self::follow::Manner;
use self::server::{Server, ServerArgs, block_on};
use super::Failure;
use super::files::{complain, say};
use crate::api::runs::dto::{Run, RunList};

/// List, follow, stop, change and compare the runs of a daemon
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    loadgate runs list --state running\n  \
    loadgate runs follow 0068f1a2b3-00c4\n  \
    loadgate runs scale 0068f1a2b3-00c4 --scenario chat --vus 50\n  \
    loadgate runs compare 0068f1a2b3-00c4 0068f1b5d0-1f02\n  \
    LOADGATE_TOKEN=… loadgate runs stop 0068f1a2b3-00c4 --server https://load.example.com\n\n\
    Exit code: 0 when it was done; of follow, that of the run (105 when it is left before it ends)")]
pub(super) struct Runs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    List(List),
    /// Show what is known of a run
    #[command(after_help = "Example:\n  loadgate runs show 0068f1a2b3-00c4 --json | jq .verdict")]
    Show(One),
    Follow(Follow),
    /// Stop a run: one that waits at once, one that runs with its teardown and hooks
    #[command(after_help = "Example:\n  loadgate runs stop 0068f1a2b3-00c4")]
    Stop(One),
    /// Hold a run's load back
    #[command(after_help = "Example:\n  loadgate runs pause 0068f1a2b3-00c4")]
    Pause(One),
    /// Let a paused run's load go on
    #[command(after_help = "Example:\n  loadgate runs resume 0068f1a2b3-00c4")]
    Resume(One),
    Scale(Scale),
    /// Repeat a run: the same plan and files, with the same values
    #[command(after_help = "Example:\n  loadgate runs rerun 0068f1a2b3-00c4")]
    Rerun(One),
    Compare(Compare),
    /// Forget a run that has ended, with all that it left
    #[command(after_help = "Example:\n  loadgate runs delete 0068f1a2b3-00c4")]
    Delete(One),
}

/// List runs, the newest first
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  loadgate runs list --test chat-streaming --state finished --limit 10")]
struct List {
    /// Only runs in this state: queued, preflight, setup, running, paused, draining, verifying, teardown, finished,
    /// interrupted; may be repeated
    #[arg(long, env = "LOADGATE_STATE", value_name = "STATE", value_delimiter = ',')]
    state: Vec<String>,
    /// Only runs of the plan of this name
    #[arg(long, env = "LOADGATE_TEST", value_name = "NAME")]
    test: Option<String>,
    /// Only runs before this one
    #[arg(long, env = "LOADGATE_BEFORE", value_name = "RUN", value_parser = run_id)]
    before: Option<String>,
    /// At most so many
    #[arg(long, env = "LOADGATE_LIMIT", value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u16).range(1..=500))]
    limit: u16,
    #[command(flatten)]
    to: To,
}

/// Show what happens to a run until it has ended, over lost connections too, and then its gates and verdict
#[derive(Debug, clap::Args)]
#[command(after_help = "Exit code: that of the run; 105 when it is left before it ends.\n\n\
    Example:\n  loadgate runs follow 0068f1a2b3-00c4")]
struct Follow {
    /// The run's id
    #[arg(value_name = "RUN", value_parser = run_id)]
    run: String,
    /// Stop the run on Ctrl-C, instead of leaving it to itself
    #[arg(long, env = "LOADGATE_STOP_ON_DETACH")]
    stop_on_detach: bool,
    /// Show no progress and no log
    #[arg(short, long, env = "LOADGATE_QUIET")]
    quiet: bool,
    #[command(flatten)]
    to: To,
}

/// Change the load of a scenario with a constant executor while it runs
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  loadgate runs scale 0068f1a2b3-00c4 --scenario chat --vus 50")]
struct Scale {
    /// The run's id
    #[arg(value_name = "RUN", value_parser = run_id)]
    run: String,
    /// Of the plan; needed where it has more than one
    #[arg(long, env = "LOADGATE_SCENARIO", value_name = "NAME")]
    scenario: Option<String>,
    /// So many users
    #[arg(
        long,
        env = "LOADGATE_VUS",
        value_name = "COUNT",
        conflicts_with = "rate",
        required_unless_present = "rate"
    )]
    vus: Option<u64>,
    /// So many iterations per time unit of the plan
    #[arg(long, env = "LOADGATE_RATE", value_name = "NUMBER")]
    rate: Option<f64>,
    #[command(flatten)]
    to: To,
}

/// Compare two runs: what got worse from the first to the second
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  loadgate runs compare 0068f1a2b3-00c4 0068f1b5d0-1f02 --json | jq .")]
struct Compare {
    /// The run to compare with
    #[arg(value_name = "RUN", value_parser = run_id)]
    a: String,
    /// The run in question
    #[arg(value_name = "RUN", value_parser = run_id)]
    b: String,
    #[command(flatten)]
    to: To,
}

#[derive(Debug, clap::Args)]
struct One {
    /// The run's id
    #[arg(value_name = "RUN", value_parser = run_id)]
    run: String,
    #[command(flatten)]
    to: To,
}

#[derive(Debug, clap::Args)]
struct To {
    #[command(flatten)]
    server: ServerArgs,
    /// Print the daemon's answer as it is
    #[arg(long, env = "LOADGATE_JSON")]
    json: bool,
}

/// It becomes part of a path.
fn run_id(text: &str) -> Result<String, String> {
    let is_id = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let fits = !matches!(text, "" | "." | "..") && text.len() <= 128 && text.bytes().all(is_id);
    if fits {
        Ok(text.to_owned())
    } else {
        Err("expected the id of a run, as `runs list` shows it".to_owned())
    }
}

impl Runs {
    pub(super) fn execute(self) -> Result<u8, Failure> {
        block_on(async {
            match self.command {
                Command::List(list) => list.execute().await,
                Command::Show(one) => one.execute(Method::GET, "").await,
                Command::Follow(follow) => follow.execute().await,
                Command::Stop(one) => one.execute(Method::POST, "/stop").await,
                Command::Pause(one) => one.execute(Method::POST, "/pause").await,
                Command::Resume(one) => one.execute(Method::POST, "/resume").await,
                Command::Scale(scale) => scale.execute().await,
                Command::Rerun(one) => one.execute(Method::POST, "/rerun").await,
                Command::Compare(compare) => compare.execute().await,
                Command::Delete(one) => one.delete().await,
            }
        })
    }
}

impl List {
    async fn execute(self) -> Result<u8, Failure> {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &self.limit.to_string());
        for state in &self.state {
            query.append_pair("state", state);
        }
        for (name, value) in [("test", &self.test), ("before", &self.before)] {
            if let Some(value) = value {
                query.append_pair(name, value);
            }
        }
        let path = format!("/api/v1/runs?{}", query.finish());
        self.to.show(Method::GET, &path, None, |list: &RunList| text::list(list)).await
    }
}

impl One {
    async fn execute(self, method: Method, what: &str) -> Result<u8, Failure> {
        self.to.show(method, &format!("/api/v1/runs/{}{what}", self.run), None, text::run).await
    }

    async fn delete(self) -> Result<u8, Failure> {
        let server = self.to.server()?;
        server.text(Method::DELETE, &format!("/api/v1/runs/{}", self.run), None).await?;
        complain(&format!("deleted the run {}", self.run));
        Ok(0)
    }
}

impl Follow {
    async fn execute(self) -> Result<u8, Failure> {
        let server = self.to.server()?;
        // Whether it is there at all: from here on the daemon is worth waiting for.
        let _there: Run = server.json(Method::GET, &format!("/api/v1/runs/{}", self.run), None).await?;
        let manner = Manner { json: self.to.json, quiet: self.quiet, stop_on_detach: self.stop_on_detach };
        Ok(follow::follow(&server, &self.run, manner).await?.exit_code())
    }
}

impl Scale {
    async fn execute(self) -> Result<u8, Failure> {
        let mut body = match (self.vus, self.rate) {
            (Some(vus), _) => json!({"vus": vus}),
            (None, rate) => json!({"rate": rate}),
        };
        if let (Some(scenario), Some(body)) = (self.scenario, body.as_object_mut()) {
            body.insert("scenario".to_owned(), Value::String(scenario));
        }
        let path = format!("/api/v1/runs/{}/scale", self.run);
        self.to.show(Method::POST, &path, Some(&body), text::run).await
    }
}

impl Compare {
    async fn execute(self) -> Result<u8, Failure> {
        let path = format!("/api/v1/runs/compare?a={}&b={}", self.a, self.b);
        self.to.show(Method::GET, &path, None, text::compared).await
    }
}

impl To {
    fn server(&self) -> Result<Server, Failure> {
        Server::new(&self.server.server, &self.server.token)
    }

    /// Asks, and prints the answer: as it is, or as text.
    async fn show<T: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
        text: impl FnOnce(&T) -> String,
    ) -> Result<u8, Failure> {
        let server = self.server()?;
        if self.json {
            say(&format!("{}\n", server.text(method, path, body).await?.trim_end()));
        } else {
            say(&text(&server.json(method, path, body).await?));
        }
        Ok(0)
    }
}
