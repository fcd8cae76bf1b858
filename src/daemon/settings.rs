//! What the configuration comes to: read whole, or not taken at all.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::config::DaemonConfig;
use crate::plan::Reach;
use crate::prometheus::Address;
use crate::rules::RuleFile;
use crate::run::{ScaleLimits, Standing};
use crate::tsdb::Store;

/// Larger rule files are no rule files.
const MAX_RULE_BYTES: u64 = 16 << 20;

#[derive(Debug)]
pub(super) struct Settings {
    pub(super) config: DaemonConfig,
    pub(super) standing: Arc<Standing>,
    /// Where load may go.
    pub(super) reach: Reach,
}

impl Settings {
    /// Reads what the configuration names.
    ///
    /// # Errors
    /// All that is wrong with rule files, for people.
    pub(super) fn of(config: DaemonConfig, series: &Arc<Store>, own: SocketAddr) -> Result<Self, String> {
        let files = rule_files(&config)?;
        let standing = Arc::new(Standing::new(&files, Arc::clone(series), format!("http://{own}")));
        let reach = Reach::Daemon { allow: config.allow.clone(), own };
        Ok(Settings { config, standing, reach })
    }

    /// A Prometheus that judges too.
    pub(super) fn judge(&self) -> Option<Address> {
        let prometheus = self.config.prometheus.as_ref().filter(|prometheus| prometheus.judge)?;
        prometheus.url.value.parse().ok()
    }

    pub(super) fn scale_limits(&self) -> ScaleLimits {
        let limits = &self.config.limits;
        ScaleLimits { max_vus: Some(limits.max_vus), max_rate: Some(limits.max_rate) }
    }

    /// The plans that the configuration names, by their file's name without its ending; of two alike the first.
    pub(super) fn plans(&self) -> BTreeMap<String, PathBuf> {
        let mut plans = BTreeMap::new();
        let mut add = |path: PathBuf| {
            let is_yaml = path.extension().is_some_and(|ending| ending == "yml" || ending == "yaml");
            if let (true, Some(name)) = (is_yaml, path.file_stem().and_then(|name| name.to_str())) {
                plans.entry(name.to_owned()).or_insert(path);
            }
        };
        for place in &self.config.plans {
            match std::fs::read_dir(&place.value) {
                Ok(entries) => {
                    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
                    paths.sort();
                    paths.into_iter().filter(|path| path.is_file()).for_each(&mut add);
                }
                Err(_) if place.value.is_file() => add(place.value.clone()),
                Err(error) => tracing::warn!("failed to list plans in {}: {error}", place.value.display()),
            }
        }
        plans
    }
}

fn rule_files(config: &DaemonConfig) -> Result<Vec<RuleFile>, String> {
    let (mut files, mut wrong) = (Vec::new(), Vec::new());
    for pattern in &config.rule_files {
        let paths = match glob::glob(&pattern.value) {
            Ok(paths) => paths.filter_map(Result::ok).filter(|path| path.is_file()).collect::<Vec<_>>(),
            Err(error) => {
                wrong.push(format!("error: rule_files: `{}` is no pattern: {error}", pattern.value));
                continue;
            }
        };
        // A pattern may match nothing: the default does where there are no rules. A file that is named must be there.
        if paths.is_empty() && !pattern.value.contains(['*', '?', '[']) {
            wrong.push(format!("error: rule_files: there is no file `{}`", pattern.value));
        }
        for path in paths {
            match read(&path) {
                Ok(file) => files.push(file),
                Err(why) => wrong.push(why),
            }
        }
    }
    if wrong.is_empty() { Ok(files) } else { Err(wrong.join("\n")) }
}

fn read(path: &Path) -> Result<RuleFile, String> {
    let shown = path.display().to_string();
    let failed =
        |error: &dyn std::fmt::Display| format!("error: failed to read the rule file {shown}: {error}");
    if std::fs::metadata(path).map_err(|error| failed(&error))?.len() > MAX_RULE_BYTES {
        return Err(failed(&"it is larger than 16 MiB"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| failed(&error))?;
    RuleFile::read(&shown, &text).map(|checked| checked.file).map_err(|problems| problems.to_string())
}
