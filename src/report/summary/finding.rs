//! What was found of a gate, in one line.

use std::time::Duration;

use super::super::clean::clean;
use super::super::observed::{aggregation, is_share};
use super::super::paint::Paint;
use super::super::{Finished, number};
use crate::labels::Labels;
use crate::rules::{
    AlertGate, AlertOutcome, Effect, Firing, Gate, NoData, Outcome, RecoveryGate, RecoveryOutcome,
    ThresholdGate,
};
use crate::time::span;

pub(super) fn mark(gate: &Gate, paint: Paint) -> String {
    match gate.effect() {
        Effect::Nothing if gate.held() => paint.good('✓'),
        Effect::Nothing => "-".to_owned(),
        Effect::Degrades => paint.doubtful('~'),
        Effect::Inconclusive => paint.doubtful('?'),
        Effect::Fails => paint.bad('✗'),
    }
}

/// `p(95)=20.14ms`, `fired at 12s: …`, or why there is nothing to show.
pub(in crate::report) fn finding(gate: &Gate, finished: &Finished) -> String {
    match gate {
        Gate::Threshold(gate) => of_threshold(gate, finished),
        Gate::Alert(gate) => of_alert(gate, finished),
        Gate::Verification(gate) => super::verifications::found(gate),
        Gate::Recovery(gate) => of_recovery(gate),
    }
}

fn of_recovery(gate: &RecoveryGate) -> String {
    let shown =
        |time: &Duration| span(Duration::from_millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)));
    let within = shown(&gate.within);
    match &gate.outcome {
        RecoveryOutcome::Recovered(took) => format!("after {}, within {within}", shown(took)),
        RecoveryOutcome::Late(took) => format!("after {}, later than {within}", shown(took)),
        RecoveryOutcome::Never { since_cleared } => {
            format!("not recovered {} after the fault, later than {within}", shown(since_cleared))
        }
        RecoveryOutcome::Unknown { held: Some(held), since_cleared } => format!(
            "the end came too early, {} after the fault: it had held for {} of the {} that it must",
            shown(since_cleared),
            shown(held),
            shown(&gate.stable_for)
        ),
        RecoveryOutcome::Unknown { held: None, since_cleared } => format!(
            "the end came too early: not recovered {} after the fault, and {within} were allowed",
            shown(since_cleared)
        ),
        RecoveryOutcome::NoFault => "there was no fault that it could have recovered from".to_owned(),
    }
}

fn of_threshold(gate: &ThresholdGate, finished: &Finished) -> String {
    if let Outcome::NoData(no_data) = &gate.outcome {
        return nothing(no_data);
    }
    let Some(value) = gate.value else { return "no data".to_owned() };
    let written =
        |value| if is_share(gate, finished) { number::share(value) } else { number::value(value, gate.unit) };
    let (found, limit) = (written(value), written(gate.limit));
    // Two numbers that differ only in digits that are not shown must not look equal.
    let relation = match value.total_cmp(&gate.limit) {
        std::cmp::Ordering::Greater if found == limit => '>',
        std::cmp::Ordering::Less if found == limit => '<',
        _ => '=',
    };
    format!("{}{relation}{found}", aggregation(gate))
}

fn of_alert(gate: &AlertGate, finished: &Finished) -> String {
    match &gate.outcome {
        AlertOutcome::Held => "did not fire".to_owned(),
        AlertOutcome::Fired { first, others } => fired(first, *others, finished),
        AlertOutcome::Pending { held, hold, labels } => format!(
            "pending at the end: it held for {} of its `for: {}`; {}",
            span(*held),
            span(*hold),
            shown(labels)
        ),
        AlertOutcome::NoData(no_data) => nothing(no_data),
        AlertOutcome::Error(error) => format!("could not be evaluated: {}", clean(error)),
        AlertOutcome::FiringAlready { labels, .. } => {
            format!("fired before the run was judged and never stopped: not counted; {}", shown(labels))
        }
        AlertOutcome::NotApplicable(why) => format!("not applicable: {}", clean(why)),
    }
}

fn fired(first: &Firing, others: usize, finished: &Finished) -> String {
    let began_ms = finished
        .load_began
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX));
    let after_ms = u64::try_from(first.at_ms.saturating_sub(began_ms)).unwrap_or(0);
    let at = span(Duration::from_millis(after_ms));
    let said = ["summary", "description", "message"].iter().find_map(|name| first.annotations.get(*name));
    let said = said.map_or_else(String::new, |said| format!(": {}", clean(said.trim())));
    let others = match others {
        0 => String::new(),
        others => format!(" and {}", number::counted(others as u64, "further label set")),
    };
    let labels = shown(&first.labels);
    // Prometheus does not tell the value of an alert that is over.
    let value =
        if first.value.is_nan() { String::new() } else { format!(", value {}", number::number(first.value)) };
    format!("fired at {at}{value}, {labels}{others}{said}")
}

