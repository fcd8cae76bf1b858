//! Tables of medians and ratios, and the targets with PASS or MISS.

use serde_json::{Map, Value, json};

use crate::clients::Client;
use crate::figures::Figure;
use crate::machine::Machine;
use crate::rows::Rounds;

#[derive(Debug, Default)]
pub(crate) struct Report {
    tables: Vec<Table>,
    targets: Vec<Target>,
}

/// One measurement with all its clients.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) title: String,
    pub(crate) columns: Vec<Figure>,
    /// Shown as multiples of the baseline's.
    pub(crate) ratios: Vec<Figure>,
    pub(crate) rows: Vec<(Client, Rounds)>,
}

#[derive(Debug)]
struct Target {
    text: String,
    bound: Bound,
    /// Not a number: loadgate or what it is compared with gave none, which is a miss. `None`: there was nothing to
    /// compare with.
    value: Option<f64>,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Bound {
    AtMost(f64),
    AtLeast(f64),
    /// Both ends included.
    Between(f64, f64),
}

impl Bound {
    fn holds(self, value: f64) -> bool {
        match self {
            Self::AtMost(limit) => value <= limit,
            Self::AtLeast(limit) => value >= limit,
            Self::Between(low, high) => (low..=high).contains(&value),
        }
    }

    fn text(self) -> String {
        match self {
            Self::AtMost(limit) => format!("at most {limit}"),
            Self::AtLeast(limit) => format!("at least {limit}"),
            Self::Between(low, high) if low == high => format!("exactly {low}"),
            Self::Between(low, high) => format!("{low} to {high}"),
        }
    }
}

impl Table {
    /// loadgate's, to be judged: a figure that it does not give is not a number, and no target holds for that.
    pub(crate) fn judged(&self, figure: Figure) -> Option<f64> {
        Some(self.median(Client::Loadgate, figure).unwrap_or(f64::NAN))
    }

    /// loadgate's as a multiple of the baseline's, to be judged.
    pub(crate) fn judged_ratio(&self, figure: Figure) -> Option<f64> {
        Some(self.ratio(Client::Loadgate, figure).unwrap_or(f64::NAN))
    }

    pub(crate) fn median(&self, client: Client, figure: Figure) -> Option<f64> {
        self.rows.iter().find(|(of, _)| *of == client).and_then(|(_, rounds)| rounds.median(figure))
    }

    fn ratio(&self, client: Client, figure: Figure) -> Option<f64> {
        let baseline = self.median(Client::BASELINE, figure).filter(|baseline| *baseline > 0.0)?;
        self.median(client, figure).map(|value| value / baseline)
    }

    /// Markdown, so that it can be pasted as it is.
    fn print(&self) {
        println!("\n### {}\n", self.title);
        let mut cells = vec![vec!["client".to_owned()]];
        cells[0].extend(self.columns.iter().map(|figure| figure.title().to_owned()));
        cells[0]
            .extend(self.ratios.iter().map(|figure| format!("{} / {}", figure.title(), Client::BASELINE)));
        cells[0].extend(["others %".to_owned(), "undisturbed".to_owned()]);
        for (client, rounds) in &self.rows {
            let mut row = vec![client.to_string()];
            row.extend(self.columns.iter().map(|figure| cell(rounds.median(*figure), figure.decimals())));
            row.extend(self.ratios.iter().map(|figure| cell(self.ratio(*client, *figure), 2)));
            row.push(cell(rounds.others_percent(), 1));
            row.push(format!("{}/{}", rounds.clean(), rounds.len()));
            cells.push(row);
        }
        let widths: Vec<usize> = (0..cells[0].len())
            .map(|column| cells.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
            .collect();
        for (index, row) in cells.iter().enumerate() {
            let line: Vec<String> =
                row.iter().zip(&widths).map(|(text, width)| format!("{text:>width$}")).collect();
            println!("| {} |", line.join(" | "));
            if index == 0 {
                let rule: Vec<String> =
                    widths.iter().map(|width| format!("{}:", "-".repeat(width - 1))).collect();
                println!("| {} |", rule.join(" | "));
            }
        }
    }

    fn to_json(&self) -> Value {
        let clients: Map<String, Value> = self
            .rows
            .iter()
            .map(|(client, rounds)| {
                let rounds: Vec<Value> = rounds
                    .iter()
                    .map(|(row, disturbance)| {
                        let mut figures: Map<String, Value> = row
                            .iter()
                            .map(|(figure, value)| (figure.title().to_owned(), json!(value)))
                            .collect();
                        figures.insert("stalls".to_owned(), json!(disturbance.stalls));
                        figures.insert("stalled ms".to_owned(), json!(disturbance.stalled_ms));
                        figures.insert("others %".to_owned(), json!(disturbance.others_percent));
                        Value::Object(figures)
                    })
                    .collect();
                (client.to_string(), json!(rounds))
            })
            .collect();
        json!({"title": self.title, "rounds": clients})
    }
}

impl Report {
    /// Prints the table and keeps it.
    pub(crate) fn table(&mut self, table: Table) {
        table.print();
        self.tables.push(table);
    }

    pub(crate) fn target(&mut self, text: impl Into<String>, bound: Bound, value: Option<f64>) {
        self.targets.push(Target { text: text.into(), bound, value });
    }

    pub(crate) fn print_targets(&self) {
        println!("\n### Targets\n");
        for Target { text, bound, value } in &self.targets {
            let (word, value) = match value {
                Some(value) if bound.holds(*value) => ("PASS", format!("{value:.3}")),
                Some(value) if value.is_nan() => ("MISS", "no figure".to_owned()),
                Some(value) => ("MISS", format!("{value:.3}")),
                None => ("----", "not measured".to_owned()),
            };
            println!("- {word} {text}: {value} ({})", bound.text());
        }
    }

    /// Targets that could not be measured are not missed.
    pub(crate) fn all_reached(&self) -> bool {
        self.targets.iter().all(|target| target.value.is_none_or(|value| target.bound.holds(value)))
    }

    pub(crate) fn to_json(&self, machine: &Machine) -> Value {
        let targets: Vec<Value> = self
            .targets
            .iter()
            .map(|Target { text, bound, value }| {
                json!({
                    "target": text,
                    "bound": bound.text(),
                    "value": value,
                    "reached": value.map(|value| bound.holds(value)),
                })
            })
            .collect();
        let tables: Vec<Value> = self.tables.iter().map(Table::to_json).collect();
        json!({"machine": machine.to_string(), "tables": tables, "targets": targets})
    }
}

fn cell(value: Option<f64>, decimals: usize) -> String {
    value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"))
}
