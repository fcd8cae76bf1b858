//! The store as a whole.

mod budget;
mod intake;
mod model;
mod reading;
mod size;
mod threads;

use super::{Origin, Store};
use crate::family::{Family, FamilyKind};
use crate::labels::Labels;
use crate::promql::{MatchKind, Matcher, Point, Source, TimeRange};

const ALL: TimeRange = TimeRange { from_ms: i64::MIN, to_ms: i64::MAX };

fn origin(name: &str) -> Origin {
    Origin(name.to_owned())
}

/// `name{label="value"}`, without `__name__` the labels alone.
fn named(name: &str, labels: &[(&str, &str)]) -> Labels {
    Labels::new(labels.iter().copied().chain([("__name__", name)]))
}

fn matcher(label: &str, operator: &str, value: &str) -> Matcher {
    let kind = match operator {
        "=" => MatchKind::Equal,
        "!=" => MatchKind::NotEqual,
        "=~" => MatchKind::Regex,
        "!~" => MatchKind::NotRegex,
        other => panic!("{other}"),
    };
    let needs_regex = matches!(kind, MatchKind::Regex | MatchKind::NotRegex);
    let regex = needs_regex.then(|| regex::Regex::new(&format!("^(?s:{value})$")).unwrap());
    Matcher { label: label.to_owned(), kind, value: value.to_owned(), regex }
}

/// A gauge of one label `i`, for each of these.
fn gauges(name: &str, values: impl IntoIterator<Item = (usize, f64)>) -> Family {
    let mut family = Family::new(name, FamilyKind::Gauge, "");
    for (i, value) in values {
        family.push(Labels::new([("i", i.to_string())]), value);
    }
    family
}
