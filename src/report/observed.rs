//! What was recorded of each metric, in display units: the one reading of the totals from which text
//! and JSON are written.

use std::collections::BTreeSet;

use super::{Finished, TrendStat};
use crate::aggregate::Selector;
use crate::metric::{Definition, Kind, Unit};
use crate::record::{Distribution, quantile_of_percent};
use crate::rules::ThresholdGate;

/// A metric, or the part of it that carries some tags.
#[derive(Debug)]
pub(super) struct Observed<'a> {
    /// As in thresholds: `http_req_duration`, or `http_req_duration{scenario:chat}`.
    pub(super) name: String,
    pub(super) definition: &'a Definition,
    /// What stands between the braces of a sub-metric.
    pub(super) tags: Option<String>,
    /// `None` when nothing was recorded; a counter is 0 then.
    pub(super) values: Option<Values>,
    /// The gates on exactly this metric or sub-metric.
    pub(super) gates: Vec<&'a ThresholdGate>,
}

#[derive(Debug)]
pub(super) enum Values {
    Counter { count: f64, per_sec: f64 },
    Gauge { value: f64, min: f64, max: f64 },
    Rate { nonzero: u64, all: u64 },
    Trend(Box<Trend>),
}

#[derive(Debug)]
pub(super) struct Trend {
    distribution: Distribution,
    unit: Unit,
    /// What gates found, by statistic: a value read off the histogram may lie a cell's width beside
    /// it, and must not contradict what was judged.
    judged: Vec<(TrendStat, f64)>,
}

impl Finished {
    /// Every metric in the catalog's order, each followed by the sub-metrics that have gates.
    pub(super) fn observed(&self) -> Vec<Observed<'_>> {
        let mut all = Vec::new();
        for (id, definition) in self.totals.catalog().iter() {
            all.push(self.observe(definition.name.clone(), definition, None, &Selector::all(id)));
            for subject in self.sub_metrics(definition) {
                let Some(tags) = tags_of(subject) else { continue };
                let selector = Selector::new(id, pairs(tags));
                all.push(self.observe(subject.to_owned(), definition, Some(tags.to_owned()), &selector));
            }
        }
        all
    }

    /// The part of a metric with one tag, whether or not it has a gate.
    pub(super) fn observe_tag(&self, selector: &Selector) -> Observed<'_> {
        let definition = self.totals.catalog().definition(selector.metric);
        let tags: Vec<String> = selector.tags.iter().map(|(name, value)| format!("{name}:{value}")).collect();
        let tags = tags.join(",");
        self.observe(format!("{}{{{tags}}}", definition.name), definition, Some(tags), selector)
    }

    fn observe<'a>(
        &'a self,
        name: String,
        definition: &'a Definition,
        tags: Option<String>,
        selector: &Selector,
    ) -> Observed<'a> {
        let gates: Vec<&ThresholdGate> =
            self.thresholds().filter(|gate| gate.subject == name && applies(gate, definition)).collect();
        let values = self.values(definition, selector, &gates);
        Observed { name, definition, tags, values, gates }
    }

    fn values(
        &self,
        definition: &Definition,
        selector: &Selector,
        gates: &[&ThresholdGate],
    ) -> Option<Values> {
        let unit = definition.unit;
        match definition.kind {
            Kind::Counter => {
                let count = unit.shown(self.totals.counter(selector));
                let secs = self.judged_for().as_secs_f64();
                let per_sec = if secs > 0.0 { count / secs } else { 0.0 };
                Some(Values::Counter { count, per_sec })
            }
            Kind::Gauge => self.totals.gauge(selector).map(|(value, min, max)| Values::Gauge {
                value: unit.shown(value),
                min: unit.shown(min),
                max: unit.shown(max),
            }),
            Kind::Rate => match self.totals.rate(selector) {
                (_, 0) => None,
                (nonzero, all) => Some(Values::Rate { nonzero, all }),
            },
            Kind::Trend => self.totals.trend(selector).map(|distribution| {
                let judged =
                    gates.iter().filter_map(|gate| Some((aggregation(gate).parse().ok()?, gate.value?)));
                Values::Trend(Box::new(Trend { distribution, unit, judged: judged.collect() }))
            }),
        }
    }

    fn sub_metrics(&self, definition: &Definition) -> BTreeSet<&str> {
        let of_metric = |gate: &&ThresholdGate| {
            gate.subject.strip_prefix(definition.name.as_str()).is_some_and(|rest| rest.starts_with('{'))
                && applies(gate, definition)
        };
        self.thresholds().filter(of_metric).map(|gate| gate.subject.as_str()).collect()
    }
}

impl Observed<'_> {
    /// Whether there is something to show: a counter that stayed at 0 only when it was asked for.
    pub(super) fn is_worth_showing(&self) -> bool {
        !self.gates.is_empty()
            || match &self.values {
                Some(Values::Counter { count, .. }) => *count > 0.0,
                values => values.is_some(),
            }
    }
}

