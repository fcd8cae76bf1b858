//! What a run is given, and who is told of it while it lasts.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{Controlled, Standing};
use crate::action;
use crate::family::Family;
use crate::prometheus::Address;
use crate::report::{Finished, Phase, Progress};
use crate::rules::{Group, Notice};
use crate::scheduler::LoadOptions;
use crate::scrape::Scrape;
use crate::tsdb::{Origin, Store};
use crate::verdict::Doubt;

#[derive(Debug)]
pub struct RunOptions {
    /// The run's id, the label `testid`.
    pub testid: String,
    /// Beside the plan's, which they override.
    pub tags: Vec<(String, String)>,
    pub load: LoadOptions,
    /// What rules, probes and the query API see of the run.
    pub store: Arc<Store>,
    /// Where `/metrics` are served, for those who read of it elsewhere: `http://127.0.0.1:5665`. Empty if they are not.
    pub external_url: String,
    /// One that judges too; it has to scrape `external_url`.
    pub prometheus: Option<Address>,
    /// Rules that are evaluated whatever runs: their alerts decide where they say so.
    pub standing: Option<Arc<Standing>>,
    /// Answered by whoever reads the taps of `load`, when all of them are gone and the last sample is
    /// written: what is missing from the files.
    pub written: Option<oneshot::Receiver<Vec<Doubt>>>,
    /// Takes requests to pause, resume and scale the run, if anybody may ask for that.
    pub control: Option<Controlled>,
    /// What `hooks` may do, and where it is written down.
    pub actions: action::Options,
}

/// What a run leaves in a store that others go on using: the series of its rules (`ALERTS` among them) and of its targets,
/// which would look alive for as long as a query looks back.
#[derive(Debug)]
pub struct Remains {
    pub(super) rules: Vec<Group>,
    pub(super) targets: Vec<Origin>,
}

impl Remains {
    /// Ends what the run's rules wrote.
    pub fn end_rules(&mut self, store: &Store, at_ms: i64) {
        for group in &mut self.rules {
            group.end(store, at_ms);
        }
    }

    /// Ends what its targets showed.
    pub fn end_targets(&self, store: &Store, at_ms: i64) {
        for target in &self.targets {
            store.scrape(target, at_ms, &[]);
        }
    }
}

/// Who is told while the run lasts.
pub trait Listener {
    fn progress(&mut self, progress: &Progress);

    /// The run enters this phase: once at each change, before anything else is told of it.
    fn phase(&mut self, _phase: Phase) {}

    /// All families of the run, once a second and a last time at its end.
    fn families(&mut self, families: Vec<Family>);

    /// A target was scraped; without what it showed.
    fn scraped(&mut self, _scrape: &Scrape, _at_ms: i64) {}

    /// The rules, each time that some were evaluated.
    fn rules(&mut self, _groups: &[Group]) {}

    /// What Alertmanagers are to be told now.
    fn alerts(&mut self, _at_ms: i64, _notices: Vec<Notice>) {}

    /// Asked at each tick: making one takes a copy of all totals.
    fn wants_checkpoint(&self) -> bool {
        false
    }

    /// What the run would report if it were cut off now.
    fn checkpoint(&mut self, _so_far: &Finished) {}

    /// The run is over, and nobody keeps up any more what it kept up.
    fn over(&mut self, _remains: Remains) {}

    /// What whoever listens could not do with what it was told, when the verdict is to be found.
    fn doubts(&mut self) -> Vec<Doubt> {
        Vec::new()
    }
}
