//! Thresholds in k6's grammar, judged on the values since the run began.
//!
//! A percentile threshold asks how many samples lie on the good side of its limit, on which a
//! histogram bound lies: exact, and the same question that PromQL asks of the exported buckets.
//! Buckets know `<=` and `>` only, so that `<` is read as `<=` and `>=` as `>`.

use std::time::Duration;

use super::{NoData, Objective, Outcome, ProbeSamples, ThresholdGate, nearest};
use crate::aggregate::{Selector, Totals};
pub use crate::config::Comparison;
use crate::metric::{Catalog, Kind, Unit};
use crate::record::Distribution;

#[derive(Debug, Clone, PartialEq)]
pub struct Threshold {
    /// As it was written: `http_req_duration{scenario:chat}`.
    pub name: String,
    /// As it was written: `p(95)<500`.
    pub source: String,
    pub subject: Subject,
    pub aggregation: Aggregation,
    pub comparison: Comparison,
    /// In recorded units (nanoseconds for times).
    pub limit: f64,
    /// Ends the run when it is crossed later than this after judging began.
    pub abort_after: Option<Duration>,
    /// Of which objective it is which level.
    pub objective: Option<Objective>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Subject {
    Metric(Selector),
    /// A probe's position in the plan.
    Probe(usize),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Aggregation {
    Count,
    /// Of a counter: per second. Of a rate: the share.
    Rate,
    Value,
    Avg,
    Min,
    Max,
    /// 0 to 1.
    Quantile(f64),
}

/// What there is to judge.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    pub totals: &'a Totals,
    pub probes: &'a [ProbeSamples],
    /// Time under load, for rates of counters.
    pub elapsed: Duration,
}

/// A value in recorded units, and whether it is good.
struct Judged {
    value: f64,
    good: bool,
}

impl Threshold {
    /// What the sums of this process say. The outcome that counts is that of the threshold's rule
    /// ([`ThresholdRules::judge`](super::ThresholdRules::judge)); both are the same question.
    pub fn judge(&self, observed: Observed<'_>) -> ThresholdGate {
        let unit = self.unit(observed.totals.catalog());
        let judged = match &self.subject {
            Subject::Metric(selector) => self.judge_metric(selector, observed),
            Subject::Probe(at) => observed.probes.get(*at).and_then(|samples| self.judge_probe(samples)),
        };
        let (value, outcome) = match judged {
            Some(Judged { value, good: true }) => (Some(unit.shown(value)), Outcome::Held),
            Some(Judged { value, good: false }) => (Some(unit.shown(value)), Outcome::Crossed),
            None => (None, Outcome::NoData(self.why_no_data(observed))),
        };
        let limit = unit.shown(self.limit);
        let (subject, threshold) = (self.name.clone(), self.source.clone());
        ThresholdGate { subject, threshold, objective: self.objective.clone(), value, limit, unit, outcome }
    }

    /// Of its value and its limit.
    pub(super) fn unit(&self, catalog: &Catalog) -> Unit {
        match &self.subject {
            Subject::Metric(selector) => match self.aggregation {
                Aggregation::Count | Aggregation::Rate => Unit::Plain,
                _ => catalog.definition(selector.metric).unit,
            },
            Subject::Probe(_) => Unit::Plain,
        }
    }

    fn judge_metric(&self, selector: &Selector, observed: Observed<'_>) -> Option<Judged> {
        let totals = observed.totals;
        match totals.catalog().definition(selector.metric).kind {
            Kind::Counter => {
                let count = totals.counter(selector);
                Some(self.compare(match self.aggregation {
                    Aggregation::Rate => count / observed.elapsed.as_secs_f64().max(1e-9),
                    _ => count,
                }))
            }
            Kind::Gauge => totals.gauge(selector).map(|(value, _, _)| self.compare(value)),
            Kind::Rate => match totals.rate(selector) {
                (_, 0) => None,
                (held, all) => Some(self.compare(held as f64 / all as f64)),
            },
            Kind::Trend => totals.trend(selector).and_then(|trend| self.judge_trend(&trend)),
        }
    }

    fn judge_trend(&self, trend: &Distribution) -> Option<Judged> {
        match self.aggregation {
            Aggregation::Quantile(quantile) => self.judge_quantile(trend, quantile),
            Aggregation::Avg => trend.avg().map(|value| self.compare(value)),
            Aggregation::Min => trend.min().map(|value| self.compare(value)),
            Aggregation::Max => trend.max().map(|value| self.compare(value)),
            Aggregation::Count => Some(self.compare(trend.count() as f64)),
            Aggregation::Rate | Aggregation::Value => None,
        }
    }

