//! Tables from CSV (RFC 4180, with a header), JSON and lists of the plan. Opens no file.

use std::sync::Arc;

use minijinja::Value;
use serde::Deserialize as _;

use super::Record;

/// The rows of a table, at least one.
#[derive(Debug)]
pub struct Rows {
    pub(super) rows: Vec<Value>,
    /// The columns that any row has; `None` where a row is no mapping.
    pub columns: Option<Vec<String>>,
}

/// What is wrong with a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct DataError {
    /// The line of the file, from 1, where known.
    pub line: Option<u64>,
    pub message: String,
}

impl DataError {
    fn new(line: impl Into<Option<u64>>, message: impl Into<String>) -> Self {
        DataError { line: line.into(), message: message.into() }
    }
}

/// Comma-separated values. The first line names the columns; every value is a text.
///
/// # Errors
/// When a line has another number of fields than the first, two columns have one name or none, something
/// is not UTF-8, or there is no row.
pub fn csv(bytes: &[u8]) -> Result<Rows, DataError> {
    let mut reader = csv::Reader::from_reader(bytes);
    let header = reader.headers().map_err(|error| of_csv(&error))?.clone();
    let names: Arc<[Arc<str>]> = header.iter().map(Arc::from).collect();
    for (at, name) in names.iter().enumerate() {
        if name.is_empty() {
            return Err(DataError::new(1, format!("column {} has no name", at + 1)));
        }
        if names[..at].contains(name) {
            return Err(DataError::new(1, format!("two columns are named `{name}`")));
        }
    }
    let mut rows = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| of_csv(&error))?;
        let values = record.iter().map(Value::from).collect();
        rows.push(Value::from_object(Record { names: Arc::clone(&names), values }));
    }
    some(rows, Some(header.iter().map(str::to_owned).collect()))
}

fn of_csv(error: &csv::Error) -> DataError {
    let line = error.position().map(csv::Position::line);
    match error.kind() {
        csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
            DataError::new(line, format!("expected {expected_len} fields as in the first line, found {len}"))
        }
        csv::ErrorKind::Utf8 { .. } => DataError::new(line, "not UTF-8"),
        _ => DataError::new(line, error.to_string()),
    }
}

/// A JSON array, or JSON values one after another (JSON Lines).
///
/// # Errors
/// When it is not JSON, or holds no row.
pub fn json(bytes: &[u8]) -> Result<Rows, DataError> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let is_array = bytes.iter().find(|byte| !byte.is_ascii_whitespace()) == Some(&b'[');
    let rows: Result<Vec<serde_json::Value>, _> = if is_array {
        serde_json::from_slice(bytes)
    } else {
        serde_json::Deserializer::from_slice(bytes).into_iter().collect()
    };
    let rows = rows.map_err(|error| {
        // serde_json repeats the place at the end.
        let text = error.to_string();
        let what = text.split_once(" at line ").map_or(text.as_str(), |(what, _)| what);
        DataError::new(u64::try_from(error.line()).ok(), format!("not JSON: {what}"))
    })?;
    list(&rows)
}

/// Values as they are.
///
/// # Errors
/// When there is none.
pub fn list(rows: &[serde_json::Value]) -> Result<Rows, DataError> {
    let mut columns = Some(Vec::<String>::new());
    for row in rows {
        match (row.as_object(), &mut columns) {
            (Some(object), Some(known)) => {
                let new: Vec<String> = object.keys().filter(|key| !known.contains(key)).cloned().collect();
                known.extend(new);
            }
            _ => columns = None,
        }
    }
    // JSON has nothing that a template's value could not hold.
    some(rows.iter().map(|row| Value::deserialize(row).unwrap_or_default()).collect(), columns)
}

fn some(rows: Vec<Value>, columns: Option<Vec<String>>) -> Result<Rows, DataError> {
    if rows.is_empty() {
        return Err(DataError::new(None, "no row"));
    }
    Ok(Rows { rows, columns })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(rows: &Rows) -> Vec<String> {
        rows.rows.iter().map(|row| serde_json::to_string(row).unwrap()).collect()
    }

    #[test]
    fn csv_has_quotes_line_ends_of_both_kinds_and_a_mark_of_excel() {
        let rows = csv(b"\xef\xbb\xbfemail,note\r\na@b.c,\"x, \"\"y\"\"\nz\"\r\nd@e.f,\n").unwrap();
        assert_eq!(rows.columns, Some(vec!["email".to_owned(), "note".to_owned()]));
        assert_eq!(
            text(&rows),
            [r#"{"email":"a@b.c","note":"x, \"y\"\nz"}"#, r#"{"email":"d@e.f","note":""}"#]
        );
    }

    #[test]
    fn json_is_an_array_or_a_value_a_line_and_keeps_its_types() {
        for document in ["[{\"id\":1},{\"id\":2,\"on\":true}]", "{\"id\":1}\n{\"id\":2,\"on\":true}\n"] {
            let rows = json(document.as_bytes()).unwrap();
            assert_eq!(rows.columns, Some(vec!["id".to_owned(), "on".to_owned()]), "{document}");
            assert_eq!(text(&rows), [r#"{"id":1}"#, r#"{"id":2,"on":true}"#], "{document}");
        }
        let scalars = json(b" [1, \"two\"]").unwrap();
        assert_eq!((scalars.columns.as_deref(), text(&scalars)), (None, vec!["1".into(), "\"two\"".into()]));
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        type Read = fn(&[u8]) -> Result<Rows, DataError>;
        fn wrong(read: Read, text: &[u8], line: impl Into<Option<u64>>, message: &str) {
            assert_eq!(read(text).unwrap_err(), DataError::new(line, message));
        }
        wrong(csv, b"a,b\n1,2\n\"3\n\",4,5\n", 3, "expected 2 fields as in the first line, found 3");
        wrong(csv, b"a,a\n1,2\n", 1, "two columns are named `a`");
        wrong(csv, b"a,\n1,2\n", 1, "column 2 has no name");
        wrong(csv, b"a\n\xff\n", 2, "not UTF-8");
        wrong(csv, b"a,b\n", None, "no row");
        wrong(csv, b"", None, "no row");
        wrong(json, b"[]", None, "no row");
        wrong(json, b"", None, "no row");
        wrong(json, b"{\"a\":1}\n{\"a\"}\n", 2, "not JSON: expected `:`");
        wrong(json, b"[\n1,\n]", 3, "not JSON: trailing comma");
    }
}
