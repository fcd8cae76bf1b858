//! Alerts that a test expects beside those that fire.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use super::{Firing, show_labels};
use crate::rules::value::show_duration;

/// What is expected and does not fire, or fires and is not expected.
#[derive(Debug, Clone)]
pub struct AlertsDiffer {
    pub alertname: String,
    pub expected: Vec<Firing>,
    pub got: Vec<Firing>,
    /// Alerts of the name that wait for their `for`, and how long they do.
    pub pending: Vec<(BTreeMap<String, String>, Duration)>,
}

impl AlertsDiffer {
    /// `None` when they are the same, in whatever order.
    pub(super) fn compare(
        alertname: &str,
        mut expected: Vec<Firing>,
        mut got: Vec<Firing>,
        pending: Vec<(BTreeMap<String, String>, Duration)>,
    ) -> Option<Self> {
        expected.sort();
        got.sort();
        (expected != got).then(|| AlertsDiffer { alertname: alertname.to_owned(), expected, got, pending })
    }
}

impl fmt::Display for AlertsDiffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut got: Vec<&Firing> = self.got.iter().collect();
        let mut left = Vec::new();
        for expected in &self.expected {
            match got.iter().position(|found| *found == expected) {
                Some(at) => {
                    got.remove(at);
                    writeln!(f, "      {}  fires as expected", labels(expected))?;
                }
                None => left.push(expected),
            }
        }
        for expected in left {
            if let Some(at) = got.iter().position(|found| found.labels == expected.labels) {
                let found = got.remove(at);
                writeln!(f, "    ~ {}  fires with other annotations", labels(expected))?;
                differences(f, &expected.annotations, &found.annotations)?;
                continue;
            }
            let pending = self.pending.iter().find(|(labels, _)| *labels == expected.labels);
            let why = match pending {
                Some((_, since)) => format!("it is pending, for {} so far", show_duration(*since)),
                None => "it does not fire".to_owned(),
            };
            writeln!(f, "    - {}  is expected, but {why}", labels(expected))?;
            annotations(f, &expected.annotations)?;
        }
        for found in got {
            writeln!(f, "    + {}  fires, but is not expected", labels(found))?;
            annotations(f, &found.annotations)?;
        }
        Ok(())
    }
}

fn labels(alert: &Firing) -> String {
    show_labels(alert.labels.iter().map(|(name, value)| (name.as_str(), value.as_str())))
}

fn annotations(f: &mut fmt::Formatter<'_>, annotations: &BTreeMap<String, String>) -> fmt::Result {
    annotations.iter().try_for_each(|(name, text)| writeln!(f, "          {name}: {text:?}"))
}

fn differences(
    f: &mut fmt::Formatter<'_>,
    expected: &BTreeMap<String, String>,
    found: &BTreeMap<String, String>,
) -> fmt::Result {
    for (name, text) in expected.iter().filter(|(name, text)| found.get(*name) != Some(text)) {
        writeln!(f, "        - {name}: {text:?}")?;
    }
    for (name, text) in found.iter().filter(|(name, text)| expected.get(*name) != Some(text)) {
        writeln!(f, "        + {name}: {text:?}")?;
    }
    Ok(())
}
