//! Every gate with both its outcomes.

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::Change;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateComparison {
    /// `p(95)<500 of http_req_duration`, `slo publish (critical): …`, `alert BackendHzLow of backend`
    pub name: String,
    pub a: Option<GateSide>,
    pub b: Option<GateSide>,
    pub change: Change,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GateSide {
    /// `held`, `crossed`, `no_data`; of alerts `inactive`, `fired`, `pending`, …
    pub outcome: String,
    /// What it did to the verdict: `none`, `degraded`, `inconclusive`, `failed`.
    pub effect: String,
    pub value: Option<f64>,
}

/// From harmless to grave.
const EFFECTS: [&str; 4] = ["none", "degraded", "inconclusive", "failed"];
const FAILED: &str = "failed";

impl GateComparison {
    pub(super) fn fails_in_b(&self) -> bool {
        self.b.as_ref().is_some_and(|side| side.effect == FAILED)
    }
}

/// Those of `a` in their order, then those that are only in `b`.
pub(super) fn compare(a: &Json, b: &Json) -> Vec<GateComparison> {
    let (a, mut b) = (sides(a), sides(b));
    let mut gates: Vec<GateComparison> = Vec::new();
    for (name, side) in a {
        let other = b.iter().position(|(other, _)| *other == name).map(|at| b.remove(at).1);
        gates.push(GateComparison {
            change: change(Some(&side), other.as_ref()),
            name,
            a: Some(side),
            b: other,
        });
    }
    gates.extend(b.into_iter().map(|(name, side)| GateComparison {
        name,
        a: None,
        b: Some(side),
        change: Change::Incomparable,
    }));
    gates
}

fn change(a: Option<&GateSide>, b: Option<&GateSide>) -> Change {
    let rank = |side: &GateSide| EFFECTS.iter().position(|effect| *effect == side.effect);
    match (a.and_then(rank), b.and_then(rank)) {
        (Some(a), Some(b)) if b > a => Change::Worse,
        (Some(a), Some(b)) if b < a => Change::Better,
        (Some(_), Some(_)) => Change::Same,
        _ => Change::Incomparable,
    }
}

fn sides(summary: &Json) -> Vec<(String, GateSide)> {
    let gates = summary["gates"].as_array().map(Vec::as_slice).unwrap_or_default();
    let side = |gate: &Json| {
        let text = |key: &str| gate[key].as_str().unwrap_or_default().to_owned();
        let value = gate["value"].as_f64().or(gate["fired"]["value"].as_f64());
        (name(gate), GateSide { outcome: text("outcome"), effect: text("effect"), value })
    };
    gates.iter().map(side).collect()
}

/// What it is known by in both runs.
fn name(gate: &Json) -> String {
    let text = |key: &str| gate[key].as_str().unwrap_or_default();
    match text("kind") {
        "alert" => {
            let by = gate["prometheus"].as_str().map_or(String::new(), |url| format!(" ({url})"));
            format!("alert {} of {}{by}", text("alert"), text("group"))
        }
        "slo" => {
            format!("slo {} ({}): {} of {}", text("slo"), text("level"), text("threshold"), text("metric"))
        }
        _ => format!("{} of {}", text("threshold"), text("metric")),
    }
}
