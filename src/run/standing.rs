//! Rules that stand whatever runs: the daemon's own. It evaluates them all the time; a run looks at what they say while
//! it lasts, so that they are evaluated once and write their series once.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::rulebook::{Evaluated, Rulebook, needs};
use crate::rules::{self, Group, GroupSpec, Notice, RuleFile, RuleNow};
use crate::tsdb::{Need, Store};

#[derive(Debug)]
pub struct Standing {
    store: Arc<Store>,
    specs: Vec<Arc<GroupSpec>>,
    rules: Mutex<(Rulebook, i64)>,
}

impl Standing {
    /// `external_url` is where the query API is served, for annotations.
    pub fn new(files: &[RuleFile], store: Arc<Store>, external_url: String) -> Self {
        let specs: Vec<Arc<GroupSpec>> =
            files.iter().flat_map(|file| &file.groups).map(|group| Arc::new(group.clone())).collect();
        let rules = Mutex::new((Rulebook::new(specs.iter().cloned(), external_url), i64::MIN));
        Standing { store, specs, rules }
    }

    /// Evaluates what is due: what Alertmanagers are to be told, and whether any rule was evaluated.
    pub fn tick(&self, at_ms: i64) -> (Vec<Notice>, bool) {
        let Evaluated { notices, any } = self.evaluate(at_ms, |group, at_ms| group.due(at_ms));
        (notices, any)
    }

    /// How all groups stand.
    pub fn look<R>(&self, at: impl FnOnce(&[Group]) -> R) -> R {
        at(&self.lock().0.groups)
    }

    pub(super) fn specs(&self) -> impl Iterator<Item = &GroupSpec> {
        self.specs.iter().map(AsRef::as_ref)
    }

    pub(super) fn needs(&self) -> impl Iterator<Item = Need> {
        self.specs().flat_map(|group| &group.rules).flat_map(|rule| needs(&rule.query))
    }

    /// All groups, due or not: the values are final now. Their notices come with the next tick.
    pub(super) fn evaluate_all(&self, at_ms: i64) {
        self.evaluate(at_ms, |_, _| true);
    }

    /// The alerting rules as they stand, after those of `first`.
    pub(super) fn with_states<R>(&self, first: &[Group], at: impl FnOnce(&[RuleNow<'_>]) -> R) -> R {
        let rules = self.lock();
        at(&rules::states(first.iter().chain(&rules.0.groups)))
    }

    fn evaluate(&self, at_ms: i64, is_due: impl Fn(&mut Group, i64) -> bool) -> Evaluated {
        let mut rules = self.lock();
        let (rulebook, last_ms) = &mut *rules;
        // Two that ask at the same moment: a store takes only one point of a series at a time.
        *last_ms = at_ms.max(last_ms.saturating_add(1));
        let at_ms = *last_ms;
        rulebook.evaluate(&self.store, at_ms, |group| is_due(group, at_ms))
    }

    fn lock(&self) -> MutexGuard<'_, (Rulebook, i64)> {
        self.rules.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
