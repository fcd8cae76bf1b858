//! The kinds of panels, and how each shows what it was answered.

use serde::Deserialize;
use serde::de::{DeserializeOwned, Error as _};
use serde_json::{Map, Value as Json};

#[derive(Debug, Clone)]
pub enum View {
    Row,
    Text(Text),
    TimeSeries(TimeSeries),
    Stat(Stat),
    Gauge(Gauge),
    BarGauge(BarGauge),
    Table(Table),
    Heatmap(Box<Heatmap>),
}

impl View {
    pub(super) fn new(kind: &str, options: Map<String, Json>) -> Result<Self, serde_json::Error> {
        Ok(match kind {
            "row" => {
                let Nothing {} = read(options)?;
                View::Row
            }
            "text" => View::Text(read(options)?),
            "timeseries" => View::TimeSeries(read(options)?),
            "stat" => View::Stat(read(options)?),
            "gauge" => View::Gauge(read(options)?),
            "bargauge" => View::BarGauge(read(options)?),
            "table" => View::Table(read(options)?),
            "heatmap" => View::Heatmap(Box::new(read(options)?)),
            _ => {
                return Err(serde_json::Error::custom(format!(
                    "there are no panels of the type {kind:?} here: expected timeseries, stat, gauge, bargauge, table, \
                     heatmap, row or text"
                )));
            }
        })
    }

    /// Whether it asks anything.
    pub fn has_data(&self) -> bool {
        !matches!(self, View::Row | View::Text(_))
    }
}

fn read<T: DeserializeOwned>(options: Map<String, Json>) -> Result<T, serde_json::Error> {
    serde_json::from_value(options.into())
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

words! {
    TextMode { Markdown }
    Reducer { LastNotNull, Last, Mean, Max, Min, Sum, Count }
    Display { List, Table, Hidden }
    Placement { Bottom, Right }
    TooltipMode { Single, Multi, None }
    TooltipSort { None, Asc, Desc }
    ColorMode { None, Value, Background }
    GraphMode { None, Area }
    Justify { Auto, Center }
    Orientation { Auto, Horizontal, Vertical }
    BarMode { Basic, Gradient, Lcd }
    ValueMode { Color, Text, Hidden }
    NamePlacement { Auto, Top, Left, Hidden }
    Sizing { Auto, Manual }
    CellHeight { Sm, Md, Lg }
    HeatmapColorMode { Scheme }
    ShowValue { Never }
    HeatmapTooltip { Single, None }
    RowsLayout { Auto, Le, Ge, Unknown }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StatText {
    Auto,
    Value,
    Name,
    ValueAndName,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Text {
    pub mode: TextMode,
    pub content: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct TimeSeries {
    pub legend: Option<Legend>,
    pub tooltip: Option<Tooltip>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Legend {
    pub display_mode: Display,
    pub placement: Placement,
    #[serde(default)]
    pub calcs: Vec<Reducer>,
    pub show_legend: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tooltip {
    pub mode: TooltipMode,
    pub sort: Option<TooltipSort>,
}

/// One value of each series.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReduceOptions {
    pub calcs: Vec<Reducer>,
    #[serde(default)]
    pub fields: String,
    #[serde(default)]
    pub values: bool,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct TextSize {
    pub title_size: Option<u32>,
    pub value_size: Option<u32>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Stat {
    pub reduce_options: Option<ReduceOptions>,
    pub color_mode: Option<ColorMode>,
    pub graph_mode: Option<GraphMode>,
    pub text_mode: Option<StatText>,
    pub justify_mode: Option<Justify>,
    pub orientation: Option<Orientation>,
    pub wide_layout: Option<bool>,
    pub text: Option<TextSize>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Gauge {
    pub reduce_options: Option<ReduceOptions>,
    pub show_threshold_labels: bool,
    pub show_threshold_markers: bool,
    pub orientation: Option<Orientation>,
    pub min_viz_width: Option<u32>,
    pub min_viz_height: Option<u32>,
    pub sizing: Option<Sizing>,
    pub text: Option<TextSize>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct BarGauge {
    pub reduce_options: Option<ReduceOptions>,
    pub display_mode: Option<BarMode>,
    pub orientation: Option<Orientation>,
    pub value_mode: Option<ValueMode>,
    pub show_unfilled: bool,
    pub name_placement: Option<NamePlacement>,
    pub sizing: Option<Sizing>,
    pub min_viz_width: Option<u32>,
    pub min_viz_height: Option<u32>,
    pub max_viz_height: Option<u32>,
    pub text: Option<TextSize>,
    pub legend: Option<Legend>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Table {
    pub show_header: bool,
    pub cell_height: Option<CellHeight>,
    pub footer: Option<Footer>,
    pub sort_by: Vec<SortBy>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Footer {
    pub show: bool,
    #[serde(default)]
    pub reducer: Vec<Reducer>,
    #[serde(default)]
    pub count_rows: bool,
    #[serde(default)]
    pub fields: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SortBy {
    pub display_name: String,
    #[serde(default)]
    pub desc: bool,
}

/// Over the buckets of a histogram: `sum by (le) (increase(…))`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Heatmap {
    pub calculate: bool,
    pub cell_gap: Option<f64>,
    pub cell_radius: Option<f64>,
    pub color: Option<HeatmapColor>,
    pub y_axis: Option<HeatmapAxis>,
    pub tooltip: Option<HeatmapHover>,
    pub legend: Option<HeatmapLegend>,
    pub show_value: Option<ShowValue>,
    pub rows_frame: Option<RowsFrame>,
    pub filter_values: Option<FilterValues>,
    pub exemplars: Option<Exemplars>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeatmapColor {
    pub mode: HeatmapColorMode,
    pub scheme: String,
    #[serde(default)]
    pub scale: String,
    pub steps: Option<u32>,
    pub exponent: Option<f64>,
    pub fill: Option<String>,
    #[serde(default)]
    pub reverse: bool,
    pub min: Option<f64>,
    pub max: Option<f64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeatmapAxis {
    pub unit: Option<String>,
    pub decimals: Option<u8>,
    pub axis_placement: Option<super::field::AxisPlacement>,
    pub axis_label: Option<String>,
    #[serde(default)]
    pub reverse: bool,
    pub min: Option<String>,
    pub max: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct HeatmapHover {
    pub mode: Option<HeatmapTooltip>,
    pub show: Option<bool>,
    #[serde(default)]
    pub y_histogram: bool,
    #[serde(default)]
    pub show_color_scale: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HeatmapLegend {
    pub show: bool,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowsFrame {
    pub layout: RowsLayout,
    pub value: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilterValues {
    pub le: Option<f64>,
    pub ge: Option<f64>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Exemplars {
    pub color: String,
}