pub(super) fn nothing(no_data: &NoData) -> String {
    let mut told = format!("no data: {}", clean(&no_data.why));
    if !no_data.selector.is_empty() {
        told.push_str(&format!("; looked for {}", clean(&no_data.selector)));
    }
    if !no_data.nearest.is_empty() {
        told.push_str(&format!("; nearest: {}", clean(&no_data.nearest.join(", "))));
    }
    told
}

/// Without what every alert of the run has, and what its rule says about gates.
fn shown(labels: &Labels) -> String {
    const KNOWN: [&str; 6] = ["alertname", "testid", "test", "gate", "abort", "severity"];
    let own = labels.iter().filter(|(name, _)| !KNOWN.contains(name));
    clean(&Labels::new(own).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::Unit;
    use crate::report::fixture;

    #[test]
    fn a_finding_has_the_unit_of_its_metric_and_never_contradicts_the_gate() {
        let finished = fixture::passed();
        for (subject, threshold, unit, value, limit, expected) in [
            ("http_req_duration", "p(95)<500", Unit::Time, 20.149, 500.0, "p(95)=20.14ms"),
            ("http_req_duration", "p(95)<200", Unit::Time, 200.000_001, 200.0, "p(95)>200ms"),
            ("http_req_duration", "p(95)>200", Unit::Time, 200.0, 200.0, "p(95)=200ms"),
            ("checks", "rate>0.99", Unit::Plain, 0.9878, 0.99, "rate=98.78%"),
            ("checks", "rate>=0.99", Unit::Plain, 0.989_999, 0.99, "rate=98.99%"),
            ("http_reqs", "rate>10", Unit::Plain, 71.680_286, 10.0, "rate=71.680286"),
            ("data_received", "count<1", Unit::Bytes, 44_000.0, 1.0, "count=44 kB"),
            ("hz", "avg>95", Unit::Plain, 99.8, 95.0, "avg=99.8"),
            ("checks{type:hz}", "avg>95", Unit::Plain, 99.8, 95.0, "avg=99.8"),
        ] {
            let (subject, threshold) = (subject.to_owned(), threshold.to_owned());
            let (outcome, objective, value) = (Outcome::Held, None, Some(value));
            let gate = ThresholdGate { subject, threshold, objective, value, limit, unit, outcome };
            assert_eq!(finding(&Gate::Threshold(gate.clone()), &finished), expected, "{gate:?}");
        }
    }

    #[test]
    fn each_outcome_of_an_alert_says_what_to_know_of_it() {
        let finished = fixture::passed();
        let labels = || Labels::new([("alertname", "A"), ("testid", "t"), ("scenario", "chat")]);
        let began = finished.load_began.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
        let firing = |annotations: &[(&str, &str)]| Firing {
            at_ms: i64::try_from(began).unwrap() + 12_000,
            value: 0.25,
            labels: labels(),
            annotations: annotations.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
        };
        let fired = |first, others| AlertOutcome::Fired { first: Box::new(first), others };
        let (held, hold) = (Duration::from_secs(4), Duration::from_secs(30));
        let no_data = NoData {
            selector: r#"up{job="x"}"#.to_owned(),
            nearest: vec!["up".to_owned()],
            why: "it never matched".to_owned(),
        };
        let over = Firing { value: f64::NAN, ..firing(&[]) };
        for (outcome, expected) in [
            (AlertOutcome::Held, "did not fire"),
            (fired(over, 0), r#"fired at 12s, {scenario="chat"}"#),
            (fired(firing(&[]), 0), r#"fired at 12s, value 0.25, {scenario="chat"}"#),
            (
                fired(firing(&[("summary", "slow\n")]), 2),
                r#"fired at 12s, value 0.25, {scenario="chat"} and 2 further label sets: slow"#,
            ),
            (
                AlertOutcome::Pending { held, hold, labels: labels() },
                r#"pending at the end: it held for 4s of its `for: 30s`; {scenario="chat"}"#,
            ),
            (
                AlertOutcome::NoData(no_data),
                r#"no data: it never matched; looked for up{job="x"}; nearest: up"#,
            ),
            (AlertOutcome::Error("many".to_owned()), "could not be evaluated: many"),
            (AlertOutcome::NotApplicable("too short".to_owned()), "not applicable: too short"),
            (
                AlertOutcome::FiringAlready { since_ms: 0, labels: labels() },
                r#"fired before the run was judged and never stopped: not counted; {scenario="chat"}"#,
            ),
        ] {
            assert_eq!(finding(&fixture::alert(outcome), &finished), expected);
        }
    }
}
