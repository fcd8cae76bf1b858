//! What makes two runs unlike before any number is looked at.

use std::collections::BTreeSet;

use serde_json::Value as Json;

use crate::store::{RunRecord, RunState};

/// Lengths that differ by more are said.
const LENGTHS: f64 = 0.1;

/// A sentence each; with any of them, differences say nothing of the target.
pub(super) fn differences(a: &RunRecord, b: &RunRecord) -> Vec<String> {
    let mut found = Vec::new();
    for run in [a, b] {
        if run.summary.is_none() {
            found.push(format!("{} has no summary: nothing of it can be compared", run.id));
        }
    }
    if a.test != b.test {
        found.push(format!("these are runs of different plans: `{}` and `{}`", a.test, b.test));
    }
    if a.profile != b.profile {
        let name =
            |run: &RunRecord| run.profile.as_ref().map_or("none".to_owned(), |name| format!("`{name}`"));
        found.push(format!("the profiles differ: {} and {}", name(a), name(b)));
    }
    let (Some(summary_a), Some(summary_b)) = (&a.summary, &b.summary) else { return found };
    if summary_a["segment"] != summary_b["segment"] {
        found.push("the runs sent different shares of the load (`--segment`)".to_owned());
    }
    let (loads_a, loads_b) = (loads(summary_a), loads(summary_b));
    for load in loads_a.difference(&loads_b) {
        found.push(format!("only {} has the load {load}", a.id));
    }
    for load in loads_b.difference(&loads_a) {
        found.push(format!("only {} has the load {load}", b.id));
    }
    found
}

/// What does not make them unlike, but has to be known.
pub(super) fn reservations(a: &RunRecord, b: &RunRecord) -> Vec<String> {
    let mut found = Vec::new();
    for run in [a, b] {
        match run.state {
            RunState::Finished => {}
            RunState::Interrupted => {
                found.push(format!("{} was interrupted: its values are those it had by then", run.id));
            }
            state => {
                found.push(format!("{} is {}: its values are those it has by now", run.id, state.label()))
            }
        }
        let Some(summary) = &run.summary else { continue };
        if let Some(doubt) = summary["doubts"].as_array().and_then(|doubts| doubts.first()?.as_str()) {
            found.push(format!("{} is doubtful: {doubt}", run.id));
        }
    }
    let seconds = |run: &RunRecord| run.summary.as_ref()?["duration_seconds"].as_f64();
    if let (Some(secs_a), Some(secs_b)) = (seconds(a), seconds(b))
        && (secs_a - secs_b).abs() > LENGTHS * secs_a.max(secs_b)
    {
        found.push(format!(
            "the load lasted {secs_a:.0} s in {} and {secs_b:.0} s in {}: counts are not comparable",
            a.id, b.id
        ));
    }
    found
}

/// Scenarios by what their plan says of them.
fn loads(summary: &Json) -> BTreeSet<String> {
    let scenarios = summary["scenarios"].as_array().map(Vec::as_slice).unwrap_or_default();
    let load = |scenario: &Json| {
        let text = |key: &str| scenario[key].as_str().unwrap_or_default();
        format!("`{}`: {}", text("name"), text("executor"))
    };
    scenarios.iter().map(load).collect()
}
