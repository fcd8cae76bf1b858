//! The embedded Prometheus of a run: what is exported and what is scraped become series of one store, over which the
//! plan's rules are evaluated as Prometheus would.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::family::Family;
use crate::labels::Labels;
use crate::plan::Plan;
use crate::promql::{Options, SelectorUse};
use crate::rules::{
    self, Abort, AlertRules, AlertWatch, Context, DEFAULT_INTERVAL, Gate, Group, Notice, Origin,
};
use crate::tsdb::{self, Need, Store, stored};

/// The label `job` of what loadgate exports itself, as in the shipped Prometheus configuration.
const OWN_JOB: &str = "loadgate";
/// How often an Alertmanager is told again of an alert that still fires (Prometheus' `--rules.alert.resend-delay`).
const RESEND_DELAY: Duration = Duration::from_secs(60);

pub(super) struct Embedded {
    store: Arc<Store>,
    own: tsdb::Origin,
    groups: Vec<Group>,
    /// `None` once it was asked.
    watch: Option<AlertWatch>,
    options: Options,
    external_url: String,
    started: Instant,
    last_ms: i64,
}

/// What came of a tick.
#[derive(Debug, Default)]
pub(super) struct Ticked {
    /// An alert that wants the run to end.
    pub(super) abort: Option<Abort>,
    /// What Alertmanagers are to be told.
    pub(super) notices: Vec<Notice>,
    /// Whether the state of any rule may have changed.
    pub(super) evaluated: bool,
}

impl Embedded {
    pub(super) fn new(plan: &Plan, store: Arc<Store>, testid: &str, external_url: String) -> Self {
        let specs = || plan.rule_files.iter().flat_map(|file| &file.groups);
        let options = Options::default();
        // A series has the same labels whether anybody listens or not.
        let instance =
            external_url.strip_prefix("http://").filter(|host| !host.is_empty()).unwrap_or("localhost");
        let own = tsdb::Origin(format!("{OWN_JOB}/{testid}"));
        store.identify(&own, Labels::new([("job", OWN_JOB), ("instance", instance)]));
        store.trust(&own);
        let queries = specs().flat_map(|group| &group.rules).map(|rule| &rule.query);
        let queries = queries.chain(plan.probes.iter().map(|probe| &probe.query));
        let needs = queries.flat_map(|query| {
            let selectors = query.selectors(&options);
            let need = |selector: &SelectorUse| Need {
                matchers: selector.matchers.to_vec(),
                range_ms: selector.reach.map_or(i64::MAX, whole_ms),
            };
            selectors.iter().map(need).collect::<Vec<_>>()
        });
        store.keep(needs.collect());
        let watched = AlertRules::new(specs().map(|group| (group, Origin::Plan)));
        Embedded {
            groups: specs().map(|group| Group::new(group.clone(), DEFAULT_INTERVAL)).collect(),
            watch: Some(AlertWatch::new(testid, watched)),
            store,
            own,
            options,
            external_url,
            started: Instant::now(),
            last_ms: 0,
        }
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    pub(super) fn groups(&self) -> &[Group] {
        &self.groups
    }

    /// From `at_ms` on alerts count.
    pub(super) fn open(&mut self, at_ms: i64) {
        if let Some(watch) = &mut self.watch {
            watch.open(at_ms);
        }
    }

    /// Takes in what we export, and evaluates the groups that are due.
    pub(super) fn tick(&mut self, at_ms: i64, families: &[Family], tolerated: &[&str]) -> Ticked {
        let at_ms = self.take(at_ms, families);
        let mut ticked = self.evaluate(at_ms, |group| group.due(at_ms));
        if let Some(watch) = &mut self.watch {
            ticked.abort = watch.tick(at_ms, &rules::states(&self.groups), tolerated);
        }
        ticked
    }

    /// The same with all groups, for the last time: what the alerts came to in the run.
    pub(super) fn last_tick(
        &mut self,
        at_ms: i64,
        families: &[Family],
        tolerated: &[&str],
    ) -> (Vec<Gate>, Ticked) {
        let at_ms = self.take(at_ms, families);
        let ticked = self.evaluate(at_ms, |_| true);
        let gates = self.watch.take().map_or_else(Vec::new, |watch| {
            let names = self.store.names();
            watch.finish(
                at_ms,
                &rules::states(&self.groups),
                tolerated,
                &*self.store,
                names.iter().map(String::as_str),
            )
        });
        (gates, ticked)
    }

    /// Whether an alert of this run that is a gate is pending or firing now.
    pub(super) fn gate_is_active(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| watch.is_active(&rules::states(&self.groups)))
    }

    /// After the verdict, for rules over it: they notify and decide nothing.
    pub(super) fn epilogue(&mut self, at_ms: i64, families: &[Family]) -> Ticked {
        let at_ms = self.take(at_ms, families);
        self.evaluate(at_ms, |_| true)
    }

    /// Never the same moment twice: a store takes only one point of a series at a time.
    fn take(&mut self, at_ms: i64, families: &[Family]) -> i64 {
        self.last_ms = at_ms.max(self.last_ms + 1);
        self.store.scrape(&self.own, self.last_ms, stored(families));
        self.last_ms
    }

    fn evaluate(&mut self, at_ms: i64, mut is_due: impl FnMut(&mut Group) -> bool) -> Ticked {
        let (started, external_labels) = (self.started, Labels::empty());
        let stopwatch = move || started.elapsed();
        let context = Context {
            options: &self.options,
            external_labels: &external_labels,
            external_url: &self.external_url,
            stopwatch: &stopwatch,
        };
        let mut ticked = Ticked::default();
        for group in &mut self.groups {
            if !is_due(group) {
                continue;
            }
            ticked.evaluated = true;
            for failure in group.evaluate(&*self.store, at_ms, &context).failures {
                let rule = group.spec().rules.get(failure.rule).map_or("", |rule| rule.name.as_str());
                tracing::debug!(group = group.spec().name, rule, "a rule failed: {}", failure.message);
            }
            ticked.notices.extend(group.notices(at_ms, RESEND_DELAY));
        }
        ticked
    }
}

fn whole_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
