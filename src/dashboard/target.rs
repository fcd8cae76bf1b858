//! What a panel asks.

use serde::Deserialize;

/// Who is asked.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataSource {
    #[serde(rename = "type")]
    pub kind: String,
    /// `${datasource}`.
    pub uid: String,
}

/// An expression.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Target {
    pub ref_id: String,
    pub expr: String,
    #[serde(default)]
    pub legend_format: String,
    /// At the end of the range alone.
    #[serde(default)]
    pub instant: bool,
    #[serde(default)]
    pub range: bool,
    #[serde(default)]
    pub format: Format,
    pub datasource: Option<DataSource>,
    #[serde(default)]
    pub editor_mode: String,
    /// The finest step.
    #[serde(default)]
    pub interval: String,
    #[serde(default)]
    pub exemplar: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    #[default]
    TimeSeries,
    Table,
    Heatmap,
}
