//! A comparison for the terminal: the sentences, then all that they are made of.

use super::sentences::{number, signed};
use super::{Change, Comparison, GateComparison, MetricComparison, Outcome, Side};

pub(super) fn of(comparison: &Comparison) -> String {
    let mut lines = vec![headline("a", &comparison.a), headline("b", &comparison.b), String::new()];
    lines.push(match comparison.outcome {
        Outcome::Regression => "REGRESSION: b is worse than a beyond what chance makes".to_owned(),
        Outcome::NoRegression => {
            "no regression: no time, share or gate is worse beyond what chance makes".to_owned()
        }
        Outcome::NotAlike => "NOT ALIKE: what differs need not be the target's doing".to_owned(),
    });
    lines.extend(comparison.sentences.iter().map(|sentence| format!("  {sentence}")));
    if !comparison.gates.is_empty() {
        lines.extend([String::new(), "gates".to_owned()]);
        lines.extend(comparison.gates.iter().map(gate));
    }
    if !comparison.metrics.is_empty() {
        lines.extend([String::new(), "metrics".to_owned()]);
        let (silent, shown): (Vec<_>, Vec<_>) =
            comparison.metrics.iter().partition(|metric| is_silent(metric));
        lines.extend(shown.into_iter().flat_map(metric));
        if !silent.is_empty() {
            lines.push(format!("  and {} that are 0 in both", silent.len()));
        }
    }
    lines.push(String::new());
    lines.join("\n")
}

fn headline(letter: &str, side: &Side) -> String {
    let profile = side.profile.as_ref().map_or(String::new(), |profile| format!(" --profile {profile}"));
    let verdict = side.verdict.as_deref().unwrap_or(&side.state).replace('_', " ");
    let length = side.duration_seconds.map_or(String::new(), |secs| format!(", {secs:.0} s of load"));
    format!("{letter}  {}  {}{profile}: {verdict}{length}", side.id, side.test)
}

fn is_silent(metric: &MetricComparison) -> bool {
    metric.values.iter().all(|value| value.a == Some(0.0) && value.b == Some(0.0))
}

fn mark(change: Change) -> &'static str {
    match change {
        Change::Better => "+ better",
        Change::Worse => "- worse",
        Change::Same => "= same",
        Change::Incomparable => "",
    }
}

fn gate(gate: &GateComparison) -> String {
    let outcome = |side: &Option<super::GateSide>| {
        side.as_ref().map_or("not there".to_owned(), |side| side.outcome.replace('_', " "))
    };
    row(&format!("  {}", gate.name), &outcome(&gate.a), &outcome(&gate.b), "", mark(gate.change))
}

fn metric(metric: &MetricComparison) -> Vec<String> {
    let head = row(&format!("  {}", metric.name), "", "", "", mark(metric.change));
    let values = metric.values.iter().map(|value| {
        let shown = |side: Option<f64>| side.map_or("-".to_owned(), |side| number(metric, value, side));
        let percent = value.change_percent.map_or(String::new(), signed);
        row(&format!("    {}", value.value), &shown(value.a), &shown(value.b), &percent, mark(value.change))
    });
    std::iter::once(head).chain(values).collect()
}

fn row(name: &str, a: &str, b: &str, percent: &str, mark: &str) -> String {
    format!("{name:<44} {a:>14} {b:>14} {percent:>9}  {mark}").trim_end().to_owned()
}