    /// Nearest rank: the quantile is at most the limit when the samples at most the limit reach its rank.
    fn judge_quantile(&self, trend: &Distribution, quantile: f64) -> Option<Judged> {
        let shown = trend.quantile(quantile)?;
        let at_most_limit = trend.at_most(self.limit)? >= trend.rank(quantile);
        // What is printed may be off by the width of a cell; it must not contradict the gate.
        let value = if at_most_limit { shown.min(self.limit) } else { shown.max(self.limit.next_up()) };
        let good = match self.comparison {
            Comparison::Less | Comparison::LessOrEqual => at_most_limit,
            Comparison::Greater | Comparison::GreaterOrEqual => !at_most_limit,
            // Refused when the plan is read.
            Comparison::Equal | Comparison::NotEqual => return None,
        };
        Some(Judged { value, good })
    }

    fn judge_probe(&self, samples: &ProbeSamples) -> Option<Judged> {
        let value = match self.aggregation {
            Aggregation::Avg => samples.avg(),
            Aggregation::Min => samples.min(),
            Aggregation::Max => samples.max(),
            Aggregation::Value => samples.last(),
            Aggregation::Count | Aggregation::Rate | Aggregation::Quantile(_) => None,
        };
        value.map(|value| self.compare(value))
    }

    fn compare(&self, value: f64) -> Judged {
        let good = match self.comparison {
            Comparison::Less => value < self.limit,
            Comparison::LessOrEqual => value <= self.limit,
            Comparison::Greater => value > self.limit,
            Comparison::GreaterOrEqual => value >= self.limit,
            Comparison::Equal => value == self.limit,
            Comparison::NotEqual => value != self.limit,
        };
        Judged { value, good }
    }

    /// Without the selector, which the threshold's rule knows.
    pub(super) fn why_no_data(&self, observed: Observed<'_>) -> NoData {
        let because = |nearest: Vec<String>, why: String| NoData { selector: String::new(), nearest, why };
        let Subject::Metric(selector) = &self.subject else {
            let why = format!(
                "the probe `{}` never had a value: is the target's /metrics scraped, and does its query match?",
                self.name
            );
            return because(Vec::new(), why);
        };
        let metric = selector.metric;
        let name = &observed.totals.catalog().definition(metric).name;
        if self.judge_metric(&Selector::all(metric), observed).is_none() {
            return because(Vec::new(), format!("`{name}` has no sample: nothing recorded it"));
        }
        let known = selector.tags.iter().flat_map(|(tag, value)| {
            let nearest = nearest(value, observed.totals.label_values(metric, tag));
            nearest.into_iter().map(move |near| format!("{tag}:{near}"))
        });
        because(known.collect(), format!("no sample of `{name}` has these tags"))
    }

