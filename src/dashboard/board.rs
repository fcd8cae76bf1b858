//! A dashboard as a whole: its panels, variables, annotations and links.

use serde::Deserialize;

use super::panel::Panel;
use super::target::DataSource;
use super::variable::Variable;

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Dashboard {
    /// Given by whoever loads it: always `null` in a file.
    pub id: Option<u64>,
    pub uid: String,
    pub title: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub editable: bool,
    /// 1: a shared crosshair; 2: a shared tooltip.
    #[serde(default)]
    pub graph_tooltip: u8,
    pub schema_version: u32,
    #[serde(default)]
    pub version: u32,
    /// How often, as `5s`; empty: never.
    #[serde(default)]
    pub refresh: String,
    #[serde(default)]
    pub time: Time,
    #[serde(default)]
    pub timepicker: Timepicker,
    #[serde(default)]
    pub timezone: String,
    #[serde(default)]
    pub links: Vec<Link>,
    #[serde(default)]
    pub annotations: Annotations,
    #[serde(default)]
    pub templating: Templating,
    pub panels: Vec<Panel>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Time {
    pub from: String,
    pub to: String,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timepicker {
    #[serde(default)]
    pub refresh_intervals: Vec<String>,
}

/// To other dashboards, or to a page; of a dashboard, a panel or a field.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Link {
    #[serde(rename = "type")]
    pub kind: Option<LinkKind>,
    pub title: String,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub url: String,
    #[serde(default)]
    pub as_dropdown: bool,
    #[serde(default)]
    pub include_vars: bool,
    #[serde(default)]
    pub keep_time: bool,
    #[serde(default)]
    pub target_blank: bool,
    #[serde(default)]
    pub icon: String,
    #[serde(default)]
    pub tooltip: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum LinkKind {
    Dashboards,
    Link,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Annotations {
    pub list: Vec<Annotation>,
}

/// Moments that are marked in all panels over time.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Annotation {
    pub name: String,
    pub datasource: DataSource,
    #[serde(default)]
    pub enable: bool,
    #[serde(default)]
    pub hide: bool,
    pub icon_color: String,
    pub expr: String,
    #[serde(default)]
    pub step: String,
    #[serde(default)]
    pub title_format: String,
    #[serde(default)]
    pub text_format: String,
    #[serde(default)]
    pub tag_keys: String,
    /// `on`: a value is the moment, in milliseconds; else the moments are those at which there is a value.
    #[serde(default)]
    pub use_value_for_time: UseValue,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(from = "Flag")]
pub struct UseValue(pub bool);

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum Flag {
    On,
    Off,
}

impl From<Flag> for UseValue {
    fn from(flag: Flag) -> Self {
        UseValue(matches!(flag, Flag::On))
    }
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Templating {
    pub list: Vec<Variable>,
}

impl Dashboard {
    /// Its panels, also those that collapsed rows hold.
    pub fn all_panels(&self) -> impl Iterator<Item = &Panel> {
        self.panels.iter().flat_map(|panel| std::iter::once(panel).chain(&panel.panels))
    }
}
