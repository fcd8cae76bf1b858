//! What alerts came to in a run: fed with the states of all rules at each tick, and asked at the end.

use std::collections::BTreeSet;
use std::time::Duration;

use super::rule::gravity;
use super::{AlertRule, AlertRules, Origin};
use crate::labels::Labels;
use crate::promql::{MatchKind, Options, SelectorUse, Source, TimeRange};
use crate::rules::{
    ActiveAlert, AlertGate, AlertOutcome, AlertState, Evaluator, Firing, Gate, Gravity, Group, Health,
    NoData, nearest_metrics,
};

/// Label sets that are told apart of each rule; further ones are not counted.
const MAX_LABEL_SETS: usize = 1000;

/// Looks on while a run lasts. It knows neither the clock nor the store.
#[derive(Debug)]
pub struct AlertWatch {
    testid: String,
    rules: Vec<(AlertRule, Seen)>,
    /// When the judged window opened, in milliseconds since the Unix epoch.
    opened_at_ms: Option<i64>,
}

/// An alerting rule after a tick.
#[derive(Debug, Clone)]
pub struct RuleNow<'a> {
    /// Pending and firing.
    pub alerts: Vec<&'a ActiveAlert>,
    pub health: Health,
    /// Why it could not be evaluated.
    pub error: Option<&'a str>,
}

/// The alert that wants the run to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Abort {
    pub alert: String,
}

/// Of one rule, in the judged window so far.
#[derive(Debug, Default)]
struct Seen {
    /// The first that fired of those that weigh most.
    fired: Option<(Gravity, Firing)>,
    label_sets: BTreeSet<Labels>,
    /// Fired before the window opened and has not stopped since.
    already: Option<(i64, Labels)>,
}

/// The alerting rules of groups, in the order of [`AlertRules`].
pub fn states<'a>(groups: impl IntoIterator<Item = &'a Group>) -> Vec<RuleNow<'a>> {
    let mut states = Vec::new();
    for group in groups {
        let alerting = group.spec().rules.iter().zip(group.rules()).filter(|(spec, _)| spec.is_alert());
        states.extend(alerting.map(|(_, rule)| RuleNow {
            alerts: rule.active_alerts().collect(),
            health: rule.health(),
            error: rule.last_error(),
        }));
    }
    states
}

impl AlertWatch {
    /// For the run `testid`.
    pub fn new(testid: &str, rules: AlertRules) -> Self {
        let rules = rules.0.into_iter().map(|rule| (rule, Seen::default())).collect();
        AlertWatch { testid: testid.to_owned(), rules, opened_at_ms: None }
    }

    /// The judged window opens: load has begun and the warmup is over. To be called before the tick of that moment.
    pub fn open(&mut self, at_ms: i64) {
        self.opened_at_ms.get_or_insert(at_ms);
    }

