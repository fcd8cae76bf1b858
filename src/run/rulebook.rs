//! Groups of rules over a store, evaluated when they are due.

use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::labels::Labels;
use crate::promql::{Options, SelectorUse};
use crate::rules::{Context, DEFAULT_INTERVAL, Group, GroupSpec, Notice};
use crate::tsdb::{Need, Store};

/// How often an Alertmanager is told again of an alert that still fires (Prometheus' `--rules.alert.resend-delay`).
const RESEND_DELAY: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub(super) struct Rulebook {
    pub(super) groups: Vec<Group>,
    options: Options,
    external_url: String,
    started: Instant,
}

/// What came of an evaluation.
#[derive(Debug, Default)]
pub(super) struct Evaluated {
    /// What Alertmanagers are to be told.
    pub(super) notices: Vec<Notice>,
    /// Whether the state of any rule may have changed.
    pub(super) any: bool,
}

impl Rulebook {
    pub(super) fn new(groups: impl Iterator<Item = Arc<GroupSpec>>, external_url: String) -> Self {
        Rulebook {
            groups: groups.map(|group| Group::new(group, DEFAULT_INTERVAL)).collect(),
            options: Options::default(),
            external_url,
            started: Instant::now(),
        }
    }

    pub(super) fn evaluate(
        &mut self,
        store: &Store,
        at_ms: i64,
        mut is_due: impl FnMut(&mut Group) -> bool,
    ) -> Evaluated {
        let (started, external_labels) = (self.started, Labels::empty());
        let stopwatch = move || started.elapsed();
        let context = Context {
            options: &self.options,
            external_labels: &external_labels,
            external_url: &self.external_url,
            stopwatch: &stopwatch,
        };
        let mut evaluated = Evaluated::default();
        for group in &mut self.groups {
            if !is_due(group) {
                continue;
            }
            evaluated.any = true;
            for failure in group.evaluate(store, at_ms, &context).failures {
                let rule = group.spec().rules.get(failure.rule).map_or("", |rule| rule.name.as_str());
                tracing::debug!(group = group.spec().name, rule, "a rule failed: {}", failure.message);
            }
            evaluated.notices.extend(group.notices(at_ms, RESEND_DELAY));
        }
        evaluated
    }
}

/// What the store has to keep for a query.
pub(super) fn needs(query: &crate::promql::Query) -> Vec<Need> {
    let selectors = query.selectors(&Options::default());
    let need = |selector: &SelectorUse| Need {
        matchers: selector.matchers.to_vec(),
        range_ms: selector.reach.map_or(i64::MAX, whole_ms),
    };
    selectors.iter().map(need).collect()
}

fn whole_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