    /// The value nearest to `value` for which the threshold would have held, or not: in recorded units.
    pub(super) fn clamped(&self, value: f64, held: bool) -> f64 {
        if self.compare(value).good == held {
            return value;
        }
        let nearby = [self.limit, self.limit.next_up(), self.limit.next_down()];
        nearby.into_iter().find(|near| self.compare(*near).good == held).unwrap_or(value)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::labels::Labels;
    use crate::metric::{self, Catalog};
    use crate::record::{Registry, Shard};

    fn totals(write: impl FnOnce(&Registry, &mut Shard)) -> Totals {
        let bounds = [(metric::HTTP_REQ_DURATION, 2e8)];
        let registry = Arc::new(Registry::new(Arc::new(Catalog::default()), &bounds, 200));
        let mut shard = Shard::new(Arc::clone(&registry));
        write(&registry, &mut shard);
        let mut totals = Totals::new(registry);
        totals.absorb(&mut shard);
        totals
    }

    fn threshold(
        subject: Subject,
        aggregation: Aggregation,
        comparison: Comparison,
        limit: f64,
    ) -> Threshold {
        let (name, source) = ("the subject".to_owned(), "the threshold".to_owned());
        Threshold {
            name,
            source,
            subject,
            aggregation,
            comparison,
            limit,
            abort_after: None,
            objective: None,
        }
    }

    fn judge(totals: &Totals, threshold: &Threshold) -> ThresholdGate {
        threshold.judge(Observed { totals, probes: &[], elapsed: Duration::from_secs(10) })
    }

    fn latencies(scenario: &str, millis: &[f64]) -> Totals {
        totals(|registry, shard| {
            let id = registry.intern(metric::HTTP_REQ_DURATION, &Labels::new([("scenario", scenario)]));
            millis.iter().for_each(|millis| shard.trend(id, millis * 1e6));
        })
    }

    #[test]
    fn a_percentile_is_judged_by_nearest_rank_on_raw_values() {
        use Comparison::{Greater, Less};
        // 20 samples: p(95) is the 19th, p(99) the 20th.
        let mut millis = vec![100.0; 18];
        millis.extend([200.0, 200.000_1]);
        let totals = latencies("s", &millis);
        for (quantile, comparison, good) in [
            (0.95, Less, true),
            (0.99, Less, false),
            (0.95, Greater, false),
            (0.99, Greater, true),
            (0.0, Less, true),
        ] {
            let subject = Subject::Metric(Selector::all(metric::HTTP_REQ_DURATION));
            let gate = judge(&totals, &threshold(subject, Aggregation::Quantile(quantile), comparison, 2e8));
            assert_eq!(gate.held(), good, "p{quantile} {comparison:?} 200 ms: {gate:?}");
            let shown_on_good_side = (gate.value.unwrap() <= 200.0) == (comparison == Less);
            assert_eq!(shown_on_good_side, good, "what is printed must not contradict the gate: {gate:?}");
        }
    }

    #[test]
    fn a_tag_that_never_came_is_no_data_and_names_the_nearest() {
        let totals = latencies("chat", &[1.0]);
        let selector = Selector::with(metric::HTTP_REQ_DURATION, "scenario", "chta");
        let gate =
            judge(&totals, &threshold(Subject::Metric(selector), Aggregation::Avg, Comparison::Less, 1e9));
        let why = "no sample of `http_req_duration` has these tags".to_owned();
        let nearest = vec!["scenario:chat".to_owned()];
        assert_eq!(gate.outcome, Outcome::NoData(NoData { selector: String::new(), nearest, why }));
        assert_eq!(gate.value, None);
    }

    #[test]
    fn an_empty_tag_asks_for_what_has_no_such_label() {
        let totals = totals(|registry, shard| {
            for (scenario, millis) in [("", 1.0), ("chat", 9.0)] {
                let labels = Labels::new([("scenario", scenario)]);
                shard.trend(registry.intern(metric::HTTP_REQ_DURATION, &labels), millis * 1e6);
            }
        });
        for (scenario, max) in [("", 1.0), ("chat", 9.0)] {
            let subject = Subject::Metric(Selector::with(metric::HTTP_REQ_DURATION, "scenario", scenario));
            let gate = judge(&totals, &threshold(subject, Aggregation::Max, Comparison::Less, 1e9));
            assert_eq!(gate.value, Some(max), "scenario:{scenario}");
        }
    }

    #[test]
    fn a_counter_that_never_rose_is_zero_and_a_rate_without_sample_is_no_data() {
        let totals = totals(|_, _| {});
        let of = |metric| Subject::Metric(Selector::all(metric));
        let zero = threshold(of(metric::DROPPED_ITERATIONS), Aggregation::Count, Comparison::Less, 1.0);
        assert!(judge(&totals, &zero).held());
        let checks = threshold(of(metric::CHECKS), Aggregation::Rate, Comparison::Greater, 0.9);
        assert!(matches!(judge(&totals, &checks).outcome, Outcome::NoData(_)));
    }

    #[test]
    fn a_probe_is_judged_by_its_samples() {
        let totals = totals(|_, _| {});
        let mut samples = ProbeSamples::default();
        [100.0, 92.0].into_iter().for_each(|hz| samples.record(hz));
        let observed = Observed { totals: &totals, probes: &[samples], elapsed: Duration::from_secs(1) };
        for (aggregation, limit, good) in [
            (Aggregation::Avg, 95.0, true),
            (Aggregation::Min, 95.0, false),
            (Aggregation::Value, 95.0, false),
            (Aggregation::Max, 95.0, true),
        ] {
            let gate = threshold(Subject::Probe(0), aggregation, Comparison::Greater, limit).judge(observed);
            assert_eq!(gate.held(), good, "{aggregation:?}");
        }
    }
}
