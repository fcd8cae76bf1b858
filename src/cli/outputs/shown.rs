//! What is shown and written of a run, whoever executes it.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use super::{Output, Told, check_distinct};
use crate::cli::Failure;
use crate::cli::files::{check_writable, complain, pair, say, write_whole};
use crate::cli::run::LogFormat;
use crate::report::{Finished, SummaryOptions, TrendStat, json_summary, junit, text};

#[derive(Debug, Clone, Default, clap::Args)]
pub(in crate::cli) struct ShownArgs {
    /// A tag on every series of the run; may be repeated
    #[arg(long, env = "LOADGATE_TAG", value_name = "NAME=VALUE", value_parser = tag)]
    pub(in crate::cli) tag: Vec<(String, String)>,
    /// Write verdict, gates and all metrics to this file as JSON
    #[arg(long, env = "LOADGATE_SUMMARY_EXPORT", value_name = "FILE")]
    pub(in crate::cli) summary_export: Option<PathBuf>,
    /// Write thresholds and doubts to this file as JUnit's XML
    #[arg(long, env = "LOADGATE_JUNIT", value_name = "FILE")]
    pub(in crate::cli) junit: Option<PathBuf>,
    /// Write the run's page with its charts to this file: one HTML file that needs nothing else
    #[arg(long, env = "LOADGATE_REPORT", value_name = "FILE")]
    pub(in crate::cli) report: Option<PathBuf>,
    /// Statistics of trends in the summary and its export: avg, min, med, max, count, p(N), comma-separated
    #[arg(long, env = "LOADGATE_SUMMARY_TREND_STATS", value_name = "LIST", value_parser = trend_stats)]
    summary_trend_stats: Option<TrendStats>,
    /// How progress and log are written on stderr: `json` is an object a line, every 5 s one of what was sent
    #[arg(long, env = "LOADGATE_LOG_FORMAT", value_name = "FORMAT", value_enum, default_value_t)]
    pub(in crate::cli) log_format: LogFormat,
    /// Show no progress
    #[arg(short, long, env = "LOADGATE_QUIET")]
    pub(in crate::cli) quiet: bool,
}

#[derive(Debug, Clone)]
struct TrendStats(Vec<TrendStat>);

fn trend_stats(text: &str) -> Result<TrendStats, String> {
    TrendStat::list(text).map(TrendStats).map_err(|error| error.to_string())
}

/// Tags become labels: those that Prometheus or we set ourselves are refused.
fn tag(text: &str) -> Result<(String, String), String> {
    let (name, value) = pair(text)?;
    match crate::config::check_tag_name(&name) {
        Ok(()) => Ok((name, value)),
        Err(why) => Err(why),
    }
}

impl ShownArgs {
    /// Refuses what would fail late, after a long run. `others` are results that are written, too.
    pub(in crate::cli) fn check(&self, others: &[Output]) -> Result<(), Failure> {
        check_distinct(others, self.files())?;
        self.files().try_for_each(check_writable)
    }

    fn files(&self) -> impl Iterator<Item = &Path> {
        [&self.summary_export, &self.junit, &self.report].into_iter().flatten().map(PathBuf::as_path)
    }

    /// Whether trends are shown otherwise than usual.
    pub(in crate::cli) fn names_trend_stats(&self) -> bool {
        self.summary_trend_stats.is_some()
    }

    fn trend_stats(&self) -> Option<Vec<TrendStat>> {
        self.summary_trend_stats.as_ref().map(|TrendStats(stats)| stats.clone())
    }

    /// On stdout, unless that carries something else.
    pub(in crate::cli) fn say_summary(&self, finished: &Finished, to_stderr: bool) {
        let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
        let trend_stats = self.trend_stats().unwrap_or_else(|| SummaryOptions::default().trend_stats);
        let shown = text(finished, &SummaryOptions { trend_stats, colour });
        if to_stderr { complain(&shown) } else { say(&shown) }
    }

    /// All that is written at the end. One that fails does not keep the others from being written.
    pub(in crate::cli) fn write_reports(&self, told: &Told<'_>) -> Result<(), Failure> {
        let mut written = Vec::new();
        if let Some(file) = &self.summary_export {
            let stats = self.trend_stats().unwrap_or_else(|| TrendStat::EXPORTED.to_vec());
            written.push(write_whole(file, &format!("{:#}\n", json_summary(told.finished, &stats))));
        }
        if let Some(file) = &self.junit {
            let report = junit(told.finished).map_err(|error| Failure::internal("write JUnit's XML", error));
            written.push(report.and_then(|report| write_whole(file, &report)));
        }
        if let Some(file) = &self.report {
            let report = told.html().and_then(|report| write_whole(file, &report));
            written.push(report.inspect(|()| complain(&format!("report: {}", file.display()))));
        }
        written.into_iter().collect()
    }
}
