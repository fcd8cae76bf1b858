//! What the steps that make exchanges have in common.

use super::super::At;

/// A name and the expression that belongs to it, both as written.
#[derive(Debug, Clone)]
pub struct Named {
    pub name: At<String>,
    pub expression: At<String>,
}

pub type CheckConfig = Named;

/// `record: NAME` takes the exchange's time; `record: {NAME: expression}` takes the expression's value.
#[derive(Debug, Clone)]
pub struct RecordConfig {
    pub metric: At<String>,
    pub expression: Option<At<String>>,
}

/// Strings in it are templates.
#[derive(Debug, Clone)]
pub enum BodyConfig {
    Json(At<serde_json::Value>),
    Text(At<String>),
    /// `application/x-www-form-urlencoded`
    Form(Vec<(At<String>, At<String>)>),
}

/// Statuses that are no failure, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StatusRange {
    pub from: u16,
    pub to: u16,
}
