//! Who shows what the daemon's runs do: implemented by those who serve, who may be many and slow and delay nothing.

use std::sync::Arc;

use tracing::Dispatch;

use crate::family::Family;
use crate::plan::Plan;
use crate::report::{Finished, Progress};
use crate::rules::Group;
use crate::scrape::Scrape;
use crate::store::RunId;

/// Keeps a line that a run logs, and answers it as it may be shown: without secrets.
pub type LogSink = Arc<dyn Fn(&str) -> String + Send + Sync>;

pub trait Audience: Send + Sync + 'static {
    /// What `/metrics` shows from now on, as a whole.
    fn families(&self, families: Vec<Family>);

    /// A run begins, with these targets and rules.
    fn begin(&self, run: &RunId, plan: &Plan);

    /// A target of the run was scraped; without what it showed.
    fn scraped(&self, run: &RunId, scrape: &Scrape, at_ms: i64);

    /// How the rules of a run stand, or those of the daemon itself.
    fn rules(&self, of: Option<&RunId>, groups: &[Group]);

    /// A run has ended: its targets are scraped and its rules evaluated no longer.
    fn end(&self, run: &RunId);

    /// Where the threads of this run log; `sink` is to be given each line.
    fn log(&self, run: &RunId, sink: LogSink) -> Dispatch;

    /// How far a run has come; once a second.
    fn progress(&self, _run: &RunId, _progress: &Progress) {}

    /// What came of a run, shortly before it is on disk.
    fn finished(&self, _run: &RunId, _finished: Finished) {}
}
