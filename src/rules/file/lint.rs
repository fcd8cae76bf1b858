//! What is doubtful in a rule file although Prometheus loads it.

use std::collections::{BTreeMap, HashMap};

use promql_parser::parser::value::ValueType;

use super::read::{FileElement, GroupElement, RuleElement};
use super::{Templated, testid};
use crate::config::suggest::expected_one_of;
use crate::config::{At, Place, Problem};
use crate::rules::value::{Pairs, Written};

const GATES: [&str; 3] = ["fail", "inconclusive", "none"];

pub(super) fn lint(file: &FileElement, warnings: &mut Vec<Problem>) {
    if file.groups.iter().all(|group| group.rules.is_empty()) {
        warnings.push(Problem::without_place("there are no rules in the file"));
    }
    for group in &file.groups {
        lint_group(group, warnings);
        for rule in &group.rules {
            lint_rule(&rule.value, group, warnings);
        }
    }
    lint_duplicates(file, warnings);
}

fn lint_group(group: &GroupElement, warnings: &mut Vec<Problem>) {
    if group.interval.is_none() && !group.rules.is_empty() {
        let message = format!("the group `{}` names no `interval`", group.name.value.0);
        let help =
            "it takes Prometheus' default of 1m, which may be longer than the run; set it, such as `5s`";
        warnings.push(Problem::new(group.name.place, message).help(help));
    }
    lint_names(&group.labels, warnings);
    for (_, written) in &group.labels.0 {
        // In the labels of rules it is an error.
        let template = Templated::new(written.text.as_str());
        if let Some(error) = template.error()
            && group.rules.iter().any(|rule| rule.value.alert)
        {
            let place = written.place_at(error.offset, 1);
            let problem = Problem::new(place, format!("not a valid template: {error}"));
            warnings.push(problem.help("each alert of the group will say so in this label"));
        }
    }
}

fn lint_rule(rule: &RuleElement, group: &GroupElement, warnings: &mut Vec<Problem>) {
    lint_names(&rule.labels, warnings);
    let value_type = rule.expr.value.0.expr().value_type();
    if !matches!(value_type, ValueType::Vector | ValueType::Scalar) {
        let gives = if value_type == ValueType::String { "a text" } else { "a range vector" };
        let problem = Problem::new(rule.expr.place, format!("the expression gives {gives}"));
        warnings
            .push(problem.help("expected an instant vector or a scalar: this rule will never be evaluated"));
    }
    if !rule.alert {
        return;
    }
    let label = |name| find(&rule.labels, name).or_else(|| find(&group.labels, name));
    for (name, values) in [("gate", &GATES[..]), ("abort", &["true", "false"])] {
        if let Some(written) = label(name).filter(|written| is_unknown(written, values)) {
            let message = format!("unknown {name} `{}`", written.text);
            let help = expected_one_of(&written.text, values, &[]);
            warnings
                .push(Problem::new(written.place_at(0, written.text.chars().count()), message).help(help));
        }
    }
    let is_gate = match (label("gate"), label("severity")) {
        (Some(gate), _) => matches!(gate.text.as_str(), "fail" | "inconclusive"),
        (None, severity) => {
            severity.is_some_and(|severity| matches!(severity.text.as_str(), "critical" | "page"))
        }
    };
    if is_gate
        && label("testid").is_none()
        && let Some(dropped) = testid::dropped(rule.expr.value.0.expr())
    {
        let message = format!("the gate `{}` drops the label `testid`: {dropped}", rule.name.value);
        let help = "without it the alert counts for every run of its time; keep it, such as by `sum by (testid) (…)`";
        warnings.push(Problem::new(rule.expr.place, message).help(help));
    }
}

fn find<'a>(labels: &'a Pairs, name: &str) -> Option<&'a Written> {
    labels.0.iter().find(|(known, _)| known.value == name).map(|(_, value)| value)
}

fn is_unknown(written: &Written, values: &[&str]) -> bool {
    !written.text.contains("{{") && !values.contains(&written.text.as_str())
}

/// What Prometheus takes since version 3 only, and hardly anyone means.
fn lint_names(labels: &Pairs, warnings: &mut Vec<Problem>) {
    for (At { value: name, place }, _) in &labels.0 {
        let usual = |c: char| c.is_ascii_alphanumeric() || c == '_';
        if !name.starts_with(|c: char| c.is_ascii_digit()) && name.chars().all(usual) {
            continue;
        }
        let problem = Problem::new(*place, format!("the label `{name}` must be quoted wherever it is used"));
        warnings.push(problem.help("expected letters, digits and `_`; Prometheus before 3.0 refuses others"));
    }
}

fn lint_duplicates(file: &FileElement, warnings: &mut Vec<Problem>) {
    let mut first: HashMap<(&str, BTreeMap<&str, &str>), Place> = HashMap::new();
    for group in &file.groups {
        for At { value: rule, .. } in &group.rules {
            let pairs = group.labels.0.iter().chain(&rule.labels.0);
            let labels = pairs.map(|(name, value)| (name.value.as_str(), value.text.as_str())).collect();
            let place = rule.name.place;
            let known = *first.entry((&rule.name.value, labels)).or_insert(place);
            if known != place {
                let message = format!("a second rule `{}` with the same labels", rule.name.value);
                let help =
                    format!("the first is at {}:{}; what they write may collide", known.line, known.column);
                warnings.push(Problem::new(place, message).help(help));
            }
        }
    }
}
