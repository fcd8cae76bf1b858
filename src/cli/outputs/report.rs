//! What came of a run, as its outputs need it; `--report`.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::cli::Failure;
use crate::promql::Limits;
use crate::report::{Finished, Material, TrendStat, html, json_summary, run_json};
use crate::tsdb::Store;

/// For all charts together; a run of an hour takes a few seconds.
const TIMEOUT: Duration = Duration::from_secs(300);

/// A run that has just ended, with all that is told of it.
pub(in crate::cli) struct Told<'a> {
    pub(in crate::cli) finished: &'a Finished,
    pub(in crate::cli) series: &'a Store,
    /// What was logged, without secrets.
    pub(in crate::cli) log: &'a str,
    /// Where the plan came from.
    pub(in crate::cli) plan: &'a str,
    pub(in crate::cli) profile: Option<&'a str>,
    pub(in crate::cli) tags: &'a [(String, String)],
    /// Between two samples of a series.
    pub(in crate::cli) interval: Duration,
}

impl Told<'_> {
    /// The run's page as one file.
    pub(in crate::cli) fn html(&self) -> Result<String, Failure> {
        let ended = SystemTime::now();
        let material = Material {
            run: &run_json(self.finished, self.plan, self.profile, self.tags, ended),
            summary: &json_summary(self.finished, &TrendStat::EXPORTED),
            log: self.log,
            store: self.series,
            from_ms: unix_ms(self.finished.started_at),
            to_ms: unix_ms(ended),
            interval: self.interval,
            limits: Limits { deadline: Instant::now().checked_add(TIMEOUT), ..Limits::default() },
        };
        html(&material).map_err(|error| Failure::internal("evaluate the report's charts", error))
    }
}

fn unix_ms(at: SystemTime) -> i64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
