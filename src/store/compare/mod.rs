//! Two runs side by side: every value of every metric, every gate, and sentences on what got worse. Pure.
//!
//! Two runs of the same thing never give the same numbers, so a difference counts only if it is larger than what
//! chance and the machine make of one thing ([`noise`]), and a metric only if its values agree ([`metrics`]). All of it
//! comes from the two summaries (`report/json.rs`).

mod direction;
mod gates;
mod metrics;
mod noise;
mod sentences;
mod summary;
#[cfg(test)]
mod tests;
mod text;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use gates::{GateComparison, GateSide};
pub use metrics::{MetricComparison, ValueComparison};

use super::{RunId, RunRecord};

/// How `b` differs from `a`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    pub a: Side,
    pub b: Side,
    pub outcome: Outcome,
    /// Plain words, the most important first: what makes the runs unlike, then what got worse, then what got better.
    pub sentences: Vec<String>,
    pub metrics: Vec<MetricComparison>,
    pub gates: Vec<GateComparison>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Side {
    pub id: String,
    pub test: String,
    pub profile: Option<String>,
    /// `finished`, …
    pub state: String,
    pub verdict: Option<String>,
    /// Of the load.
    pub duration_seconds: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// A metric is worse (other than how often the generator came round), or a gate fails that did not.
    Regression,
    NoRegression,
    /// Another load, or nothing to compare: differences say nothing of the target.
    NotAlike,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    Better,
    Worse,
    Same,
    /// There in one run only, too few samples, decided by a single sample (`min`, `max`), or neither direction is the
    /// better one.
    Incomparable,
}

/// Of two records with their summaries.
pub fn compare(a: &RunRecord, b: &RunRecord) -> Comparison {
    let (none, other) = (Json::Null, Json::Null);
    let summary_a = a.summary.as_ref().unwrap_or(&none);
    let summary_b = b.summary.as_ref().unwrap_or(&other);
    let metrics = metrics::compare(summary_a, summary_b);
    let gates = gates::compare(summary_a, summary_b);
    let unlike = summary::differences(a, b);
    let decides = |metric: &&MetricComparison| {
        let base = metric.name.split_once('{').map_or(&*metric.name, |(base, _)| base);
        !direction::is_rounds(base)
    };
    let is_worse = metrics.iter().filter(decides).any(|metric| metric.change == Change::Worse)
        || gates.iter().any(|gate| gate.change == Change::Worse && gate.fails_in_b());
    let outcome = match (unlike.is_empty(), is_worse) {
        (false, _) => Outcome::NotAlike,
        (true, true) => Outcome::Regression,
        (true, false) => Outcome::NoRegression,
    };
    let sentences = sentences::of(a, b, unlike, &metrics, &gates);
    Comparison { a: side(a), b: side(b), outcome, sentences, metrics, gates }
}

impl Comparison {
    pub fn to_json(&self) -> Json {
        serde_json::to_value(self).unwrap_or_default()
    }

    /// Of what [`Comparison::to_json`] gave, as a daemon answers with it.
    pub fn from_json(json: &Json) -> Result<Self, serde_json::Error> {
        Comparison::deserialize(json)
    }

    /// For a terminal, some 100 columns wide.
    pub fn to_text(&self) -> String {
        text::of(self)
    }
}

fn side(run: &RunRecord) -> Side {
    let RunId(id) = &run.id;
    let summary = run.summary.as_ref();
    Side {
        id: id.clone(),
        test: run.test.clone(),
        profile: run.profile.clone(),
        state: run.state.label().to_owned(),
        verdict: run.verdict.clone(),
        duration_seconds: summary.and_then(|summary| summary.get("duration_seconds")?.as_f64()),
    }
}
