//! A panel: where it is, what it asks, and how it shows the answers.

use serde::Deserialize;
use serde::de::Error as _;

use super::board::Link;
use super::field::FieldConfig;
use super::options::View;
use super::target::{DataSource, Target};
use super::transformation::Transformation;

#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Raw")]
pub struct Panel {
    pub id: u32,
    pub title: String,
    pub description: String,
    pub grid_pos: GridPos,
    pub datasource: Option<DataSource>,
    pub targets: Vec<Target>,
    pub field_config: FieldConfig,
    /// Its kind, and that kind's options.
    pub view: View,
    pub transformations: Vec<Transformation>,
    pub max_data_points: Option<u32>,
    pub interval: Option<String>,
    pub links: Vec<Link>,
    pub transparent: bool,
    /// Of a row.
    pub collapsed: bool,
    /// Those that a collapsed row hides.
    pub panels: Vec<Panel>,
}

/// In a grid of 24 columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GridPos {
    pub h: u32,
    pub w: u32,
    pub x: u32,
    pub y: u32,
}

/// As it is written: the kind beside the options, which depend on it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Raw {
    id: u32,
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    description: String,
    grid_pos: GridPos,
    datasource: Option<DataSource>,
    #[serde(default)]
    targets: Vec<Target>,
    #[serde(default)]
    field_config: FieldConfig,
    #[serde(default)]
    options: serde_json::Map<String, serde_json::Value>,
    #[serde(default)]
    transformations: Vec<Transformation>,
    max_data_points: Option<u32>,
    interval: Option<String>,
    #[serde(default)]
    links: Vec<Link>,
    #[serde(default)]
    transparent: bool,
    #[serde(default)]
    collapsed: bool,
    #[serde(default)]
    panels: Vec<Panel>,
}

impl TryFrom<Raw> for Panel {
    type Error = serde_json::Error;

    fn try_from(raw: Raw) -> Result<Self, Self::Error> {
        let view = View::new(&raw.kind, raw.options).map_err(|error| {
            serde_json::Error::custom(format!("panel {} ({}): {error}", raw.id, raw.title))
        })?;
        Ok(Panel {
            id: raw.id,
            title: raw.title,
            description: raw.description,
            grid_pos: raw.grid_pos,
            datasource: raw.datasource,
            targets: raw.targets,
            field_config: raw.field_config,
            view,
            transformations: raw.transformations,
            max_data_points: raw.max_data_points,
            interval: raw.interval,
            links: raw.links,
            transparent: raw.transparent,
            collapsed: raw.collapsed,
            panels: raw.panels,
        })
    }
}
