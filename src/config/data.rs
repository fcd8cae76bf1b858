//! Tables of `data`: where their rows come from, and in which order they are taken.

use serde_json::{Value as Json, json};

use super::At;
use super::fields::{Element, Fields, Reader, Value};
use super::node::{Kind, Node};
use super::schema::{Schemas, or_filled};
use super::value::{Text, word};

#[derive(Debug, Clone)]
pub struct DataConfig {
    pub source: DataSource,
    pub pick: PickConfig,
    /// Default: `stop` for unique rows, else `recycle`. Always `Recycle` for random ones.
    pub on_end: OnEndConfig,
}

/// Paths start from the plan's folder.
#[derive(Debug, Clone)]
pub enum DataSource {
    Csv(At<String>),
    Json(At<String>),
    List(At<Vec<Json>>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PickConfig {
    Sequential,
    Random,
    Unique,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnEndConfig {
    Stop,
    Recycle,
}

const PICKS: [(&str, PickConfig); 3] =
    [("sequential", PickConfig::Sequential), ("random", PickConfig::Random), ("unique", PickConfig::Unique)];
const ENDS: [(&str, OnEndConfig); 2] = [("stop", OnEndConfig::Stop), ("recycle", OnEndConfig::Recycle)];

impl Element for DataConfig {
    const NAME: &'static str = "data";
    const HELP: &'static str = "A table: each iteration whose flow mentions it takes one of its rows";

    fn fields(f: &mut Fields<'_>) -> Option<Self> {
        let csv = f.optional::<At<Text>>(
            "csv",
            "A file of comma-separated values; its first line names the columns",
        );
        let json = f.optional::<At<Text>>("json", "A file with a JSON array, or a JSON value on each line");
        let list = f.optional::<At<Rows>>("list", "The rows themselves: mappings or plain values");
        let pick =
            f.or("pick", "Which row is next; `unique` gives each out once in the whole run", "sequential");
        let on_end = f.optional::<OnEndConfig>(
            "on_end",
            "After the last row: begin no further iteration, or the first row again; default `recycle`, for `unique` `stop`",
        );
        let source = match (csv?, json?, list?) {
            (Some(path), None, None) => DataSource::Csv(path.map(|path| path.0)),
            (None, Some(path), None) => DataSource::Json(path.map(|path| path.0)),
            (None, None, Some(rows)) => DataSource::List(rows.map(|rows| rows.0)),
            (None, None, None) => {
                f.problem("", "the table has no rows", "expected one of csv, json, list".to_owned());
                return None;
            }
            _ => {
                f.problem("", "the table has several sources", "expected one of csv, json, list".to_owned());
                return None;
            }
        };
        let (pick, on_end) = (pick?, on_end?);
        if pick == PickConfig::Random && on_end.is_some() {
            f.problem("on_end", "random rows have no end", "remove `on_end`".to_owned());
        }
        let default = if pick == PickConfig::Unique { OnEndConfig::Stop } else { OnEndConfig::Recycle };
        Some(DataConfig { source, pick, on_end: on_end.unwrap_or(default) })
    }
}

impl Value for PickConfig {
    fn expected() -> String {
        "`sequential`, `random` or `unique`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        word(node, reader, "order", &PICKS)
    }

    fn schema(_: &mut Schemas) -> Json {
        or_filled(json!({"enum": PICKS.map(|(name, _)| name)}))
    }
}

impl Value for OnEndConfig {
    fn expected() -> String {
        "`stop` or `recycle`".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        word(node, reader, "end", &ENDS)
    }

    fn schema(_: &mut Schemas) -> Json {
        or_filled(json!({"enum": ENDS.map(|(name, _)| name)}))
    }
}

/// Values as they are: nothing in them is a template.
struct Rows(Vec<Json>);

impl Value for Rows {
    fn expected() -> String {
        "a list of at least one row".to_owned()
    }

    fn read(node: &Node, reader: &mut Reader) -> Option<Self> {
        let rows = match &node.kind {
            Kind::Seq(items) if !items.is_empty() => items.iter().map(super::value::json::json).collect(),
            _ => None,
        };
        if rows.is_none() {
            reader.unexpected(node, &Self::expected());
        }
        rows.map(Rows)
    }

    fn schema(_: &mut Schemas) -> Json {
        json!({"type": "array", "minItems": 1})
    }
}
