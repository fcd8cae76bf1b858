//! The daemon's own file, `config/loadgate.yml`. Nothing is filled in in it: what is secret stands in files of its own.
//!
//! Relative paths start from the folder in which the daemon was started, not from that of the file.

mod disk_error;
mod schedule;
mod sections;
#[cfg(test)]
mod tests;
mod tokens;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

pub use disk_error::OnDiskError;
pub use schedule::{Missed, Overlap, ScheduleConfig, TimeZone};
pub use sections::{DaemonLimits, PrometheusConfig};
pub use tokens::{Scope, Tokens, TokensError};

use super::fields::{Element, Fields, Reader, Value as _};
use super::node::{Kind, Node};
use super::value::{EnvironmentName, Name};
use super::{At, Place, Problem, Problems, Source, yaml};
use crate::protocol::AllowedTarget;
use schedule::check_names;
use sections::{Alertmanager, Auth, Memory, Retention, Targets};
use values::{HostOnly, ListenAddress, PathText};

/// How a daemon lives: where it listens, what it runs, what it may do.
#[derive(Debug, Clone)]
pub struct DaemonConfig {
    /// Default `127.0.0.1:5665`. Anything but a loopback address needs `token_file`.
    pub listen: At<SocketAddr>,
    /// Of the `Host` header, without port, in small letters.
    pub allowed_hosts: Vec<String>,
    /// Where runs are kept.
    pub data_dir: At<PathBuf>,
    /// Plans, and folders of plans.
    pub plans: Vec<At<PathBuf>>,
    /// Rule files: paths or patterns.
    pub rule_files: Vec<At<String>>,
    pub schedules: Vec<ScheduleConfig>,
    pub prometheus: Option<PrometheusConfig>,
    /// URLs of Alertmanagers.
    pub alertmanagers: Vec<At<String>>,
    /// Where load may go.
    pub allow: Vec<AllowedTarget>,
    pub limits: DaemonLimits,
    pub token_file: Option<At<PathBuf>>,
    /// What the series of a run may take, in bytes.
    pub store_bytes: usize,
    /// How long runs are kept after their end.
    pub keep_runs: Duration,
    /// The names of the daemon's environment that plans may read.
    pub expose_env: Vec<String>,
    /// Whether plans may start programs.
    pub allow_exec: bool,
    /// When a run's record can no longer be written.
    pub on_disk_error: OnDiskError,
    /// For problems that are found later.
    pub source: Arc<Source>,
}

impl DaemonConfig {
    /// Reads the file's text; `file_name` is for messages.
    ///
    /// # Errors
    /// All that is wrong with it.
    pub fn read(file_name: &str, text: &str) -> Result<Self, Problems> {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut problems = Vec::new();
        let source = |text: &str| Arc::new(Source::new(file_name, text, Vec::new()));
        let mut tree = match yaml::read(text, &mut problems) {
            Ok(tree) => tree,
            Err(problem) => {
                problems.push(problem);
                let shown = text.get(..text.len().min(yaml::MAX_TEXT_BYTES)).unwrap_or_default();
                return Err(Problems::new(source(shown), problems));
            }
        };
        refuse_variables(&mut tree, &mut problems);
        let mut reader = Reader::new(problems);
        let file = DaemonFile::read(&tree, &mut reader);
        match file {
            Some(DaemonFile(mut config)) if reader.problems.is_empty() => {
                config.source = source(text);
                Ok(config)
            }
            _ => Err(Problems::new(source(text), reader.problems)),
        }
    }

    /// Whether a text is such a file, by its keys: those that no plan and no rule file has.
    pub fn is_meant_by(text: &str) -> bool {
        const OWN: [&str; 14] = [
            "listen:",
            "allowed_hosts:",
            "data_dir:",
            "plans:",
            "rule_files:",
            "schedules:",
            "prometheus:",
            "alertmanager:",
            "targets:",
            "auth:",
            "memory:",
            "retention:",
            "expose_env:",
            "allow_exec:",
        ];
        const PLANS: [&str; 3] = ["name:", "scenarios:", "groups:"];
        let begins = |keys: &[&str]| text.lines().any(|line| keys.iter().any(|key| line.starts_with(key)));
        begins(&OWN) && !begins(&PLANS)
    }