impl Trend {
    pub(super) fn count(&self) -> u64 {
        self.distribution.count()
    }

    /// In display units, except for `count`. 0 when nothing was recorded.
    pub(super) fn stat(&self, stat: TrendStat) -> f64 {
        let recorded = match stat {
            TrendStat::Avg => self.distribution.avg(),
            TrendStat::Min => self.distribution.min(),
            TrendStat::Max => self.distribution.max(),
            TrendStat::Count => return self.count() as f64,
            TrendStat::Med => return self.quantile(stat, 0.5),
            TrendStat::Percentile(percent) => return self.quantile(stat, quantile_of_percent(percent)),
        };
        self.unit.shown(recorded.unwrap_or(0.0))
    }

    /// Of two gates on one percentile at most one moved the value; the one that did is right.
    fn quantile(&self, stat: TrendStat, quantile: f64) -> f64 {
        let read = self.unit.shown(self.distribution.quantile(quantile).unwrap_or(0.0));
        let moved = |value: f64| (value - read).abs() > 1e-9 * read.abs();
        let mut judged = self.judged.iter().filter(|(judged, _)| *judged == stat).map(|(_, value)| *value);
        judged.find(|value| moved(*value)).unwrap_or(read)
    }
}

/// The `p(95)` of `p(95)<500`.
pub(super) fn aggregation(gate: &ThresholdGate) -> &str {
    gate.threshold.split(['<', '>', '=', '!']).next().unwrap_or_default().trim()
}

/// Splits `http_reqs{scenario:chat}` into `http_reqs` and `scenario:chat`.
pub(super) fn split_subject(subject: &str) -> (&str, Option<&str>) {
    match subject.split_once('{') {
        Some((name, rest)) => (name.trim(), Some(rest.trim_end().trim_end_matches('}'))),
        None => (subject, None),
    }
}

/// False for a gate on a probe that bears a metric's name: k6 users write `checks{type:hz}: avg>95`.
fn applies(gate: &ThresholdGate, definition: &Definition) -> bool {
    match (definition.kind, aggregation(gate)) {
        (Kind::Counter, "count" | "rate") | (Kind::Gauge, "value") | (Kind::Rate, "rate") => true,
        (Kind::Trend, aggregation) => aggregation.parse::<TrendStat>().is_ok(),
        _ => false,
    }
}

/// Whether a gate's value is a share, to be shown in per cent.
pub(super) fn is_share(gate: &ThresholdGate, finished: &Finished) -> bool {
    let catalog = finished.totals.catalog();
    let metric = catalog.find(split_subject(&gate.subject).0);
    metric
        .map(|id| catalog.definition(id))
        .is_some_and(|metric| metric.kind == Kind::Rate && applies(gate, metric))
}

fn tags_of(subject: &str) -> Option<&str> {
    split_subject(subject).1
}

/// `a:b,c:"d"` as k6 reads it.
fn pairs(tags: &str) -> impl Iterator<Item = (&str, &str)> {
    fn bare(text: &str) -> &str {
        text.trim().trim_matches(['"', '\''])
    }
    tags.split(',').filter_map(|tag| tag.split_once(':')).map(|(name, value)| (bare(name), bare(value)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture;
    use crate::rules::Gate;

    #[test]
    fn tags_are_read_as_k6_reads_them() {
        assert_eq!(
            pairs(r#"scenario:chat, group:, name:"/a:b""#).collect::<Vec<_>>(),
            [("scenario", "chat"), ("group", ""), ("name", "/a:b")]
        );
    }

    #[test]
    fn a_percentile_is_what_its_gate_found() {
        let mut finished = fixture::passed();
        let thresholds = finished.gates.iter_mut().filter_map(|gate| match gate {
            Gate::Threshold(gate) => Some(gate),
            Gate::Alert(_) | Gate::Verification(_) | Gate::Recovery(_) => None,
        });
        thresholds.filter(|gate| gate.threshold == "p(95)<500").for_each(|gate| gate.value = Some(20.15));
        let observed = finished.observed();
        let duration = observed.iter().find(|metric| metric.name == "http_req_duration").unwrap();
        let Some(Values::Trend(trend)) = &duration.values else { panic!("a trend") };
        assert_eq!(trend.stat(TrendStat::Percentile(95.0)), 20.15);
        assert_ne!(trend.stat(TrendStat::Percentile(90.0)), 20.15);
    }

    #[test]
    fn a_gate_on_a_probe_that_is_written_like_a_metric_makes_no_sub_metric() {
        let mut finished = fixture::passed();
        let probe = ThresholdGate {
            subject: "checks{type:hz}".to_owned(),
            threshold: "avg>95".to_owned(),
            ..finished.thresholds().next().unwrap().clone()
        };
        assert!(!is_share(&probe, &finished));
        finished.gates.push(Gate::Threshold(probe));
        assert!(finished.observed().iter().all(|metric| metric.name != "checks{type:hz}"));
    }
}
