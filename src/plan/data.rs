//! Tables of `data`: files read once, rows made for all workers.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;
use std::sync::Arc;

use crate::config::{At, DataConfig, DataSource, OnEndConfig, PickConfig, Problem};
use crate::data::{self, DataError, OnEnd, Pick, Rows, Table};
use crate::template::{Names, Tables};

/// Rows are held in memory, some three times the size of their file.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// The plan's tables, and the names that expressions of scenarios see.
pub(super) struct Data {
    pub(super) tables: BTreeMap<Arc<str>, Arc<Table>>,
    pub(super) names: Names,
}

/// `base` is the folder that relative paths start from.
pub(super) fn read(
    configs: &[(At<String>, DataConfig)],
    base: &Path,
    names: &Names,
    problems: &mut Vec<Problem>,
) -> Data {
    let (mut tables, mut columns) = (BTreeMap::new(), Tables::new());
    for (name, config) in configs {
        let rows = match rows(&config.source, base) {
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

fn rows(source: &DataSource, base: &Path) -> Result<Rows, Problem> {
    let read = |path: &At<String>, parse: fn(&[u8]) -> Result<Rows, DataError>| {
        let bytes = bytes(&base.join(&path.value))
            .map_err(|error| Problem::new(path.place, format!("`{}` cannot be read: {error}", path.value)))?;
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

fn bytes(path: &Path) -> io::Result<Vec<u8>> {
    if !std::fs::metadata(path)?.is_file() {
        return Err(io::Error::other("not a file"));
    }
    let mut bytes = Vec::new();
    File::open(path)?.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(io::Error::other(format!("it is larger than {} MiB", MAX_FILE_BYTES >> 20)));
    }
    Ok(bytes)
}
