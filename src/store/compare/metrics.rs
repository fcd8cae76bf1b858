//! Every value of every metric, and what its values say of the metric together.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::Change;
use super::direction::{self, Direction};
use super::noise::{self, JUDGED, SHOWN, Spread};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricComparison {
    /// k6's, or a probe's.
    pub name: String,
    /// `trend`, `rate`, `counter`, `gauge`, `probe`
    #[serde(rename = "type")]
    pub kind: String,
    /// `time` (milliseconds), `data` (bytes), `default`
    pub contains: String,
    pub change: Change,
    pub values: Vec<ValueComparison>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ValueComparison {
    /// `p(95)`, `rate`, `count`, …
    pub value: String,
    pub a: Option<f64>,
    pub b: Option<f64>,
    /// Of `a`; not if there is none, or it is 0.
    pub change_percent: Option<f64>,
    pub change: Change,
}

/// How many of the judged values of a trend have to agree: of avg, med, p(90) and p(95) all but one, so that a longer
/// tail does not go unnoticed, and one odd value is not a regression.
const AGREEING: usize = 3;
/// If med is not among them, these have to differ by so much: a process that waits for its turn waits some
/// milliseconds, and where cores are shared that is the tail of whatever is faster.
const TAIL: [&str; 2] = ["p(90)", "p(95)"];
const TAIL_MS: f64 = 5.0;
/// Or these two, if none says the contrary: where the machine was busy in one of the runs, its tail hides what happened
/// to all of the other.
const MIDDLE: [&str; 2] = ["avg", "med"];

pub(super) fn compare(a: &Json, b: &Json) -> Vec<MetricComparison> {
    let metrics = both(a, b, "metrics", |name, metric_a, metric_b| {
        let known = metric_a.or(metric_b).unwrap_or(&Json::Null);
        let text = |key: &str| known[key].as_str().unwrap_or("default").to_owned();
        let direction = direction::of(name, known, &a["gates"]).or(direction::of(name, known, &b["gates"]));
        let values = |metric: Option<&Json>| metric.map_or(Json::Null, |metric| metric["values"].clone());
        let pair = Pair {
            kind: text("type"),
            is_time: known["contains"] == "time",
            direction,
            iterations: [iterations(a), iterations(b)],
            is_trouble: direction == Some(Direction::UpIsWorse),
            a: values(metric_a),
            b: values(metric_b),
        };
        pair.compare(name, text("contains"))
    });
    let probes = both(a, b, "probes", |name, probe_a, probe_b| {
        let direction =
            direction::of(name, &Json::Null, &a["gates"]).or(direction::of(name, &Json::Null, &b["gates"]));
        let pair = Pair {
            kind: "probe".to_owned(),
            is_time: false,
            direction,
            iterations: [iterations(a), iterations(b)],
            is_trouble: false,
            a: probe_a.cloned().unwrap_or_default(),
            b: probe_b.cloned().unwrap_or_default(),
        };
        pair.compare(name, "default".to_owned())
    });
    metrics.into_iter().chain(probes).collect()
}

/// Of what is by name in either of them, in the order of names.
fn both(
    a: &Json,
    b: &Json,
    key: &str,
    compare: impl Fn(&str, Option<&Json>, Option<&Json>) -> MetricComparison,
) -> Vec<MetricComparison> {
    let empty = Map::new();
    let a = a[key].as_object().unwrap_or(&empty);
    let b = b[key].as_object().unwrap_or(&empty);
    let names: BTreeSet<&String> = a.keys().chain(b.keys()).collect();
    names.into_iter().map(|name| compare(name, a.get(name), b.get(name))).collect()
}

fn iterations(summary: &Json) -> Option<f64> {
    let count = |name: &str| summary["metrics"][name]["values"]["count"].as_f64();
    Some(count("iterations")? + count("dropped_iterations").unwrap_or(0.0))
}

/// The values of one metric in both runs.
struct Pair {
    kind: String,
    is_time: bool,
    direction: Option<Direction>,
    /// That were due.
    iterations: [Option<f64>; 2],
    is_trouble: bool,
    a: Json,
    b: Json,
}

impl Pair {
    fn compare(&self, name: &str, contains: String) -> MetricComparison {
        let names = self.a.as_object().into_iter().chain(self.b.as_object()).flat_map(Map::keys);
        let mut seen = BTreeSet::new();
        let numbers = names.filter(|name| self.a[*name].is_number() || self.b[*name].is_number());
        let values: Vec<ValueComparison> =
            numbers.filter(|name| seen.insert(*name)).map(|name| self.value(name)).collect();
        let change = self.together(&values);
        MetricComparison { name: name.to_owned(), kind: self.kind.clone(), contains, change, values }
    }

    fn value(&self, name: &str) -> ValueComparison {
        let (a, b) = (self.a[name].as_f64(), self.b[name].as_f64());
        let change_percent = match (a, b) {
            (Some(a), Some(b)) if a != 0.0 => Some((b - a) / a.abs() * 100.0),
            _ => None,
        };
        let change = match (a, b, self.direction) {
            (Some(a), Some(b), Some(direction)) => match self.differ(name, a, b) {
                None => Change::Incomparable,
                Some(false) => Change::Same,
                Some(true) if (b > a) == (direction == Direction::UpIsWorse) => Change::Worse,
                Some(true) => Change::Better,
            },
            _ => Change::Incomparable,
        };
        ValueComparison { value: name.to_owned(), a, b, change_percent, change }
    }

    /// Beyond noise; `None` where that cannot be told.
    fn differ(&self, name: &str, a: f64, b: f64) -> Option<bool> {
        match (&*self.kind, name) {
            ("trend", _) => {
                let judged = *JUDGED.iter().chain(&SHOWN).find(|judged| judged.stat == name)?;
                noise::trends_differ(judged, self.is_time, (a, spread(&self.a)?), (b, spread(&self.b)?))
            }
            ("rate", "rate") => noise::shares_differ((a, all(&self.a)?), (b, all(&self.b)?)),
            // What goes wrong counts by its share of what was to be done, however fast that was.
            ("counter", "count") if self.is_trouble => {
                let [Some(of_a), Some(of_b)] = self.iterations.map(|of| Some(of?.max(1.0))) else {
                    return None;
                };
                if a > of_a || b > of_b {
                    return noise::rates_differ((a / of_a, a), (b / of_b, b));
                }
                noise::shares_differ((a / of_a, of_a), (b / of_b, of_b))
            }
            ("counter", "rate") if !self.is_trouble => {
                noise::rates_differ((a, self.a["count"].as_f64()?), (b, self.b["count"].as_f64()?))
            }
            ("probe", "avg") => {
                noise::averages_differ((a, self.a["count"].as_f64()?), (b, self.b["count"].as_f64()?))
            }
            _ => None,
        }
    }

    /// What the values that are judged say of the metric.
    fn together(&self, values: &[ValueComparison]) -> Change {
        let decide = |value: &&ValueComparison| {
            self.kind != "trend" || JUDGED.iter().any(|judged| judged.stat == value.value)
        };
        let count = |change| values.iter().filter(decide).filter(|value| value.change == change).count();
        let (worse, better, same) = (count(Change::Worse), count(Change::Better), count(Change::Same));
        let judged = worse + better + same;
        // Where samples are too few for percentiles, all that can be judged has to agree.
        let needed = if self.kind == "trend" { AGREEING.min(judged) } else { 1 };
        let tail = || {
            let is_long = |value: &ValueComparison| {
                !self.is_time || value.a.zip(value.b).is_some_and(|(a, b)| (b - a).abs() >= TAIL_MS)
            };
            values.iter().filter(|value| TAIL.contains(&&*value.value)).all(is_long)
        };
        let med_is = |change| values.iter().any(|value| value.value == "med" && value.change == change);
        let many = |count, change| count >= needed && (self.kind != "trend" || med_is(change) || tail());
        let middle = |change| {
            let agrees =
                |stat: &&str| values.iter().any(|value| value.value == *stat && value.change == change);
            MIDDLE.iter().all(agrees)
        };
        match () {
            () if judged == 0 => Change::Incomparable,
            () if many(worse, Change::Worse) || better == 0 && middle(Change::Worse) => Change::Worse,
            () if many(better, Change::Better) || worse == 0 && middle(Change::Better) => Change::Better,
            () => Change::Same,
        }
    }
}

fn spread(values: &Json) -> Option<Spread> {
    let number = |name: &str| values[name].as_f64();
    Some(Spread { count: number("count")?, med: number("med")?, p90: number("p(90)")? })
}

fn all(values: &Json) -> Option<f64> {
    Some(values["passes"].as_f64()? + values["fails"].as_f64()?)
}
