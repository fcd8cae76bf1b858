//! Samples that a test expects beside those that a query gives.

use std::fmt;

use super::show_labels;
use crate::labels::Labels;

/// What is expected and not there, or there and not expected; both sorted by labels.
#[derive(Debug, Clone)]
pub struct SamplesDiffer {
    pub expr: String,
    pub expected: Vec<(Labels, f64)>,
    pub got: Vec<(Labels, f64)>,
    fuzzy: bool,
}

impl SamplesDiffer {
    /// `None` when they are the same, in whatever order. NaN equals nothing, as in promtool.
    pub(super) fn compare(
        expr: &str,
        mut expected: Vec<(Labels, f64)>,
        mut got: Vec<(Labels, f64)>,
        fuzzy: bool,
    ) -> Option<Self> {
        expected.sort_by(|(one, _), (other, _)| one.cmp(other));
        got.sort_by(|(one, _), (other, _)| one.cmp(other));
        let same = |((one, expected), (other, found)): (&(Labels, f64), &(Labels, f64))| {
            one == other && equal(*expected, *found, fuzzy)
        };
        let all = expected.len() == got.len() && expected.iter().zip(&got).all(same);
        (!all).then(|| SamplesDiffer { expr: expr.to_owned(), expected, got, fuzzy })
    }
}

fn equal(expected: f64, found: f64, fuzzy: bool) -> bool {
    expected == found || fuzzy && (expected.next_down() == found || expected.next_up() == found)
}

impl fmt::Display for SamplesDiffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut got: Vec<&(Labels, f64)> = self.got.iter().collect();
        for (labels, expected) in &self.expected {
            let shown = show_labels(labels.iter());
            match got.iter().position(|(found, _)| found == labels) {
                None => writeln!(f, "    - {shown} {expected}  is expected, but not there")?,
                Some(at) => match got.remove(at).1 {
                    found if equal(*expected, found, self.fuzzy) => {
                        writeln!(f, "      {shown} {found}  as expected")?
                    }
                    found if expected.is_nan() && found.is_nan() => {
                        writeln!(
                            f,
                            "    ~ {shown} {found}  is expected, but NaN equals nothing, not even itself"
                        )?;
                    }
                    found => writeln!(f, "    ~ {shown} {expected}  is expected, but it is {found}")?,
                },
            }
        }
        for (labels, found) in got {
            writeln!(f, "    + {} {found}  is there, but not expected", show_labels(labels.iter()))?;
        }
        Ok(())
    }
}
