//! Every metric there is: the one place where names live.

mod builtin;
mod protocol;

use std::collections::HashMap;

use builtin::definitions;
pub use builtin::*;
pub use protocol::{PROTOCOLS, Protocol};

use crate::ids::MetricId;

/// All names are exported with this prefix, as k6's remote write does.
pub const PREFIX: &str = "k6_";

/// The bounds of time histograms in seconds; one more lies on each threshold's value.
pub const TIME_BOUNDS_SECS: [f64; 16] =
    [0.0001, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The bounds of trends without unit.
pub const PLAIN_BOUNDS: [f64; 13] =
    [0.0, 0.01, 0.1, 1.0, 5.0, 10.0, 50.0, 100.0, 500.0, 1_000.0, 10_000.0, 100_000.0, 1_000_000.0];

/// k6's four kinds of metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    /// A share of samples that were not zero.
    Rate,
    /// A distribution.
    Trend,
}

/// What a value means. Recorded values of `Time` are nanoseconds; they are exported in seconds and
/// shown and compared in milliseconds, as in k6.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Plain,
    Time,
    Bytes,
}

impl Unit {
    /// A recorded value as it is exported. Dividing by a power of ten keeps 500 ms at 0.5 s, where
    /// multiplying by 1e-9 would not.
    pub fn exported(self, recorded: f64) -> f64 {
        match self {
            Unit::Time => recorded / 1e9,
            Unit::Plain | Unit::Bytes => recorded,
        }
    }

    /// A recorded value as summaries and bare thresholds show it: k6's milliseconds.
    pub fn shown(self, recorded: f64) -> f64 {
        match self {
            Unit::Time => recorded / 1e6,
            Unit::Plain | Unit::Bytes => recorded,
        }
    }

    /// The reverse of [`shown`](Self::shown): a number of the plan as it is recorded; times in whole nanoseconds, so that
    /// a limit and a value that were written alike are equal.
    pub fn recorded(self, shown: f64) -> f64 {
        match self {
            Unit::Time => (shown * 1e6).round(),
            Unit::Plain | Unit::Bytes => shown,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Definition {
    /// k6's name, without prefix and suffix: `http_req_duration`.
    pub name: String,
    pub kind: Kind,
    pub unit: Unit,
    pub help: String,
    /// Not built in, but declared in the plan.
    pub custom: bool,
}

/// The metrics of a run: the built-in ones, then the plan's own.
#[derive(Debug, Clone)]
pub struct Catalog {
    definitions: Vec<Definition>,
    by_name: HashMap<String, MetricId>,
}

impl Default for Catalog {
    fn default() -> Self {
        let definitions = definitions();
        let by_name = definitions
            .iter()
            .enumerate()
            .map(|(at, definition)| (definition.name.clone(), MetricId(at as u16)))
            .collect();
        Catalog { definitions, by_name }
    }
}

impl Catalog {
    /// Adds a metric of the plan. `None` when the name is taken.
    pub fn declare(&mut self, name: &str, kind: Kind, unit: Unit) -> Option<MetricId> {
        let id = MetricId(u16::try_from(self.definitions.len()).ok()?);
        if self.by_name.contains_key(name) {
            return None;
        }
        self.by_name.insert(name.to_owned(), id);
        let help = format!("Custom {} of the plan.", kind.name());
        self.definitions.push(Definition { name: name.to_owned(), kind, unit, help, custom: true });
        Some(id)
    }

    pub fn find(&self, name: &str) -> Option<MetricId> {
        self.by_name.get(name).copied()
    }

    pub fn definition(&self, id: MetricId) -> &Definition {
        &self.definitions[id.index()]
    }

    pub fn iter(&self) -> impl Iterator<Item = (MetricId, &Definition)> {
        self.definitions.iter().enumerate().map(|(at, definition)| (MetricId(at as u16), definition))
    }

    pub fn len(&self) -> usize {
        self.definitions.len()
    }

    pub fn is_empty(&self) -> bool {
        self.definitions.is_empty()
    }
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Rate => "rate",
            Kind::Trend => "trend",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_builtin_constant_is_the_position_of_its_name() {
        let catalog = Catalog::default();
        assert_eq!(catalog.find("http_reqs"), Some(HTTP_REQS));
        assert_eq!(catalog.find("ws_connected"), Some(WS_CONNECTED));
        assert_eq!(catalog.definition(HTTP_REQ_DURATION).name, "http_req_duration");
    }

    #[test]
    fn a_taken_name_cannot_be_declared() {
        let mut catalog = Catalog::default();
        assert_eq!(catalog.declare("http_reqs", Kind::Counter, Unit::Plain), None);
        let id = catalog.declare("orders", Kind::Counter, Unit::Plain);
        assert_eq!(catalog.find("orders"), id);
        assert_eq!(catalog.declare("orders", Kind::Rate, Unit::Plain), None);
    }
}
