//! Rows of names and values, aligned over the whole summary as k6 does.

use console::measure_text_width;

use super::super::paint::Paint;

/// The width of k6's name column when no name is longer.
const LEAST_NAME_WIDTH: usize = 35;

#[derive(Debug, Default)]
pub(super) struct Table {
    items: Vec<Item>,
}

#[derive(Debug)]
enum Item {
    Text(String),
    Row(Row),
}

#[derive(Debug)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) columns: Columns,
    pub(super) cells: Vec<String>,
}

/// Rows of one kind share their columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Columns {
    Trend,
    /// Counters, gauges and rates.
    Plain,
    Probe,
    Scrape,
}

impl Table {
    /// Starts a section; its title stands above it, after an empty line.
    pub(super) fn section(&mut self, title: String) {
        self.blank();
        self.text(title);
    }

    /// An empty line, unless nothing stands above it.
    pub(super) fn blank(&mut self) {
        if !self.items.is_empty() {
            self.text(String::new());
        }
    }

    pub(super) fn text(&mut self, text: String) {
        self.items.push(Item::Text(text));
    }

    pub(super) fn row(&mut self, row: Row) {
        self.items.push(Item::Row(row));
    }

    pub(super) fn lines(&self, paint: Paint) -> Vec<String> {
        let longest = self.rows().map(|row| measure_text_width(&row.name)).max().unwrap_or(0);
        let name_width = LEAST_NAME_WIDTH.max(longest + 2);
        self.items
            .iter()
            .map(|item| match item {
                Item::Text(text) => text.clone(),
                Item::Row(row) => self.line(row, name_width, paint),
            })
            .collect()
    }

    fn line(&self, row: &Row, name_width: usize, paint: Paint) -> String {
        let dots = ".".repeat(name_width - measure_text_width(&row.name));
        let last = row.cells.len().saturating_sub(1);
        let cells: Vec<String> = row
            .cells
            .iter()
            .enumerate()
            .map(|(at, cell)| {
                let width = if at == last { 0 } else { self.width(row.columns, at) };
                let padding = " ".repeat(width.saturating_sub(measure_text_width(cell)));
                paint_cell(cell, paint) + &padding
            })
            .collect();
        format!("{}{}: {}", row.name, paint.faint(dots), cells.join(" "))
    }

    fn width(&self, columns: Columns, at: usize) -> usize {
        let cells = self.rows().filter(|row| row.columns == columns).filter_map(|row| row.cells.get(at));
        cells.map(|cell| measure_text_width(cell)).max().unwrap_or(0)
    }

    fn rows(&self) -> impl Iterator<Item = &Row> {
        self.items.iter().filter_map(|item| match item {
            Item::Row(row) => Some(row),
            Item::Text(_) => None,
        })
    }
}

/// The value is coloured, its name `avg=` is not.
fn paint_cell(cell: &str, paint: Paint) -> String {
    match cell.split_once('=') {
        Some((name, value)) => format!("{name}={}", paint.value(value)),
        None => paint.value(cell),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(name: &str, columns: Columns, cells: &[&str]) -> Row {
        Row { name: name.to_owned(), columns, cells: cells.iter().map(|&cell| cell.to_owned()).collect() }
    }

    #[test]
    fn each_kind_of_row_has_its_own_columns_and_the_names_one() {
        let mut table = Table::default();
        table.row(row("http_reqs", Columns::Plain, &["287", "71.6/s"]));
        table.row(row("http_req_failed", Columns::Plain, &["2.43%", "7 out of 287"]));
        table.row(row("lag", Columns::Trend, &["avg=1µs", "max=10ms"]));
        table.row(row("http_req_duration", Columns::Trend, &["avg=35.39ms", "max=1s"]));
        let expected = [
            "http_reqs..........................: 287   71.6/s",
            "http_req_failed....................: 2.43% 7 out of 287",
            "lag................................: avg=1µs     max=10ms",
            "http_req_duration..................: avg=35.39ms max=1s",
        ];
        assert_eq!(table.lines(Paint { colour: false }), expected);
    }
}
