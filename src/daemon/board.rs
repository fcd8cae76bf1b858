//! What `/metrics` shows: the families of all runs that are kept, and the daemon's own, as one page.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::family::Family;
use crate::labels::Labels;
use crate::store::RunId;

#[derive(Debug, Default)]
pub(super) struct Board(Mutex<Pages>);

#[derive(Debug, Default)]
struct Pages {
    own: Arc<Vec<Family>>,
    runs: BTreeMap<RunId, Arc<Vec<Family>>>,
}

impl Board {
    /// The whole page with these families of the daemon itself.
    pub(super) fn own(&self, families: Vec<Family>) -> Vec<Family> {
        self.change(|pages| pages.own = Arc::new(families))
    }

    pub(super) fn run(&self, id: &RunId, families: Vec<Family>) -> Vec<Family> {
        self.change(|pages| {
            pages.runs.insert(id.clone(), Arc::new(families));
        })
    }

    /// The run's values are kept no longer.
    pub(super) fn forget(&self, id: &RunId) -> Vec<Family> {
        self.change(|pages| {
            pages.runs.remove(id);
        })
    }

    fn change(&self, change: impl FnOnce(&mut Pages)) -> Vec<Family> {
        let all: Vec<Arc<Vec<Family>>> = {
            let mut pages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            change(&mut pages);
            std::iter::once(&pages.own).chain(pages.runs.values()).cloned().collect()
        };
        merged(all.iter().map(|page| page.as_slice()))
    }
}

/// Families of one name stand together; of a series that several pages show (`process_*`) the first is taken.
fn merged<'a>(pages: impl Iterator<Item = &'a [Family]>) -> Vec<Family> {
    let mut merged: Vec<Family> = Vec::new();
    let mut places: HashMap<&'a str, usize> = HashMap::new();
    for family in pages.flatten() {
        match places.get(family.name.as_str()) {
            None => {
                places.insert(&family.name, merged.len());
                merged.push(family.clone());
            }
            Some(at) => {
                let known = &mut merged[*at];
                let there: HashSet<Labels> =
                    known.series.iter().map(|series| series.labels.clone()).collect();
                let new = family.series.iter().filter(|series| !there.contains(&series.labels));
                known.series.extend(new.cloned());
            }
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::family::FamilyKind;

    fn family(name: &str, testid: &str, value: f64) -> Family {
        let labels = if testid.is_empty() { Labels::empty() } else { Labels::new([("testid", testid)]) };
        Family::single(name, FamilyKind::Gauge, "h", labels, value)
    }

    fn shown(families: &[Family]) -> Vec<(String, usize)> {
        families.iter().map(|family| (family.name.clone(), family.series.len())).collect()
    }

    #[test]
    fn runs_share_families_and_no_series_is_shown_twice() {
        let board = Board::default();
        let id = |id: &str| RunId(id.to_owned());
        board.own(vec![family("process_open_fds", "", 1.0)]);
        board.run(&id("a"), vec![family("k6_vus", "a", 1.0), family("process_open_fds", "", 2.0)]);
        let all = board.run(&id("b"), vec![family("k6_vus", "b", 2.0), family("process_open_fds", "", 3.0)]);
        let both = [("process_open_fds".to_owned(), 1), ("k6_vus".to_owned(), 2)];
        assert_eq!(shown(&all), both);
        let one = [("process_open_fds".to_owned(), 1), ("k6_vus".to_owned(), 1)];
        assert_eq!(shown(&board.forget(&id("a"))), one);
    }
}
