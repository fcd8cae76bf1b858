//! `█ THRESHOLDS`: every threshold with its mark and value, by metric.

use std::collections::BTreeMap;

use super::super::Finished;
use super::super::clean::clean;
use super::super::observed::split_subject;
use super::super::paint::Paint;
use super::{finding, mark};
use crate::rules::{Gate, ThresholdGate};

type Gates<'a> = Vec<(&'a Gate, &'a ThresholdGate)>;

/// The thresholds of a metric, then indented those of its sub-metrics.
pub(super) fn blocks(finished: &Finished, paint: Paint) -> Vec<String> {
    let mut by_subject = BTreeMap::<(&str, Option<&str>), Gates<'_>>::new();
    for gate in &finished.gates {
        if let Some(threshold) = gate.threshold().filter(|threshold| threshold.objective.is_none()) {
            by_subject.entry(split_subject(&threshold.subject)).or_default().push((gate, threshold));
        }
    }
    let mut lines = Vec::new();
    for (&(name, tags), gates) in &by_subject {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        let (indent, title) = match tags {
            Some(tags) if by_subject.contains_key(&(name, None)) => ("  ", format!("{{{tags}}}")),
            Some(tags) => ("", format!("{name}{{{tags}}}")),
            None => ("", name.to_owned()),
        };
        lines.push(format!("{indent}{}", clean(&title)));
        lines.extend(gates.iter().map(|(gate, threshold)| {
            let demand = clean(&threshold.threshold);
            format!("{indent}{} '{demand}' {}", mark(gate, paint), finding(gate, finished))
        }));
    }
    lines
}
