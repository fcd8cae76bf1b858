//! What changed, in words.

use super::metrics::{MetricComparison, ValueComparison};
use super::{Change, GateComparison, summary};
use crate::store::RunRecord;

/// What is said of a metric's change, the first that is among its values.
const TELLING: [&str; 6] = ["p(95)", "p(90)", "med", "avg", "rate", "count"];

pub(super) fn of(
    a: &RunRecord,
    b: &RunRecord,
    unlike: Vec<String>,
    metrics: &[MetricComparison],
    gates: &[GateComparison],
) -> Vec<String> {
    let mut sentences = unlike;
    sentences.extend(summary::reservations(a, b));
    if let (Some(before), Some(after)) = (&a.verdict, &b.verdict)
        && before != after
    {
        let word = |verdict: &str| verdict.replace('_', " ");
        sentences.push(format!("{} {}, {} {}", a.id, word(before), b.id, word(after)));
    }
    for change in [Change::Worse, Change::Better] {
        let changed = gates.iter().filter(|gate| gate.change == change);
        sentences.extend(changed.filter_map(of_gate));
        let changed = metrics.iter().filter(|metric| metric.change == change);
        sentences.extend(changed.filter_map(|metric| of_metric(metric, change)));
    }
    for gate in gates {
        match (&gate.a, &gate.b) {
            (Some(_), None) => sentences.push(format!("only {} has the gate {}", a.id, gate.name)),
            (None, Some(_)) => sentences.push(format!("only {} has the gate {}", b.id, gate.name)),
            _ => {}
        }
    }
    sentences
}

fn of_gate(gate: &GateComparison) -> Option<String> {
    let (a, b) = (gate.a.as_ref()?, gate.b.as_ref()?);
    let word = |outcome: &str| outcome.replace('_', " ");
    Some(format!("gate {}: {} before, {} now", gate.name, word(&a.outcome), word(&b.outcome)))
}

/// "p(95) of http_req_duration rose from 210 ms to 253 ms (+20%)"
fn of_metric(metric: &MetricComparison, change: Change) -> Option<String> {
    let changed =
        |name: &str| metric.values.iter().find(|value| value.value == name && value.change == change);
    let value = TELLING.iter().find_map(|name| changed(name))?;
    let (a, b) = (value.a?, value.b?);
    let verb = if b > a { "rose" } else { "fell" };
    let percent = value.change_percent.map_or(String::new(), |percent| format!(" ({})", signed(percent)));
    let (from, to) = (number(metric, value, a), number(metric, value, b));
    Some(format!("{} of {} {verb} from {from} to {to}{percent}", value.value, metric.name))
}

/// With its unit, in three or four digits.
pub(super) fn number(metric: &MetricComparison, value: &ValueComparison, number: f64) -> String {
    let plain = digits(number);
    match (&*metric.contains, &*metric.kind, &*value.value) {
        ("time", "trend", stat) if stat != "count" && number.abs() >= 10_000.0 => {
            format!("{} s", digits(number / 1e3))
        }
        ("time", "trend", stat) if stat != "count" => format!("{plain} ms"),
        (_, "rate", "rate") => format!("{}%", digits(number * 100.0)),
        (_, "counter", "rate") => format!("{plain}/s"),
        _ => plain,
    }
}

pub(super) fn signed(percent: f64) -> String {
    if percent.abs() < 9.95 { format!("{percent:+.1}%") } else { format!("{percent:+.0}%") }
}

fn digits(number: f64) -> String {
    let decimals = match number.abs() {
        0.0 => 0,
        size if size >= 100.0 => 0,
        size if size >= 10.0 => 1,
        size if size >= 1.0 => 2,
        _ => 3,
    };
    let text = format!("{number:.decimals$}");
    if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
}
