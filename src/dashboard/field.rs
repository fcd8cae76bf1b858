//! How values are written and drawn: units, colours, thresholds, mappings, and what single series or columns have otherwise.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::Error as _;
use serde_json::Value as Json;

use super::board::Link;

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FieldConfig {
    #[serde(default)]
    pub defaults: Field,
    #[serde(default)]
    pub overrides: Vec<Override>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Field {
    pub unit: String,
    pub decimals: Option<u8>,
    pub min: Option<f64>,
    pub max: Option<f64>,
    pub no_value: String,
    pub display_name: String,
    pub description: String,
    pub color: Option<Color>,
    pub thresholds: Option<Thresholds>,
    pub mappings: Vec<Mapping>,
    pub links: Vec<Link>,
    pub custom: Custom,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Color {
    pub mode: ColorMode,
    pub fixed_color: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum ColorMode {
    #[serde(rename = "palette-classic")]
    PaletteClassic,
    #[serde(rename = "thresholds")]
    Thresholds,
    #[serde(rename = "fixed")]
    Fixed,
    #[serde(rename = "continuous-GrYlRd")]
    GreenYellowRed,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    pub mode: ThresholdsMode,
    pub steps: Vec<Threshold>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ThresholdsMode {
    Absolute,
}

/// A colour, from a value on; the first has none.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Threshold {
    pub color: String,
    pub value: Option<f64>,
}

/// What is shown in place of a value.
#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "type", content = "options", rename_all = "camelCase", deny_unknown_fields)]
pub enum Mapping {
    Value(BTreeMap<String, Shown>),
    Range(RangeMapping),
    Special(SpecialMapping),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RangeMapping {
    pub from: Option<f64>,
    pub to: Option<f64>,
    pub result: Shown,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpecialMapping {
    #[serde(rename = "match")]
    pub matched: Special,
    pub result: Shown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Special {
    #[serde(rename = "null")]
    Null,
    #[serde(rename = "nan")]
    Nan,
    #[serde(rename = "null+nan")]
    NullOrNan,
    #[serde(rename = "true")]
    True,
    #[serde(rename = "false")]
    False,
    #[serde(rename = "empty")]
    Empty,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    pub text: Option<String>,
    pub color: Option<String>,
    pub index: Option<u32>,
}

/// What only some kinds of panels draw.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Custom {
    pub draw_style: Option<DrawStyle>,
    pub line_interpolation: Option<LineInterpolation>,
    pub line_width: Option<f64>,
    pub fill_opacity: Option<f64>,
    pub gradient_mode: Option<GradientMode>,
    pub show_points: Option<ShowPoints>,
    pub point_size: Option<f64>,
    pub span_nulls: Option<SpanNulls>,
    pub stacking: Option<Stacking>,
    pub axis_label: Option<String>,
    pub axis_placement: Option<AxisPlacement>,
    pub axis_soft_min: Option<f64>,
    pub axis_soft_max: Option<f64>,
    pub scale_distribution: Option<Scale>,
    pub thresholds_style: Option<ThresholdsStyle>,
    pub align: Option<Align>,
    pub width: Option<u32>,
    pub cell_options: Option<Cell>,
    pub filterable: Option<bool>,
    pub hidden: Option<bool>,
}

words! {
    DrawStyle { Line, Bars, Points }
    LineInterpolation { Linear, StepAfter }
    GradientMode { None }
    ShowPoints { Auto, Never, Always }
    StackingMode { None, Normal }
    AxisPlacement { Auto, Left, Right, Hidden }
    ScaleType { Linear, Log }
    ThresholdsStyleMode { Off, Line, Dashed, Area }
    Align { Auto, Left, Center, Right }
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum SpanNulls {
    Always(bool),
    /// Gaps that are no longer than this.
    UpTo(f64),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stacking {
    pub mode: StackingMode,
    pub group: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scale {
    #[serde(rename = "type")]
    pub kind: ScaleType,
    pub log: Option<f64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThresholdsStyle {
    pub mode: ThresholdsStyleMode,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    #[serde(rename = "type")]
    pub kind: CellType,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CellType {
    Auto,
    ColorText,
    ColorBackground,
}

/// What the series or columns of a name have otherwise.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "RawOverride")]
pub struct Override {
    pub matcher: Matcher,
    /// As a whole: each property at its place.
    pub properties: Field,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(tag = "id", content = "options", rename_all = "camelCase", deny_unknown_fields)]
pub enum Matcher {
    ByName(String),
    ByRegexp(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawOverride {
    matcher: Matcher,
    properties: Vec<Property>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Property {
    /// A path in [`Field`]: `custom.lineWidth`.
    id: String,
    value: Json,
}

impl TryFrom<RawOverride> for Override {
    type Error = serde_json::Error;

    fn try_from(raw: RawOverride) -> Result<Self, Self::Error> {
        let (mut field, mut custom) = (serde_json::Map::new(), serde_json::Map::new());
        for Property { id, value } in raw.properties {
            let mut alone = serde_json::Map::new();
            match id.strip_prefix("custom.") {
                Some(name) => {
                    custom.insert(name.to_owned(), value.clone());
                    alone.insert("custom".to_owned(), Json::from_iter([(name, value)]));
                }
                None => {
                    field.insert(id.clone(), value.clone());
                    alone.insert(id.clone(), value);
                }
            }
            // Each alone first, so that an error names the one.
            serde_json::from_value::<Field>(alone.into()).map_err(|error| {
                serde_json::Error::custom(format!("`{id}` cannot be overridden: {error}"))
            })?;
        }
        field.insert("custom".to_owned(), custom.into());
        Ok(Override { matcher: raw.matcher, properties: serde_json::from_value(field.into())? })
    }
}
