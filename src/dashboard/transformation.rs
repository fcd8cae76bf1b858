//! What becomes of the answers before they are shown.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "id", content = "options", rename_all = "camelCase", deny_unknown_fields)]
pub enum Transformation {
    /// Rows of all answers with the same labels become one.
    Merge(Nothing),
    Organize(Organize),
    SortBy(SortBy),
    FilterFieldsByName(FilterFields),
    JoinByField(Join),
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Organize {
    pub exclude_by_name: BTreeMap<String, bool>,
    pub include_by_name: BTreeMap<String, bool>,
    pub index_by_name: BTreeMap<String, u32>,
    pub rename_by_name: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SortBy {
    pub sort: Vec<SortField>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SortField {
    pub field: String,
    #[serde(default)]
    pub desc: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterFields {
    pub include: Option<Names>,
    pub exclude: Option<Names>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Names {
    #[serde(default)]
    pub names: Vec<String>,
    pub pattern: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Join {
    pub by_field: String,
    pub mode: JoinMode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum JoinMode {
    Outer,
}
