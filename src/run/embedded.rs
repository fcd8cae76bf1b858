//! The embedded Prometheus of a run: what is exported and what is scraped become series of one store, over which the
//! plan's rules are evaluated as Prometheus would.

use std::sync::Arc;

use super::rulebook::{Evaluated, Rulebook, needs};
use super::standing::Standing;
use crate::family::Family;
use crate::labels::Labels;
use crate::plan::Plan;
use crate::rules::{self, Abort, AlertRules, AlertWatch, Gate, Group, Notice, Origin, RuleNow};
use crate::tsdb::{self, Store, stored};

/// The label `job` of what loadgate exports itself, as in the shipped Prometheus configuration.
pub const OWN_JOB: &str = "loadgate";

pub(super) struct Embedded {
    store: Arc<Store>,
    own: tsdb::Origin,
    rulebook: Rulebook,
    /// The daemon's rules, which decide too where they say so.
    standing: Option<Arc<Standing>>,
    /// `None` once it was asked.
    watch: Option<AlertWatch>,
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
    pub(super) fn new(
        plan: &Plan,
        store: Arc<Store>,
        testid: &str,
        external_url: String,
        standing: Option<Arc<Standing>>,
    ) -> Self {
        let specs = || plan.rule_files.iter().flat_map(|file| &file.groups);
        // A series has the same labels whether anybody listens or not.
        let instance =
            external_url.strip_prefix("http://").filter(|host| !host.is_empty()).unwrap_or("localhost");
        let own = tsdb::Origin(format!("{OWN_JOB}/{testid}"));
        store.identify(&own, Labels::new([("job", OWN_JOB), ("instance", instance)]));
        store.trust(&own);
        let queries = specs().flat_map(|group| &group.rules).map(|rule| &rule.query);
        let queries = queries.chain(plan.probes.iter().map(|probe| &probe.query));
        let queries = queries.chain(plan.verified_queries());
        store.keep(queries.flat_map(needs).chain(standing.iter().flat_map(|rules| rules.needs())).collect());
        let others = standing.iter().flat_map(|rules| rules.specs()).map(|group| (group, Origin::Daemon));
        let watched = AlertRules::new(specs().map(|group| (group, Origin::Plan)).chain(others));
        Embedded {
            rulebook: Rulebook::new(specs().map(|group| Arc::new(group.clone())), external_url),
            standing,
            watch: Some(AlertWatch::new(testid, watched)),
            store,
            own,
            last_ms: 0,
        }
    }

    pub(super) fn store(&self) -> &Store {
        &self.store
    }

    /// The moment of the last tick.
    pub(super) fn last_ms(&self) -> i64 {
        self.last_ms
    }

    pub(super) fn groups(&self) -> &[Group] {
        &self.rulebook.groups
    }

    pub(super) fn into_groups(self) -> Vec<Group> {
        self.rulebook.groups
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
            ticked.abort = states(&self.rulebook, self.standing.as_deref(), |states| {
                watch.tick(at_ms, states, tolerated)
            });
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
        if let Some(standing) = &self.standing {
            standing.evaluate_all(at_ms);
        }
        let gates = self.watch.take().map_or_else(Vec::new, |watch| {
            let names = self.store.names();
            let names = names.iter().map(String::as_str);
            states(&self.rulebook, self.standing.as_deref(), |states| {
                watch.finish(at_ms, states, tolerated, &*self.store, names)
            })
        });
        (gates, ticked)
    }

    /// Whether an alert of this run that is a gate is pending or firing now.
    pub(super) fn gate_is_active(&self) -> bool {
        self.watch.as_ref().is_some_and(|watch| {
            states(&self.rulebook, self.standing.as_deref(), |states| watch.is_active(states))
        })
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

    fn evaluate(&mut self, at_ms: i64, is_due: impl FnMut(&mut Group) -> bool) -> Ticked {
        let Evaluated { notices, any } = self.rulebook.evaluate(&self.store, at_ms, is_due);
        Ticked { abort: None, notices, evaluated: any }
    }
}

/// How all alerting rules stand, the plan's first.
fn states<R>(plan: &Rulebook, standing: Option<&Standing>, at: impl FnOnce(&[RuleNow<'_>]) -> R) -> R {
    match standing {
        Some(standing) => standing.with_states(&plan.groups, at),
        None => at(&rules::states(&plan.groups)),
    }
}