    /// The JSON Schema of the file.
    pub fn schema() -> Json {
        let schema = super::schema::document::<DaemonFile>("loadgate daemon configuration");
        without_filling(schema)
    }
}

impl Default for DaemonConfig {
    /// What holds without a file.
    fn default() -> Self {
        let place = Place::default();
        DaemonConfig {
            listen: At::new(SocketAddr::from(([127, 0, 0, 1], 5665)), place),
            allowed_hosts: vec!["localhost".to_owned(), "127.0.0.1".to_owned()],
            data_dir: At::new(PathBuf::from("data"), place),
            plans: vec![At::new(PathBuf::from("config/plans"), place)],
            rule_files: vec![At::new("alerting/rules/*.yml".to_owned(), place)],
            schedules: Vec::new(),
            prometheus: None,
            alertmanagers: Vec::new(),
            allow: vec![AllowedTarget::Loopback],
            limits: DaemonLimits::default(),
            token_file: None,
            store_bytes: 256 << 20,
            keep_runs: Duration::from_secs(90 * 24 * 60 * 60),
            expose_env: Vec::new(),
            allow_exec: false,
            on_disk_error: OnDiskError::Continue,
            source: Arc::new(Source::new("(defaults)", "", Vec::new())),
        }
    }
}

/// Refuses to serve an address that others can reach without asking them who they are.
///
/// # Errors
/// Says what to do.
pub fn check_listen(listen: SocketAddr, has_tokens: bool) -> Result<(), String> {
    if listen.ip().to_canonical().is_loopback() || has_tokens {
        return Ok(());
    }
    Err(format!(
        "`{listen}` can be reached from other machines, and without `auth: {{token_file: …}}` whoever reaches it could start load: \
         write one with `(umask 077; echo \"admin:$(openssl rand -hex 32)\" > loadgate.tokens)` and name it there, or listen on 127.0.0.1"
    ))
}

struct DaemonFile(DaemonConfig);

