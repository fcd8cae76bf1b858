//! `█ THRESHOLDS`: every gate with its mark and value, by metric.

use std::collections::BTreeMap;

use super::super::clean::clean;
use super::super::observed::{aggregation, is_share, split_subject};
use super::super::paint::Paint;
use super::super::{Finished, number};
use crate::rules::{Gate, Outcome};

/// The gates of a metric, then indented those of its sub-metrics.
pub(super) fn blocks(finished: &Finished, paint: Paint) -> Vec<String> {
    let mut by_subject: BTreeMap<(&str, Option<&str>), Vec<&Gate>> = BTreeMap::new();
    for gate in &finished.gates {
        by_subject.entry(split_subject(&gate.subject)).or_default().push(gate);
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
        lines.extend(gates.iter().map(|gate| format!("{indent}{}", line(gate, finished, paint))));
    }
    lines
}

fn line(gate: &Gate, finished: &Finished, paint: Paint) -> String {
    let mark = match gate.outcome {
        Outcome::Held => paint.good('✓'),
        Outcome::Crossed => paint.bad('✗'),
        Outcome::NoData(_) => paint.doubtful('?'),
    };
    format!("{mark} '{}' {}", clean(&gate.threshold), finding(gate, finished))
}

/// `p(95)=20.14ms`, or why there is nothing to show.
pub(in crate::report) fn finding(gate: &Gate, finished: &Finished) -> String {
    if let Outcome::NoData(why) = &gate.outcome {
        return format!("no data: {}", clean(why));
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
            let outcome = Outcome::Held;
            let gate = Gate { subject, threshold, value: Some(value), limit, unit, outcome };
            assert_eq!(finding(&gate, &finished), expected, "{gate:?}");
        }
    }
}
