//! The ledgers of events that the steps of a plan name: each needs somebody who publishes and somebody who receives.

use crate::config::{At, Place, Problem};
use crate::labels::Labels;
use crate::ledger::LedgerPlan;
use crate::metric;
use crate::record::Registry;

#[derive(Debug, Default)]
pub(super) struct LedgerNames(Vec<Named>);

#[derive(Debug)]
struct Named {
    name: String,
    /// Of the first step that names it.
    place: Place,
    published: bool,
    received: bool,
    /// Some receivers share its events.
    shared: bool,
}

impl LedgerNames {
    /// Its position among all.
    pub(super) fn publish(&mut self, name: &At<String>) -> usize {
        let at = self.at(name);
        self.0[at].published = true;
        at
    }

    /// Its position among all.
    pub(super) fn receive(&mut self, name: &At<String>, shared: bool) -> usize {
        let at = self.at(name);
        self.0[at].received = true;
        self.0[at].shared |= shared;
        at
    }

    pub(super) fn plans(&self, registry: &Registry, problems: &mut Vec<Problem>) -> Vec<LedgerPlan> {
        for Named { name, place, published, received, .. } in &self.0 {
            let (message, help) = match (published, received) {
                (true, false) => ("published and never received", "a step that receives them names it, too"),
                (false, true) => ("received and never published", "a step that publishes them names it, too"),
                _ => continue,
            };
            let message = format!("the events of the ledger `{name}` are {message}");
            problems.push(Problem::new(*place, message).help(help));
        }
        let plan = |named: &Named| LedgerPlan {
            name: named.name.clone(),
            lost: registry.intern(metric::EVENTS_LOST, &Labels::new([("ledger", named.name.as_str())])),
            shared: named.shared,
        };
        self.0.iter().map(plan).collect()
    }

    fn at(&mut self, name: &At<String>) -> usize {
        self.0.iter().position(|named| named.name == name.value).unwrap_or_else(|| {
            let (place, name) = (name.place, name.value.clone());
            self.0.push(Named { name, place, published: false, received: false, shared: false });
            self.0.len() - 1
        })
    }
}
