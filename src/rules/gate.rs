//! A gate: one thing that must hold, and whether it did.

use crate::metric::Unit;

#[derive(Debug, Clone, PartialEq)]
pub struct Gate {
    /// The metric with its tags, or the probe: `http_req_duration{scenario:chat}`.
    pub subject: String,
    /// `p(95)<500`
    pub threshold: String,
    /// In display units (milliseconds for times); `None` without data.
    pub value: Option<f64>,
    /// In display units.
    pub limit: f64,
    pub unit: Unit,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    Held,
    Crossed,
    /// Nothing to judge: not a pass. Says what was looked for and what is there.
    NoData(String),
}

impl Gate {
    pub fn held(&self) -> bool {
        self.outcome == Outcome::Held
    }
}
