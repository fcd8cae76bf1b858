//! `/api/v1/rules` and `/api/v1/alerts`, from groups as they stood after a tick.

mod body;
#[cfg(test)]
mod tests;
mod wanted;

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use serde::Serialize;

use super::answer::{Refusal, Success};
use super::form::Form;
use crate::api::Sources;
use crate::rules::{ActiveAlert, AlertState, Group, GroupSpec, Health};
use body::AlertBody;
use wanted::Wanted;

/// A group after a tick; it shares its definition and holds only what has changed.
#[derive(Debug, Clone)]
pub struct RuleGroup {
    spec: Arc<GroupSpec>,
    interval: Duration,
    last_evaluation_ms: Option<i64>,
    evaluation_time: Duration,
    /// In the order of [`GroupSpec::rules`].
    rules: Vec<RuleState>,
}

#[derive(Debug, Clone)]
struct RuleState {
    health: Health,
    last_error: Option<String>,
    last_evaluation_ms: Option<i64>,
    evaluation_time: Duration,
    /// `None` before the first evaluation.
    state: Option<AlertState>,
    /// Pending and firing ones.
    alerts: Vec<ActiveAlert>,
}

impl RuleGroup {
    /// The group as it stands now. To be taken of all groups after each tick that evaluated one, and published in
    /// [`Sources::rules`].
    pub fn of(group: &Group) -> Self {
        let rules = group.rules().iter().map(|rule| RuleState {
            health: rule.health(),
            last_error: rule.last_error().map(str::to_owned),
            last_evaluation_ms: rule.last_evaluation_ms(),
            evaluation_time: rule.evaluation_time(),
            state: rule.state(),
            alerts: rule.active_alerts().cloned().collect(),
        });
        RuleGroup {
            spec: Arc::clone(group.spec()),
            interval: group.interval(),
            last_evaluation_ms: group.last_evaluation_ms(),
            evaluation_time: group.evaluation_time(),
            rules: rules.collect(),
        }
    }

    fn alerts(&self) -> impl Iterator<Item = &ActiveAlert> {
        self.rules.iter().flat_map(|rule| &rule.alerts)
    }
}

pub(in crate::api) async fn alerts(State(sources): State<Arc<Sources>>) -> Success {
    #[derive(Serialize)]
    struct Data<'a> {
        alerts: Vec<AlertBody<'a>>,
    }
    let groups = sources.rules.latest().unwrap_or_default();
    Success::of(&Data { alerts: groups.iter().flat_map(RuleGroup::alerts).map(AlertBody::of).collect() })
}

pub(in crate::api) async fn rules(
    State(sources): State<Arc<Sources>>,
    form: Form,
) -> Result<Success, Refusal> {
    let wanted = Wanted::of(&form)?;
    let groups = sources.rules.latest().unwrap_or_default();
    wanted.page(&groups).map(|page| Success::of(&page))
}