    /// Takes in the states of all rules after a tick, in the order of the rules; answers with the first alert that
    /// wants the run to end. Alerts named in `tolerated` do not count now: something was broken on purpose.
    pub fn tick(&mut self, at_ms: i64, states: &[RuleNow<'_>], tolerated: &[&str]) -> Option<Abort> {
        let opened_at_ms = self.opened_at_ms?;
        let mut abort = None;
        for ((rule, seen), now) in self.rules.iter_mut().zip(states) {
            seen.already = None;
            if tolerated.contains(&rule.alert.as_str()) {
                continue;
            }
            for alert in now.alerts.iter().filter(|alert| belongs(alert, &self.testid)) {
                if alert.state != AlertState::Firing {
                    continue;
                }
                let fired_at_ms = alert.fired_at_ms.unwrap_or(at_ms);
                if fired_at_ms < opened_at_ms {
                    seen.already.get_or_insert_with(|| (fired_at_ms, alert.labels.clone()));
                    continue;
                }
                let gravity = gravity(|name| alert.labels.value(name), rule.origin);
                seen.note(alert, fired_at_ms, gravity);
                let decides = gravity != Gravity::None || rule.origin == Origin::Plan;
                if abort.is_none() && decides && alert.labels.value("abort") == Some("true") {
                    abort = Some(Abort { alert: rule.alert.clone() });
                }
            }
        }
        abort
    }

    /// Whether an alert of this run that is a gate is pending or firing.
    pub fn is_active(&self, states: &[RuleNow<'_>]) -> bool {
        self.rules.iter().zip(states).any(|((rule, _), now)| {
            let mut own = now.alerts.iter().filter(|alert| belongs(alert, &self.testid));
            // What asks how long a recovery takes is no part of it.
            own.any(|alert| {
                alert.labels.value("fault").is_none()
                    && gravity(|name| alert.labels.value(name), rule.origin) != Gravity::None
            })
        })
    }

    /// What each rule that is a gate came to, after its final tick, which this takes in. `source` has what was stored,
    /// `names` are the metrics in it. Rules that are no gate are listed if they fired and the plan names them.
    pub fn finish<'n>(
        mut self,
        at_ms: i64,
        states: &[RuleNow<'_>],
        tolerated: &[&str],
        source: &dyn Source,
        names: impl Iterator<Item = &'n str> + Clone,
    ) -> Vec<Gate> {
        self.open(at_ms);
        self.tick(at_ms, states, tolerated);
        let opened_at_ms = self.opened_at_ms.unwrap_or(at_ms);
        let run = Run { testid: &self.testid, opened_at_ms, at_ms, source };
        let mut gates = Vec::new();
        for ((rule, seen), now) in self.rules.iter().zip(states) {
            let (gravity, outcome) = run.outcome(rule, seen, now, names.clone());
            let fired = matches!(outcome, AlertOutcome::Fired { .. });
            if gravity != Gravity::None || fired && rule.origin == Origin::Plan {
                let AlertRule { alert, group, file, .. } = rule.clone();
                let evaluator = Evaluator::Embedded;
                gates.push(Gate::Alert(AlertGate { alert, group, file, gravity, evaluator, outcome }));
            }
        }
        gates
    }
}

/// One whose labels name another run is that run's.
fn belongs(alert: &ActiveAlert, testid: &str) -> bool {
    alert.labels.value("testid").is_none_or(|of| of == testid)
}

impl Seen {
    fn note(&mut self, alert: &ActiveAlert, at_ms: i64, gravity: Gravity) {
        if self.label_sets.len() < MAX_LABEL_SETS {
            self.label_sets.insert(alert.labels.clone());
        }
        if self.fired.as_ref().is_none_or(|(known, _)| *known < gravity) {
            let (value, labels, annotations) = (alert.value, alert.labels.clone(), alert.annotations.clone());
            self.fired = Some((gravity, Firing { at_ms, value, labels, annotations }));
        }
    }
}

/// What is asked when the run is over.
struct Run<'a> {
    testid: &'a str,
    opened_at_ms: i64,
    at_ms: i64,
    source: &'a dyn Source,
}

impl Run<'_> {
    fn outcome<'n>(
        &self,
        rule: &AlertRule,
        seen: &Seen,
        now: &RuleNow<'_>,
        names: impl Iterator<Item = &'n str>,
    ) -> (Gravity, AlertOutcome) {
        if let Some((gravity, first)) = &seen.fired
            && (*gravity != Gravity::None || rule.gravity == Gravity::None)
        {
            let (first, others) = (Box::new(first.clone()), seen.label_sets.len().saturating_sub(1));
            return (*gravity, AlertOutcome::Fired { first, others });
        }
        let judged = millis(self.at_ms - self.opened_at_ms);
        if rule.origin == Origin::Daemon && !rule.fits(judged) {
            let (needs, judged) = (crate::time::span(rule.needs()), crate::time::span(judged));
            let why = format!("its window and `for` need {needs}, and the run was judged for {judged}");
            return (rule.gravity, AlertOutcome::NotApplicable(why));
        }
        match now.health {
            Health::Ok => {}
            Health::Err => {
                let error = now.error.unwrap_or("it says not why").to_owned();
                return (rule.gravity, AlertOutcome::Error(error));
            }
            Health::Unknown => {
                let error = "it was never evaluated: its group's interval is longer than the run".to_owned();
                return (rule.gravity, AlertOutcome::Error(error));
            }
        }
        if let Some((gravity, pending)) = self.pending(rule, now) {
            let held = millis(self.at_ms - pending.active_at_ms);
            let outcome = AlertOutcome::Pending { held, hold: rule.hold, labels: pending.labels.clone() };
            return (gravity, outcome);
        }
        let missing = rule.selectors.missing(|selector| self.has_matched(selector));
        if let Some(outcome) = no_data(rule, &missing, names) {
            return (rule.gravity, outcome);
        }
        match &seen.already {
            Some((since_ms, labels)) => {
                let gravity = gravity(|name| labels.value(name), rule.origin);
                (gravity, AlertOutcome::FiringAlready { since_ms: *since_ms, labels: labels.clone() })
            }
            None => (rule.gravity, AlertOutcome::Held),
        }
    }

    /// Of the alerts that might have fired in a longer run, the one that weighs most and held longest.
    fn pending<'a>(&self, rule: &AlertRule, now: &RuleNow<'a>) -> Option<(Gravity, &'a ActiveAlert)> {
        let pending = now
            .alerts
            .iter()
            .copied()
            .filter(|alert| alert.state == AlertState::Pending && belongs(alert, self.testid));
        pending
            .map(|alert| (gravity(|name| alert.labels.value(name), rule.origin), alert))
            .filter(|(gravity, _)| *gravity != Gravity::None)
            .max_by_key(|(gravity, alert)| (*gravity, std::cmp::Reverse(alert.active_at_ms)))
    }

    /// Whether the run has a series for it, as far back as the rule looks.
    fn has_matched(&self, selector: &SelectorUse) -> bool {
        // What an instant vector finds by its lookback alone may be left of another run.
        let lookback = if selector.range.is_none() { Options::default().lookback } else { Duration::ZERO };
        let reach = selector.reach.map(|reach| whole_ms(reach.saturating_sub(lookback)));
        let from_ms = reach.map_or(0, |reach_ms| self.opened_at_ms - reach_ms);
        let testid = |labels: &Labels| labels.value("testid").is_none_or(|of| of == self.testid);
        let found = self.source.select(&selector.matchers, TimeRange { from_ms, to_ms: self.at_ms });
        found.is_ok_and(|series| {
            series.iter().any(|series| testid(&series.labels) && !series.points.is_empty())
        })
    }
}

fn no_data<'n>(
    rule: &AlertRule,
    missing: &[&SelectorUse],
    names: impl Iterator<Item = &'n str>,
) -> Option<AlertOutcome> {
    let first = missing.first()?;
    let mut texts: Vec<&str> = missing.iter().map(|selector| selector.text.as_str()).collect();
    texts.dedup();
    let selector = texts.join(" and ");
    let named =
        first.matchers.iter().find(|matcher| matcher.label == "__name__" && matcher.kind == MatchKind::Equal);
    if rule.origin == Origin::Daemon {
        return Some(AlertOutcome::NotApplicable(format!("{selector} matched nothing in this run")));
    }
    let nearest = named.map(|name| nearest_metrics(&name.value, names)).unwrap_or_default();
    let nearest = nearest.into_iter().map(str::to_owned).collect();
    Some(AlertOutcome::NoData(NoData {
        selector,
        nearest,
        why: "nothing to judge it by ever came".to_owned(),
    }))
}

fn millis(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or(0))
}

fn whole_ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 8)
}
