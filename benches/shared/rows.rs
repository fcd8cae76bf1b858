//! What was measured in each round, and medians over rounds.

use std::collections::BTreeMap;
use std::fmt;

use crate::figures::Figure;
use crate::probe::Disturbance;

/// The figures of one run.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row(BTreeMap<Figure, f64>);

impl Row {
    pub(crate) fn with(mut self, figure: Figure, value: f64) -> Self {
        self.0.insert(figure, value);
        self
    }

    /// A figure that this client does not have is left out, and shown as a dash.
    pub(crate) fn with_known(self, figure: Figure, value: Option<f64>) -> Self {
        match value {
            Some(value) => self.with(figure, value),
            None => self,
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Figure, f64)> {
        self.0.iter().map(|(figure, value)| (*figure, *value))
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (figure, value)) in self.iter().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{} {value:.*}", figure.title(), figure.decimals())?;
        }
        Ok(())
    }
}

/// The rounds of one client.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rounds(Vec<(Row, Disturbance)>);

impl Rounds {
    pub(crate) fn push(&mut self, row: Row, disturbance: Disturbance) {
        self.0.push((row, disturbance));
    }

    /// Over the undisturbed rounds; over all if there is none.
    pub(crate) fn median(&self, figure: Figure) -> Option<f64> {
        let any_clean = self.clean() > 0;
        let counted = self.0.iter().filter(|(_, disturbance)| !any_clean || disturbance.is_none());
        median(counted.filter_map(|(row, _)| row.0.get(&figure).copied()).collect())
    }

    pub(crate) fn clean(&self) -> usize {
        self.0.iter().filter(|(_, disturbance)| disturbance.is_none()).count()
    }

    /// Of the cores in use, in percent: the median of what others used.
    pub(crate) fn others_percent(&self) -> Option<f64> {
        median(self.0.iter().map(|(_, disturbance)| disturbance.others_percent).collect())
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &(Row, Disturbance)> {
        self.0.iter()
    }
}

pub(crate) fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        n if n % 2 == 1 => Some(values[middle]),
        _ => Some(f64::midpoint(values[middle - 1], values[middle])),
    }
}
