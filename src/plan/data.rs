//! Tables of `data`: files read once, rows made for all workers.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::files::Files;
use crate::config::{At, DataConfig, DataSource, OnEndConfig, PickConfig, Problem};
use crate::data::{self, DataError, OnEnd, Pick, Rows, Table};
use crate::template::{Names, Tables};

/// Rows are held in memory, some three times the size of their file.
const MAX_FILE_BYTES: usize = 64 << 20;

/// The plan's tables, and the names that expressions of scenarios see.
pub(super) struct Data {
    pub(super) tables: BTreeMap<Arc<str>, Arc<Table>>,
    pub(super) names: Names,
}

pub(super) fn read(
    configs: &[(At<String>, DataConfig)],
    files: &mut Files,
    names: &Names,
    problems: &mut Vec<Problem>,
) -> Data {
    let (mut tables, mut columns) = (BTreeMap::new(), Tables::new());
    for (name, config) in configs {
        let rows = match rows(&config.source, files) {
            Ok(rows) => Some(rows),
            Err(problem) => {
                problems.push(problem);
                None
            }
        };
        // A table that cannot be read is declared all the same: what mentions it is not wrong too.
        columns.insert(name.value.clone(), rows.as_ref().and_then(|rows| rows.columns.clone()));
        if let Some(rows) = rows {
            tables.insert(Arc::from(name.value.as_str()), Arc::new(Table::new(rows, pick(config))));
        }
    }
    Data { tables, names: names.clone().with_data(columns) }
}

fn pick(config: &DataConfig) -> Pick {
    match (config.pick, config.on_end) {
        (PickConfig::Random, _) => Pick::Random,
        (PickConfig::Sequential | PickConfig::Unique, OnEndConfig::Stop) => Pick::InOrder(OnEnd::Stop),
        (PickConfig::Sequential | PickConfig::Unique, OnEndConfig::Recycle) => Pick::InOrder(OnEnd::Recycle),
    }
}

fn rows(source: &DataSource, files: &mut Files) -> Result<Rows, Problem> {
    let mut read = |path: &At<String>, parse: fn(&[u8]) -> Result<Rows, DataError>| {
        let bytes = files.read(&files.resolve(&path.value)).map_err(|why| Problem::new(path.place, why))?;
        if bytes.len() > MAX_FILE_BYTES {
            let message = format!("`{}` is larger than {} MiB", path.value, MAX_FILE_BYTES >> 20);
            return Err(Problem::new(path.place, message));
        }
        parse(&bytes).map_err(|DataError { line, message }| {
            let line = line.map_or(String::new(), |line| format!(" line {line}"));
            Problem::new(path.place, format!("`{}`{line}: {message}", path.value))
        })
    };
    match source {
        DataSource::Csv(path) => read(path, data::csv),
        DataSource::Json(path) => read(path, data::json),
        DataSource::List(rows) => {
            data::list(&rows.value).map_err(|error| Problem::new(rows.place, error.message))
        }
    }
}
