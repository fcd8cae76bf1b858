//! Tables, and targets with PASS or MISS.

#[derive(Debug, Default)]
pub(crate) struct Table {
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn titled(columns: &[&str]) -> Self {
        Table { rows: vec![columns.iter().map(ToString::to_string).collect()] }
    }

    pub(crate) fn row(&mut self, cells: Vec<String>) {
        self.rows.push(cells);
    }

    pub(crate) fn print(&self, title: &str) {
        println!("\n{title}");
        let columns = self.rows.iter().map(Vec::len).max().unwrap_or(0);
        let width = |column: usize| {
            self.rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
        };
        let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
        for row in &self.rows {
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:>width$}"));
            println!("  {}", cells.collect::<Vec<_>>().join("  "));
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Targets(Vec<Target>);

#[derive(Debug)]
struct Target {
    text: String,
    reached: bool,
}

impl Targets {
    /// `value` is to be at most `limit`.
    pub(crate) fn at_most(&mut self, what: &str, value: f64, limit: f64) {
        // Not a number is no figure, which is a miss.
        self.0.push(Target {
            text: format!("{what}: {value:.3}, at most {limit:.3}"),
            reached: value <= limit,
        });
    }

    pub(crate) fn at_least(&mut self, what: &str, value: f64, limit: f64) {
        self.0.push(Target {
            text: format!("{what}: {value:.3}, at least {limit:.3}"),
            reached: value >= limit,
        });
    }

    /// Whether all were reached.
    pub(crate) fn print(&self) -> bool {
        println!("\nTargets");
        for Target { text, reached } in &self.0 {
            println!("  {}  {text}", if *reached { "PASS" } else { "MISS" });
        }
        self.0.iter().all(|target| target.reached)
    }
}

/// Of none: not a number.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.len() % 2) {
        (None, _) => f64::NAN,
        (Some(value), 1) => *value,
        (Some(value), _) => f64::midpoint(values[middle - 1], *value),
    }
}
