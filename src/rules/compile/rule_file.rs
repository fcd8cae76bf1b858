//! The rule file that a plan's thresholds mean, as text.

use std::fmt::Write as _;

use super::alert_name::percent;
use super::{ThresholdRule, ThresholdRules, Told, last, live};
use crate::metric::Unit;
use crate::rules::{Aggregation, Level};

pub(super) fn write(rules: &ThresholdRules) -> String {
    let mut out = head(rules);
    let mut written = Vec::new();
    for rule in &rules.rules {
        let condition = rule.condition_for_prometheus(&rules.test);
        let mut add = |expr: String, abort: bool| {
            let text = alert(rules, rule, &expr, abort);
            // A threshold may stand twice in the plan: to judge, and to abort.
            if !written.contains(&text) {
                written.push(text);
            }
        };
        add(last(&condition), false);
        if let Some(delay) = rule.threshold.abort_after {
            add(live(&condition, rules.warmup + delay), true);
        }
    }
    written.iter().for_each(|text| out.push_str(text));
    if written.is_empty() {
        out.push_str("      []\n");
    }
    out
}

fn head(rules: &ThresholdRules) -> String {
    let test = &rules.test;
    let warmup = if rules.warmup.is_zero() {
        String::new()
    } else {
        let warmup = crate::time::span(rules.warmup);
        format!(
            "#\n# The plan has a warmup of {warmup}, and exported counters hold what was sent in it: they never go back.\n\
             # Prometheus cannot know the judged values, so that these rules ask what loadgate found ({}).\n",
            super::THRESHOLD_OK
        )
    };
    format!(
        "# What the thresholds of the plan {test} mean to Prometheus, by `loadgate rules generate`.\n\
         # Each expression has a value where its threshold is crossed. Those with the label abort end the run while it\n\
         # lasts; the others are judged once, on its final values.\n{warmup}\
         groups:\n  - name: {}\n    interval: 1s\n    rules:\n",
        yaml(&format!("loadgate/{test}"))
    )
}

fn alert(rules: &ThresholdRules, rule: &ThresholdRule, expr: &str, abort: bool) -> String {
    let threshold = &rule.threshold;
    let mut out = String::new();
    if rule.told == Some(Told::Newest) {
        out.push_str("      # Of several series of this gauge the one that was set last counts: loadgate knows which.\n");
    }
    let _infallible = writeln!(out, "      - alert: {}\n        expr: |", rule.alert);
    for line in expr.lines() {
        let _infallible = writeln!(out, "          {line}");
    }
    let (severity, gate) = match threshold.objective.as_ref().map(|objective| objective.level) {
        Some(Level::Target) => ("warning", "none"),
        Some(Level::Critical) | None => ("critical", "fail"),
    };
    out.push_str("        labels:\n");
    let mut pair = |key: &str, value: &str| {
        let _infallible = writeln!(out, "          {key}: {}", yaml(value));
    };
    pair("severity", severity);
    pair("gate", gate);
    if abort {
        pair("abort", "true");
    }
    pair("test", &rules.test);
    pair("metric", &literal(&threshold.name));
    pair("threshold", &literal(&threshold.source));
    if let Some(objective) = &threshold.objective {
        pair("slo", &literal(&objective.name));
        pair("level", objective.level.as_str());
    }
    out.push_str("        annotations:\n");
    let mut pair = |key: &str, value: &str| {
        let _infallible = writeln!(out, "          {key}: {}", yaml(value));
    };
    let subject = literal(&format!("{} of {}", threshold.source, threshold.name));
    pair("summary", &format!("{subject} does not hold in run {{{{ $labels.testid }}}}"));
    pair("value", &value(rule));
    pair("limit", &limit(rule));
    out
}

/// What `$value` is, for people.
fn value(rule: &ThresholdRule) -> String {
    match (rule.threshold.aggregation, rule.told) {
        (Aggregation::Quantile(_), None) => {
            format!("{{{{ $value | humanizePercentage }}}} of all samples are at most {}", shown_limit(rule))
        }
        _ if rule.is_share => "{{ $value | humanizePercentage }}".to_owned(),
        _ if rule.unit == Unit::Time => "{{ $value | humanizeDuration }}".to_owned(),
        _ => "{{ $value }}".to_owned(),
    }
}

fn limit(rule: &ThresholdRule) -> String {
    match (rule.threshold.aggregation, rule.told) {
        (Aggregation::Quantile(quantile), None) => {
            format!("{}% at most {}", percent(quantile), shown_limit(rule))
        }
        _ => shown_limit(rule),
    }
}

fn shown_limit(rule: &ThresholdRule) -> String {
    let limit = rule.unit.shown(rule.threshold.limit);
    match rule.unit {
        _ if rule.is_share => format!("{}%", (limit * 1e12).round() / 1e10),
        Unit::Time if limit >= 1e3 => format!("{}s", limit / 1e3),
        Unit::Time => format!("{limit}ms"),
        Unit::Bytes => format!("{limit} bytes"),
        Unit::Plain => format!("{limit}"),
    }
}

/// A text that is no template, whatever is in it.
fn literal(text: &str) -> String {
    text.replace("{{", r#"{{ "{{" }}"#)
}

/// JSON's strings are YAML's too.
fn yaml(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