impl Element for DaemonFile {
    const NAME: &'static str = "config";
    const HELP: &'static str = "The daemon: where it listens, what it runs, what it may do. Relative paths start from the folder it is started in";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let listen = f.or::<At<ListenAddress>>(
            "listen",
            "Where page and API are; other than loopback needs `auth.token_file`",
            "127.0.0.1:5665",
        );
        let allowed_hosts = f.optional::<Vec<HostOnly>>(
            "allowed_hosts",
            "Hosts by which the daemon may be called: `Host` headers; default localhost, 127.0.0.1",
        );
        let data_dir = f.or::<At<PathText>>("data_dir", "Where runs are kept", "data");
        let plans =
            f.optional::<Vec<At<PathText>>>("plans", "Plans, and folders of plans; default config/plans");
        let rule_files = f.optional::<Vec<At<PathText>>>(
            "rule_files",
            "Rule files, by paths or patterns, evaluated in each run; only alerts with the label `gate` decide; \
             default alerting/rules/*.yml",
        );
        let schedules = f.or_empty::<Vec<ScheduleConfig>>("schedules", "Runs that start by themselves");
        if let Some(schedules) = &schedules {
            check_names(f, schedules);
        }
        let prometheus = f.optional::<PrometheusConfig>("prometheus", "A Prometheus that scrapes the daemon");
        let alertmanager = f.or_all_defaults::<Alertmanager>("alertmanager", "Who is told of alerts");
        let targets = f.or_all_defaults::<Targets>("targets", "Where load may go");
        let limits = f.or_all_defaults::<DaemonLimits>("limits", "What a run may ask for");
        let auth = f.or_all_defaults::<Auth>("auth", "Who may call the API");
        let memory = f.or_all_defaults::<Memory>("memory", "What may be held in memory");
        let retention = f.or_all_defaults::<Retention>("retention", "How long runs are kept");
        let expose_env = f.or_empty::<Vec<Name<EnvironmentName>>>(
            "expose_env",
            "Names of the daemon's environment that plans may read",
        );
        let allow_exec = f.or::<bool>("allow_exec", "Whether plans may start programs", "false");
        let on_disk_error = f.or::<OnDiskError>(
            "on_disk_error",
            "When a run's record can no longer be written: its load goes on, or it is stopped",
            "continue",
        );
        let listen = listen.map(|listen| listen.map(|listen| listen.0));
        let token_file = auth.map(|auth| auth.token_file);
        if let (Some(listen), Some(token_file)) = (&listen, &token_file)
            && check_listen(listen.value, token_file.is_some()).is_err()
        {
            let message = format!("`{}` can be reached from other machines: that needs tokens", listen.value);
            let help =
                "name a file of tokens (`auth: {token_file: loadgate.tokens}`), or listen on 127.0.0.1";
            f.problem_at(listen.place, message, help.to_owned());
        }
        let defaults = DaemonConfig::default();
        let paths = |paths: Vec<At<PathText>>| paths.into_iter().map(PathText::at).collect();
        Some(DaemonFile(DaemonConfig {
            listen: listen?,
            allowed_hosts: allowed_hosts?
                .map_or(defaults.allowed_hosts, |hosts| hosts.into_iter().map(|host| host.0).collect()),
            data_dir: PathText::at(data_dir?),
            plans: plans?.map_or(defaults.plans, paths),
            rule_files: rule_files?.map_or(defaults.rule_files, |files| {
                files.into_iter().map(|file| file.map(|file| file.0)).collect()
            }),
            schedules: schedules?,
            prometheus: prometheus?,
            alertmanagers: alertmanager?.0,
            allow: targets?.0,
            limits: limits?,
            token_file: token_file?,
            store_bytes: memory?.store_bytes,
            keep_runs: retention?.runs,
            expose_env: expose_env?.into_iter().map(|name| name.0).collect(),
            allow_exec: allow_exec?,
            on_disk_error: on_disk_error?,
            source: defaults.source,
        }))
    }
}

/// Nothing is filled in here, and who writes `${` thinks that it is.
fn refuse_variables(node: &mut Node, problems: &mut Vec<Problem>) {
    match &mut node.kind {
        Kind::Scalar(scalar) if scalar.text.contains("${") => {
            let problem = Problem::new(node.place, "`${…}` is not filled in in the daemon's file");
            let help = "write the value; what is secret stands in a file, such as `auth.token_file`";
            problems.push(problem.help(help));
            node.kind = Kind::Broken;
        }
        Kind::Seq(items) => items.iter_mut().for_each(|item| refuse_variables(item, problems)),
        Kind::Map(entries) => entries.iter_mut().for_each(|(_, value)| refuse_variables(value, problems)),
        Kind::Scalar(_) | Kind::Broken => {}
    }
}

/// The values of plans may be texts with `${}`; here they are what they are.
fn without_filling(schema: Json) -> Json {
    match schema {
        Json::Array(items) => items.into_iter().map(without_filling).collect(),
        Json::Object(mut object) => {
            if let Some(Json::Array(either)) = object.get_mut("anyOf") {
                either.retain(|one| one["$ref"] != "#/$defs/filled");
                if let [only] = either.as_mut_slice() {
                    let only = only.take();
                    object.remove("anyOf");
                    object.extend(only.as_object().cloned().unwrap_or_default());
                }
            }
            if let Some(Json::Object(definitions)) = object.get_mut("$defs") {
                definitions.remove("filled");
            }
            Json::Object(object.into_iter().map(|(key, value)| (key, without_filling(value))).collect())
        }
        other => other,
    }
}
